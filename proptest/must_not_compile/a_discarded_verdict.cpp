// expect: ignoring return(ed)? value of (type|function).*nodiscard
#include <surefoot/surefoot.hpp>

void store(int* to) {
#ifdef BAD
  surefoot::try_store(to, 8);
#else
  (void)surefoot::try_store(to, 8);
#endif
}
