// The examples of heal.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

#include "../unit/memory.hpp"

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: heal puts zeros in the place of lost pages") {
  //! [heal]
  const kit::minefield field({tile::shared_file, tile::past_end_of_file});
  const result<healed> lost = heal(field.begin_of(1) + 100, 8);
  REQUIRE(lost.ok());
  REQUIRE(try_load<int>(field.begin_of(1)).value() == 0);  // the rest of the program may go on
  REQUIRE(field.content(0) == field.data()[0]);            // the other page is as it was
  //! [heal]

  //! [healed]
  const healed what = lost.value();
  REQUIRE(what.address == field.begin_of(1));
  REQUIRE(what.bytes == kit::tile_size);  // whole pages
  REQUIRE(what.of_file);
  REQUIRE(what.shared);
  //! [healed]
}

TEST_CASE("example: heal takes the fault that was met") {
  if (machine::is_user_mode_emulation())
    return memory::say_skipped("a kernel that knows what is mapped");
  //! [heal_fault]
  const kit::minefield field({tile::read_write, tile::truncated_file, tile::no_access});
  const fault met = ensure_readable(field.data(), field.size()).stopped_by;
  REQUIRE(heal(met).value().address == field.begin_of(1));
  const fault next = ensure_readable(field.data(), field.size()).stopped_by;
  REQUIRE(next.kind == cause::denied);
  REQUIRE(heal(next).stopped_by == next);  // good memory stays as it is
  //! [heal_fault]
}

}  // namespace
