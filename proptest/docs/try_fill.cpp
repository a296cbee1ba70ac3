// The examples of try_fill.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: try_fill fills up to the first bad byte") {
  //! [try_fill]
  const kit::minefield field({tile::read_write, tile::read_only});
  unsigned char* const p = field.begin_of(1) - 10;
  const progress filled = try_fill(p, 0xaa, 20);
  REQUIRE(filled.done == 10);
  REQUIRE(p[9] == 0xaa);
  REQUIRE(filled.stopped_by.address == field.begin_of(1));
  REQUIRE(field.intact(kit::tile_size - 10, 10));  // all else is as it was
  //! [try_fill]
}

TEST_CASE("example: try_zero clears") {
  //! [try_zero]
  int numbers[3] = {1, 2, 3};
  REQUIRE(try_zero(numbers).done == sizeof numbers);
  REQUIRE(numbers[2] == 0);
  //! [try_zero]
}

}  // namespace
