// A user's shared object that exports functions with the library's types. `GUEST_NAME` becomes a
// part of their names.
#include <cstddef>
#include <surefoot/fault.hpp>

#define GUEST_NAMED_(function, name) function##_##name
#define GUEST_NAMED(function, name) GUEST_NAMED_(function, name)
#ifdef GUEST_HIDDEN
#define GUEST_EXPORT [[gnu::visibility("default")]]
#else
#define GUEST_EXPORT
#endif

namespace guest {

GUEST_EXPORT surefoot::progress GUEST_NAMED(touch, GUEST_NAME)(const void* p, std::size_t n);
GUEST_EXPORT surefoot::verdict GUEST_NAMED(writeable, GUEST_NAME)(void* p, std::size_t n);
GUEST_EXPORT surefoot::result<int> GUEST_NAMED(load_int, GUEST_NAME)(const int* p);

}  // namespace guest
