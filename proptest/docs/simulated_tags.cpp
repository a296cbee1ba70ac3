// The example of testing/simulated_tags.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <surefoot/testing/simulated_tags.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: simulated_tags refuses parts of a page") {
  //! [simulated_tags]
  const kit::minefield field({tile::read_write});
  const kit::simulated_tags engine(field.data());
  char to[4096];
  const progress copied = try_copy(to, field.data(), sizeof to, engine);
  REQUIRE(copied.done == 1600);
  REQUIRE(copied.stopped_by.kind == cause::tag_mismatch);
  //! [simulated_tags]
}

}  // namespace
