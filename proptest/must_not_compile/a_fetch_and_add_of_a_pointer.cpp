// expect: no matching function
#include <surefoot/surefoot.hpp>

bool add(int** p, long* q) {
#ifdef BAD
  return surefoot::try_fetch_add(p, nullptr).ok();
#else
  return surefoot::try_fetch_add(q, 1).ok() && p != nullptr;
#endif
}
