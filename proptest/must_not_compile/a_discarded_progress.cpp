// expect: ignoring return(ed)? value of (type|function).*nodiscard
#include <surefoot/surefoot.hpp>

void copy(void* to, const void* from) {
#ifdef BAD
  surefoot::try_copy(to, from, 8);
#else
  (void)surefoot::try_copy(to, from, 8);
#endif
}
