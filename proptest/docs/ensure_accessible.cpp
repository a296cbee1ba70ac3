// The examples of ensure_accessible.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <surefoot/testing/simulated_tags.hpp>

#include "../unit/memory.hpp"

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: ensure_accessible is all or nothing") {
  //! [ensure_accessible]
  const kit::minefield field({tile::read_write, tile::read_only, tile::hole});
  REQUIRE(ensure_accessible<access_kind::write>(field.data(), kit::tile_size));
  REQUIRE(ensure_accessible<access_kind::read>(field.data(), 2 * kit::tile_size));
  const verdict all = ensure_accessible<access_kind::read>(field.data(), field.size());
  REQUIRE_FALSE(all);
  REQUIRE(all.stopped_by.address == field.begin_of(2));
  //! [ensure_accessible]
}

TEST_CASE("example: ensure_readable and ensure_writeable are the short forms") {
  //! [ensure_readable]
  const kit::minefield field({tile::read_only, tile::no_access});
  REQUIRE(ensure_readable(field.data(), kit::tile_size));
  REQUIRE(ensure_readable(field.data(), kit::tile_size + 1).stopped_by.address ==
          field.begin_of(1));
  //! [ensure_readable]

  //! [ensure_writeable]
  int array[100] = {};
  REQUIRE(ensure_writeable(array));
  REQUIRE(ensure_writeable(field.data(), 1).stopped_by.kind == cause::denied);
  //! [ensure_writeable]
}

TEST_CASE("example: granularity is how finely is asked") {
  //! [granularity]
  // A page of which some granules of 16 bytes are refused, from offset 1,600 on; its first byte is fine.
  const kit::minefield field({tile::read_write});
  const kit::simulated_tags engine(field.data());
  REQUIRE(fault_in_readable(field.data(), field.size(), engine).all());  // the wrong question
  const verdict wide = ensure_readable(field.data(), field.size(), engine);
  const verdict each =
      ensure_accessible<access_kind::read, granularity::byte>(field.data(), field.size(), engine);
  REQUIRE(wide.stopped_by.address == field.data() + 1600);
  REQUIRE(each.stopped_by.address == field.data() + 1600);
  //! [granularity]
}

TEST_CASE("example: tags are compared where their checks come too late") {
#if defined(__aarch64__)
  if (!kit::is_here(tile::tag_granules)) return memory::say_skipped("arm64 memory tags");
  //! [tags]
  const kit::minefield field({tile::tag_granules});
  kit::check_tags(kit::tag_checks::asynchronous);
  const verdict v = ensure_accessible<access_kind::read, granularity::hardware, tags::compare>(
      field.data(), field.size());
  REQUIRE(v.stopped_by.kind == cause::tag_mismatch);
  REQUIRE(v.stopped_by.address == field.data() + 1600);
  //! [tags]
  kit::check_tags(kit::tag_checks::synchronous);
#else
  // There is nothing to compare, and no such question.
  static_assert(!engine::standard::offers(engine::verb::tag));
  memory::say_skipped("arm64 memory tags");
#endif
}

}  // namespace
