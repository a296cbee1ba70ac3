// The examples of testing/minefield.hpp.
#include <catch2/catch.hpp>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

namespace kit = surefoot::testing;
using kit::tile;
using surefoot::access_kind;

TEST_CASE("example: a minefield knows the answer of each byte") {
  //! [minefield]
  kit::minefield field({tile::read_write, tile::read_only, tile::hole});
  REQUIRE(field.accessible(100, field.size(), access_kind::read) == 2 * kit::tile_size - 100);
  REQUIRE(field.accessible(100, field.size(), access_kind::write) == kit::tile_size - 100);
  REQUIRE(surefoot::try_zero(field.data() + 10, 5).all());
  REQUIRE(field.intact(10, 5));  // all else is as it was laid
  REQUIRE_FALSE(field.intact());
  field.change(2, tile::read_write);
  REQUIRE(field.accessible(0, field.size(), access_kind::read) == field.size());
  field.restore();
  REQUIRE(field.ask(2 * kit::tile_size, access_kind::read).kind == surefoot::cause::unmapped);
  //! [minefield]
}

TEST_CASE("example: a picture is a line") {
  //! [picture]
  REQUIRE(kit::picture({tile::read_write, tile::hole, tile::read_write}) ==
          "|.H.|  . read-write, H hole (unmapped)");
  //! [picture]
}

TEST_CASE("example: exercised counts what was tried") {
  //! [exercised]
  const auto before = kit::exercised::times(tile::hole);
  const kit::minefield field({tile::hole, tile::hole});
  REQUIRE(kit::exercised::times(tile::hole) == before + 2);
  REQUIRE(kit::exercised::report().find("hole: exercised ") != std::string::npos);
  //! [exercised]
}

}  // namespace
