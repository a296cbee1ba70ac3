// The examples of engine/concept.hpp.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

#include "../unit/memory.hpp"

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: verbs and words of an engine") {
  //! [engine]
  const engine::standard e;
  REQUIRE(e.ready());
  REQUIRE(e.offers(engine::verb::atomic));
  std::uint32_t word = 5;
  const engine::swap<std::uint32_t> found = e.compare_exchange<std::uint32_t>(&word, 5, 6).value();
  REQUIRE(found.swapped);
  REQUIRE(found.was == 5);
  const std::uint64_t pair[2] = {1, 2};
  REQUIRE(e.load<engine::word16>(pair).value().high == 2);  // the second 8 bytes
  //! [engine]
}

//! [complete]
// An engine of one's own: the standard one, and it counts its copies.
struct counting : engine::standard {
  static inline std::size_t copies = 0;
  static progress copy(volatile void* dst, const volatile void* src, std::size_t n) noexcept {
    ++copies;
    return engine::standard::copy(dst, src, n);
  }
};
static_assert(engine::complete<counting>);
//! [complete]

TEST_CASE("example: an engine of one's own is passed as the last argument") {
  //! [model]
  static_assert(engine::model<engine::kernel> && !engine::model<int>);
  char from[8] = {}, to[8];
  REQUIRE(try_copy(to, from, 8, counting{}).all());
  REQUIRE(counting::copies == 1);
  //! [model]

  //! [offering]
  static_assert(engine::offering<engine::kernel, engine::verb::copy, engine::verb::probe>);
  static_assert(!engine::offering<engine::kernel, engine::verb::atomic>);
  //! [offering]

  //! [searching]
  // It copies in its own way, so strings are not searched in the way of the engine that it derives from.
  static_assert(!engine::searching<counting>);
  REQUIRE(try_length("abc", 100, counting{}).value() == 3);
  REQUIRE(counting::copies == 2);
  //! [searching]
}

template <class E>
void look_for(const E& e, const kit::minefield& field) {
  if constexpr (engine::searching<E>) {
    //! [met_fault]
    REQUIRE(e.ready());  // asked by whoever calls an engine
    fault why;
    field.data()[kit::tile_size - 1] = 200;
    REQUIRE(e.find(field.data() + kit::tile_size - 1, 200, 100, why) == 0);
    REQUIRE(e.find(field.data() + kit::tile_size - 1, 0, 100, why) == engine::met_fault);
    REQUIRE(why.address == field.begin_of(1));
    //! [met_fault]
  } else {
    memory::say_skipped("an engine that searches (x86-64)");
  }
}
TEST_CASE("example: a search that met a fault says so") {
  look_for(engine::standard{}, kit::minefield({tile::read_write, tile::hole}));
}

TEST_CASE("example: a survey foretells what lies behind a fault") {
  //! [outlook]
  const kit::minefield field(std::vector<tile>(64, tile::hole));
  engine::standard::survey survey;
  std::size_t met = 0, foretold = 0;
  for (std::size_t at = 0; at < field.size();) {
    const engine::outlook ahead = survey.look(field.data() + at, field.size() - at);
    if (ahead.why.kind == cause::none) {  // nothing is known: it is to be accessed
      survey.met(try_load<char>(field.data() + at).stopped_by);
      ++met;
      at += kit::tile_size;
    } else {
      REQUIRE(ahead.why.kind == cause::unmapped);
      foretold += ahead.bytes;
      at += ahead.bytes;
    }
  }
  REQUIRE(met * kit::tile_size + foretold == field.size());
  //! [outlook]
  if (machine::is_user_mode_emulation()) return memory::say_skipped("a kernel that is asked");
  REQUIRE(met < 64);
}

}  // namespace
