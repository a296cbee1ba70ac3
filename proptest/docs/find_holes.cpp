// The examples of find_holes.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: find_holes lists the pages that cannot be read") {
  //! [find_holes]
  const kit::minefield field({tile::hole, tile::no_access, tile::read_write, tile::hole});
  std::vector<std::size_t> offsets;
  const auto on_hole = [&](const fault&, std::size_t offset, std::size_t) {
    offsets.push_back(offset / kit::tile_size);
  };
  REQUIRE(find_holes(field.data(), field.size(), on_hole).holes == 3);
  REQUIRE(offsets == std::vector<std::size_t>{0, 1, 3});  // two that touch, for different reasons
  //! [find_holes]

  //! [holes_found]
  const auto ignore = [](const fault&, std::size_t, std::size_t) {};
  const holes_found all = find_holes(field.data(), field.size(), ignore);
  REQUIRE(all.good == kit::tile_size);
  REQUIRE(all.bad == 3 * kit::tile_size);
  REQUIRE(all.holes == 3);
  //! [holes_found]
}

}  // namespace
