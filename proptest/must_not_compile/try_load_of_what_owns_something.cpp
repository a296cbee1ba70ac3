// expect: (__is_trivially_copyable.*evaluated to.*false|is not trivially copyable)
#include <string>
#include <surefoot/surefoot.hpp>

#ifdef BAD
using value = std::string;
#else
using value = char;
#endif
bool loaded(const value* p) { return surefoot::try_load(p).ok(); }
