// The examples of testing/oracle.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <surefoot/testing/oracle.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

// What this engine should say of the first byte, and what it says.
template <class E>
void check(const kit::minefield& field) {
  //! [said_by]
  const kit::answer met = field.ask(0, access_kind::read);
  const kit::answer said = kit::said_by<E>(field.tiles()[0], met, access_kind::read);
  const result<char> got = try_load<char>(field.data(), E{});
  REQUIRE(got.stopped_by == said.at(field.data(), access_kind::read));
  if (kit::is_kernel<E>) REQUIRE(said.signal == 0);
  //! [said_by]
}

TEST_CASE("example: said_by is what engine::kernel and the others say of a tile") {
  for (const tile t : {tile::hole, tile::no_access, tile::past_end_of_file}) {
    const kit::minefield field({t});
    check<engine::standard>(field);
    check<engine::jump>(field);
    check<engine::kernel>(field);
  }
}

TEST_CASE("example: refused_for_writing is what ensure_writeable says") {
  //! [refused_for_writing]
  const kit::minefield field({tile::read_write, tile::read_only});
  char here[4200];
  const progress loads = try_copy(here, field.data(), sizeof here);
  const progress stores = fault_in_writeable(field.data(), sizeof here);
  REQUIRE(ensure_writeable(field.data(), sizeof here).stopped_by ==
          kit::refused_for_writing(loads, stores));
  //! [refused_for_writing]
}

}  // namespace
