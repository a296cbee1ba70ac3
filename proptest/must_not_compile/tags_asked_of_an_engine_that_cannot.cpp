// expect: no matching function|constraints not satisfied
#include <surefoot/surefoot.hpp>

namespace sf = surefoot;

bool readable(const void* p) {
#ifdef BAD
  constexpr sf::tags who = sf::tags::compare;
#else
  constexpr sf::tags who = sf::tags::accesses;
#endif
  return static_cast<bool>(
      sf::ensure_accessible<sf::access_kind::read, sf::granularity::hardware, who>(
          p, 100, sf::engine::kernel{}));
}
