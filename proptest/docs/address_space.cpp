// The examples of testing/address_space.hpp.
#include <catch2/catch.hpp>
#include <sstream>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/address_space.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: an address space is changed step by step") {
  //! [address_space]
  kit::address_space space;
  const kit::space_layout layout{tile::read_write, tile::shared_file, tile::hole, tile::hole};
  space.lay(layout);
  char to[kit::space_size];
  REQUIRE(try_copy(to, space.data(), kit::space_size).done == 2 * kit::tile_size);
  REQUIRE(space.make({.what = kit::change_kind::truncate, .first = 1, .size = 0}));
  REQUIRE(try_copy(to, space.data(), kit::space_size) ==
          space.expected<engine::standard>({0, kit::space_size}, access_kind::read));
  REQUIRE(space.first_wrong() == kit::space_size);  // every byte is what the model says
  REQUIRE(kit::space_pages == 4);
  //! [address_space]
}

TEST_CASE("example: a change prints itself") {
  //! [change]
  const kit::change c{
      .what = kit::change_kind::protect, .first = 1, .count = 2, .protection = PROT_READ};
  std::ostringstream to;
  to << c;
  REQUIRE(to.str() == "protect page 1 to 2: r");
  REQUIRE(kit::name_of_protection(PROT_NONE) == std::string("none"));
  //! [change]
}

TEST_CASE("example: the model is a value") {
  //! [space_model]
  auto model = kit::space_model::laid({tile::read_write, tile::hole, tile::hole, tile::hole});
  const unsigned char bytes[] = {1, 2, 3};
  model.store(10, bytes, 3);
  REQUIRE(model.byte(11) == 2);
  REQUIRE_FALSE(model.ask(kit::tile_size, access_kind::read).accessible());
  model.apply({.what = kit::change_kind::map, .first = 1, .to = tile::read_only});
  REQUIRE(model.reaches<engine::standard>({0, kit::space_size}, access_kind::read) ==
          2 * kit::tile_size);
  //! [space_model]
}

TEST_CASE("example: the content of a page is shared until it is written") {
  //! [page_content]
  const kit::page_content one;
  kit::page_content other = one;
  REQUIRE(other.is(one));
  other.write()[0] = 1;
  REQUIRE(one.read()[0] == 0);
  REQUIRE_FALSE(other.is(one));
  //! [page_content]
}

}  // namespace
