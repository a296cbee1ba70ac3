// The examples of salvage.hpp.
#include <catch2/catch.hpp>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: salvage copies around holes") {
  //! [salvage]
  const kit::minefield field({tile::read_write, tile::hole, tile::hole, tile::read_only});
  std::vector<unsigned char> to(field.size());
  std::size_t hole_at = 0, hole_size = 0;
  const auto on_hole = [&](const fault& why, std::size_t offset, std::size_t bytes) {
    REQUIRE(why.kind == cause::unmapped);
    hole_at = offset;
    hole_size = bytes;
  };
  const auto what = salvage(to.data(), field.data(), field.size(), on_hole);
  REQUIRE(what.holes == 1);
  REQUIRE(hole_at == kit::tile_size);
  REQUIRE(hole_size == 2 * kit::tile_size);
  REQUIRE(std::memcmp(&to[3 * kit::tile_size], field.begin_of(3), kit::tile_size) == 0);
  //! [salvage]

  //! [salvaged]
  const kit::minefield full(
      {tile::read_write, tile::read_only});  // the second page cannot be written
  const auto ignore = [](const fault&, std::size_t, std::size_t) {};
  const salvaged some = salvage(full.data(), field.data(), full.size(), ignore);
  REQUIRE(some.copied == kit::tile_size);
  REQUIRE(some.lost == kit::tile_size);  // a hole in the source asks nothing of the destination
  REQUIRE(salvage(full.begin_of(1), to.data(), 10, ignore).left == 10);
  //! [salvaged]
}

}  // namespace
