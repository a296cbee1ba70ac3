// The examples of try_value.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: try_load loads one value, wherever it is") {
  //! [try_load]
  const double here = 2.5;
  REQUIRE(try_load(&here).value() == 2.5);
  REQUIRE(try_load<int>(static_cast<const void*>(nullptr)).value_or(0) == 0);

  // Of a value that is half there nothing is seen.
  const kit::minefield field({tile::read_write, tile::hole});
  const result<long> torn = try_load<long>(field.begin_of(1) - 3);
  REQUIRE_FALSE(torn.ok());
  REQUIRE(torn.stopped_by.address == field.begin_of(1));
  //! [try_load]
}

TEST_CASE("example: try_store stores all of a value or nothing") {
  //! [try_store]
  int flag = 0;
  REQUIRE(try_store(&flag, 7));
  REQUIRE(flag == 7);

  const kit::minefield field({tile::read_write, tile::read_only});
  auto* const across = reinterpret_cast<long*>(field.begin_of(1) - 3);  // any alignment
  REQUIRE(try_store(across, -1L).stopped_by.kind == cause::denied);
  REQUIRE(field.intact());
  //! [try_store]
}

}  // namespace
