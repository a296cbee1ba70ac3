// An image without an access of its own: the linker makes no table, the names of its bounds are
// weak and null.
#include <surefoot/surefoot.hpp>

[[gnu::visibility("default")]] bool has_no_table();

bool has_no_table() {
  return surefoot::arch::table_begin() == nullptr && surefoot::arch::table_end() == nullptr &&
         surefoot::signals::find_access(4096) == nullptr;
}
