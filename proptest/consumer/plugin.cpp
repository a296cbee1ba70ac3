// A user's shared object, to be loaded with dlopen().
#include <surefoot/surefoot.hpp>

extern "C" bool readable_int(const int* p) { return surefoot::try_load(p).ok(); }
