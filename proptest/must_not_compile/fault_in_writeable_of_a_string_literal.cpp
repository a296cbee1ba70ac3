// expect: is_const.*evaluated to .*false
#include <surefoot/surefoot.hpp>

surefoot::progress touch() {
#ifdef BAD
  return surefoot::fault_in_writeable("text");
#else
  return surefoot::fault_in_readable("text");
#endif
}
