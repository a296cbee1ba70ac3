// expect: same<.*progress>.*(evaluated to .*false|is not satisfied)
#include <cstddef>
#include <surefoot/surefoot.hpp>

#ifdef BAD
constexpr auto fault_in = surefoot::ensure;
#else
constexpr auto fault_in = surefoot::touch;
#endif
surefoot::progress go(const char* p, std::size_t size) {
  const auto step = [](const volatile void*, std::size_t n) noexcept { return n; };
  return surefoot::resume<surefoot::access_kind::read>(p, size, step, {}, fault_in);
}
