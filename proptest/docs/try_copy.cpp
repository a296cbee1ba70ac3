// The example of try_copy.hpp.
#include <catch2/catch.hpp>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: try_copy writes exactly what it says") {
  //! [try_copy]
  const kit::minefield field({tile::shared_file, tile::past_end_of_file});
  char buffer[1000] = {};
  const progress copied = try_copy(buffer, field.begin_of(1) - 300, sizeof buffer);
  REQUIRE(copied.done == 300);
  REQUIRE(std::memcmp(buffer, field.begin_of(1) - 300, 300) == 0);
  REQUIRE(buffer[300] == 0);  // not touched
  REQUIRE(copied.stopped_by.kind == cause::no_backing);
  REQUIRE(copied.stopped_by.during == access_kind::read);
  //! [try_copy]
}

}  // namespace
