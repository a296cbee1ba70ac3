// Tests a copy loop on real memory that breaks, of every kind that this machine has.
//
// A loop that is wrong is shown with the smallest layout where it is. RC_PARAMS is rapidcheck's:
// "seed=1" for the same run again, "max_success=10000" for a longer one.
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <surefoot/testing/minefield.hpp>
#include <surefoot/testing/rapidcheck.hpp>
#include <vector>

#include "copy_loop.hpp"

namespace {

namespace kit = surefoot::testing;

using loop = std::size_t(unsigned char* to, const unsigned char* from, std::size_t n);

bool copies_exactly_what_can_be_read(loop* copy) {
  return rc::check("the loop copies exactly what can be read", [copy] {
    const auto [tiles, part] = *kit::any_excerpt().as("a layout, and the part of it to copy");
    const kit::minefield field(tiles);
    std::vector<unsigned char> to(part.length, 0);

    const std::size_t copied = copy(to.data(), field.data() + part.offset, part.length);

    const std::size_t readable =
        field.accessible(part.offset, part.length, surefoot::access_kind::read);
    RC_ASSERT(copied == readable);
    for (std::size_t i = 0; i < part.length; ++i)
      if (to[i] != (i < readable ? field.content(part.offset + i) : 0))
        RC_FAIL("byte " + std::to_string(i) + " of the copy is wrong");
  });
}

loop* loop_called(std::string_view name) {
  if (name == "naive") return copy_loop::naive;
  if (name == "mended") return copy_loop::mended;
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  loop* const copy = argc == 2 ? loop_called(argv[1]) : nullptr;
  if (copy == nullptr) {
    std::fputs("usage: your_copy_loop naive | mended\n", stderr);
    return 2;
  }
  const bool right = copies_exactly_what_can_be_read(copy);
  // What the answer is worth: a kind of memory that no layout held has not been tried.
  std::fputs(kit::exercised::report().c_str(), stdout);
  return right ? 0 : 1;
}
