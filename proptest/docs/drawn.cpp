// The examples of testing/drawn.hpp.
#include <catch2/catch.hpp>
#include <sstream>
#include <surefoot/testing/drawn.hpp>

namespace {

namespace kit = surefoot::testing;
using kit::tile;

template <class T>
std::string shown(const T& value) {
  std::ostringstream to;
  to << value;
  return to.str();
}

TEST_CASE("example: drawn values print themselves") {
  //! [layout]
  const kit::layout three{{tile::read_write, tile::read_only, tile::hole}};
  REQUIRE(shown(three) == "|.RH|  . read-write, R read-only (write: denied), H hole (unmapped)");
  //! [layout]

  //! [reach]
  const kit::reach part{.offset = 4000, .length = 200};
  REQUIRE(part.end() == 4200);
  REQUIRE(shown(part) == "bytes 0:4000 to 1:104 (tile:offset)");
  //! [reach]

  //! [excerpt]
  const kit::excerpt both{three.tiles, part};
  REQUIRE(shown(both) == shown(three) + '\n' + shown(part));
  //! [excerpt]

  //! [step_plan]
  const kit::step_plan plan{.kind = kit::step_kind::brief, .amount = 12};
  REQUIRE(shown(plan) == "brief(12)");  // a step that does 12 bytes of what it is offered
  //! [step_plan]
}

TEST_CASE("example: showValue is how rapidcheck shows answers") {
  //! [showValue]
  std::ostringstream to;
  showValue(surefoot::progress{.done = 3, .left = 0}, to);
  REQUIRE(to.str() == "3 done, 0 left, none");
  //! [showValue]
}

}  // namespace
