// expect: same<.*(progress|size_t)>.*(evaluated to .*false|is not satisfied)
#include <cstddef>
#include <surefoot/surefoot.hpp>

surefoot::progress go(const char* p, std::size_t size) {
  const auto step = [](const volatile void*, std::size_t n) noexcept {
#ifdef BAD
    return n > 0;
#else
    return n;
#endif
  };
  return surefoot::resume<surefoot::access_kind::read>(p, size, step);
}
