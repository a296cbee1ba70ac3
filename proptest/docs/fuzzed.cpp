// The examples of testing/fuzzed.hpp.
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/fuzzed.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: a fuzzer's bytes are a program") {
  //! [fuzzed]
  constexpr auto read_write = static_cast<std::uint8_t>(tile::read_write);
  constexpr auto hole = static_cast<std::uint8_t>(tile::hole);
  const kit::record records[] = {
      {read_write, hole, read_write, read_write},  // the layout
      {128, 0, 0, 100, 1, 100},                    // a call, with bytes 0:100 to 1:100
  };
  static kit::address_space space;
  static_assert(sizeof records == 2 * kit::record_size);
  kit::fuzzed program(records[0].data(), sizeof records);
  std::size_t done = 0;
  program.run(space, [&](kit::fuzzed_call& call) {
    const kit::reach part = call.part();
    const progress met = fault_in_readable(space.data() + part.offset, part.length);
    REQUIRE(met == space.expected<engine::standard>(part, access_kind::read));
    done = met.done;
  });
  REQUIRE(done == kit::tile_size - 100);
  //! [fuzzed]
  const std::string names[] = {"fault in"};
  REQUIRE(program.text(names).find("1. fault in bytes 0:100 to 1:100") != std::string::npos);
}

TEST_CASE("example: mutate_program edits programs") {
  //! [mutate_program]
  std::uint8_t program[8 * kit::record_size] = {};
  std::size_t size = 2 * kit::record_size;
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    size = kit::mutate_program(program, size, sizeof program, seed);
    REQUIRE(size % kit::record_size == 0);  // whole records, and never more than there is room for
    REQUIRE(size <= sizeof program);
  }
  //! [mutate_program]
}

}  // namespace
