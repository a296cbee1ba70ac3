// expect: satisfaction of .*ensures<.*no operand of the disjunction|offering<blind.*evaluated to false
#include <cstddef>
#include <surefoot/surefoot.hpp>

struct blind : surefoot::engine::table {
  static constexpr bool offers(surefoot::engine::verb v) noexcept {
    return v != surefoot::engine::verb::scan;
  }
};
#ifdef BAD
constexpr auto asked = surefoot::granularity::hardware;
#else
constexpr auto asked = surefoot::granularity::byte;
#endif
surefoot::verdict ask(const void* p, std::size_t n) {
  return surefoot::ensure_accessible<surefoot::access_kind::read, asked>(p, n, blind{});
}
