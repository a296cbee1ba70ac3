// A second copy of the library in the same program: that of another option, so all of it, its handler, its
// table and its memory of owners, is another one. The target `handler` lets both live together.
#pragma once

#include <cstdint>

namespace fuzz::other_image {

struct both {
  bool segv, bus;
  friend bool operator==(const both&, const both&) = default;
};

bool install();
both uninstall();
both installed();
// As in a process that has just begun.
void forget_everything();
// Loads the 8 bytes at p: whether it could, and where it could not.
struct loaded {
  bool ok;
  const volatile void* bad;
};
loaded load(const volatile void* p);

}  // namespace fuzz::other_image
