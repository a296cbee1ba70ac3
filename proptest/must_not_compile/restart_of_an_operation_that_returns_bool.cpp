// expect: same<.*(progress|verdict)>.*(evaluated to .*false|is not satisfied)
#include <cstddef>
#include <surefoot/surefoot.hpp>

surefoot::verdict go(const char* p, std::size_t size) {
  const auto op = [=]() noexcept {
#ifdef BAD
    return surefoot::ensure_readable(p, size) ? true : false;
#else
    return surefoot::ensure_readable(p, size);
#endif
  };
  return surefoot::restart(surefoot::reads(p, size), op);
}
