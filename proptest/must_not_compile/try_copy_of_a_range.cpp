// expect: candidate expects 4 arguments, 2 provided|requires at least 3 arguments, but 2 were provided
#include <span>
#include <surefoot/surefoot.hpp>

surefoot::progress copy(std::span<char> to, std::span<const char> from) {
#ifdef BAD
  return surefoot::try_copy(to, from);
#else
  return surefoot::try_copy(to.data(), from.data(), from.size());
#endif
}
