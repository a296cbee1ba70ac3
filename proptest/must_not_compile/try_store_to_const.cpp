// expect: is_const.*evaluated to .*false
#include <surefoot/surefoot.hpp>

#ifdef BAD
using target = const int;
#else
using target = int;
#endif
surefoot::verdict store(target* p) { return surefoot::try_store(p, 1); }
