// expect: noexcept.*(evaluated to .*false|is not satisfied)
#include <surefoot/surefoot.hpp>

bool ran(void (*f)(), void (*g)() noexcept) {
#ifdef BAD
  (void)g;
  return surefoot::guarded([f] { f(); }).ok();
#else
  (void)f;
  return surefoot::guarded([g]() noexcept { g(); }).ok();
#endif
}
