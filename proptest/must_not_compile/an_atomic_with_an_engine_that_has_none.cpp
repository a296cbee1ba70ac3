// expect: no matching function
#include <surefoot/surefoot.hpp>

int swap(int* p) {
#ifdef BAD
  return surefoot::try_exchange(p, 1, surefoot::engine::kernel{}).value_or(0);
#else
  return surefoot::try_exchange(p, 1, surefoot::engine::table{}).value_or(0);
#endif
}
