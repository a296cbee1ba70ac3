// The examples of fault_in.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: fault_in_readable comes as far as the first bad page") {
  //! [fault_in_readable]
  const kit::minefield field({tile::untouched, tile::private_file, tile::hole});
  const progress there = fault_in_readable(field.data() + 100, field.size() - 100);
  REQUIRE(there.any());  // enough for a loop that goes on from what it has copied
  REQUIRE(there.done == 2 * kit::tile_size - 100);
  REQUIRE(there.stopped_by.address == field.begin_of(2));
  //! [fault_in_readable]
}

TEST_CASE("example: fault_in_writeable changes no byte") {
  //! [fault_in_writeable]
  const kit::minefield field({tile::read_write, tile::read_only});
  const progress there = fault_in_writeable(field.data(), field.size());
  REQUIRE(there.done == kit::tile_size);
  REQUIRE(there.stopped_by.kind == cause::denied);
  REQUIRE(field.intact());
  //! [fault_in_writeable]
}

}  // namespace
