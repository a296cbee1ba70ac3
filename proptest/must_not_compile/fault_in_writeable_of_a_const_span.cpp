// expect: is_const.*evaluated to .*false
#include <span>
#include <surefoot/surefoot.hpp>

#ifdef BAD
using element = const int;
#else
using element = int;
#endif
surefoot::progress touch(std::span<element> data) { return surefoot::fault_in_writeable(data); }
