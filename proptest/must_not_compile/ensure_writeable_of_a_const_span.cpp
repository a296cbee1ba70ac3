// expect: satisfaction of .*touchable.*access_kind::write|is_const.*evaluated to false
#include <span>
#include <surefoot/surefoot.hpp>

#ifdef BAD
using element = const int;
#else
using element = int;
#endif
surefoot::verdict ask(std::span<element> data) { return surefoot::ensure_writeable(data); }
