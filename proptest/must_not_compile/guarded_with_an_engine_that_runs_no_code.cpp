// expect: offers.*evaluated to .*false
#include <surefoot/surefoot.hpp>

#ifdef BAD
using engine = surefoot::engine::table;
#else
using engine = surefoot::engine::jump;
#endif
bool ran() {
  return surefoot::guarded([]() noexcept {}, engine{}).ok();
}
