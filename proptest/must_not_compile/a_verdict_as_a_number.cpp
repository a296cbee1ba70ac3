// expect: cannot convert .*verdict.* to .*int|no viable conversion from .*verdict.* to .*int
#include <surefoot/surefoot.hpp>

int refused(const void* p) {
  const auto met = surefoot::ensure_readable(p, 8);
#ifdef BAD
  const int status = met;
#else
  const int status = met ? 0 : 1;
#endif
  return status;
}
