// The examples of testing/reference.hpp.
#include <catch2/catch.hpp>
#include <surefoot/testing/minefield.hpp>
#include <surefoot/testing/reference.hpp>

namespace {

namespace kit = surefoot::testing;
using kit::tile;
using surefoot::access_kind;

TEST_CASE("example: the reference asks the kernel, byte by byte") {
  //! [reference]
  const kit::minefield field({tile::read_write, tile::read_only});
  const kit::reference& kernel = kit::reference_of_this_process();
  unsigned char* const p = field.begin_of(1) - 3;
  REQUIRE(kernel.load(p).value() == *p);
  REQUIRE(kernel.accessible(p, 10, access_kind::read) == 10);
  REQUIRE(kernel.accessible(p, 10, access_kind::write) == 3);
  REQUIRE(kernel.copy(p, field.data(), 10) == 3);  // into a page that cannot be written
  //! [reference]
}

}  // namespace
