// try_fill and try_zero: exactly the prefix.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::progress;

// Are exactly the n bytes at p this byte, and all others as they were? Then they are as they were
// again.
bool filled_exactly(const memory::pages& land, std::uint8_t* p, std::size_t n, std::uint8_t byte) {
  const bool fine =
      std::all_of(p, p + n, [&](std::uint8_t b) { return b == byte; }) && land.intact(p, n);
  memory::fill(p, n);
  return fine;
}

TEMPLATE_TEST_CASE("a fill writes exactly its bytes, at each alignment and length", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::no_access, kind::good, kind::hole};
  for (std::size_t skew = 0; skew <= 16; ++skew)
    for (std::size_t n = 0; n <= 300; n += memory::stride) {
      INFO(n << " bytes, skewed by " << skew);
      std::uint8_t* const p = land.page(1) + skew;
      REQUIRE(surefoot::try_fill(p, 0xa5, n, TestType{}) == memory::finished(n));
      REQUIRE(filled_exactly(land, p, n, 0xa5));
      REQUIRE(surefoot::try_zero(land.page(2) - n, n, TestType{}) == memory::finished(n));
      REQUIRE(filled_exactly(land, land.page(2) - n, n, 0));
    }
}

TEMPLATE_TEST_CASE("a fill that faults has written exactly the bytes before", "",
                   SUREFOOT_ALL_ENGINES) {
  for (const kind bad : memory::kinds_that_refuse(access_kind::write)) {
    const memory::pages land{kind::good, bad, kind::good};
    for (std::size_t before = 0; before <= 130; before += memory::stride)
      for (const unsigned past : {1u, 2u, 7u, 8u, 15u, 16u, 17u, 63u, 64u, 65u, 200u}) {
        const std::size_t n = before + past;
        std::uint8_t* const p = land.page(1) - before;
        INFO(memory::name(bad) << ": " << before << " bytes before the fault, " << past
                               << " behind");
        REQUIRE(surefoot::try_fill(p, 0x5a, n, TestType{}) ==
                memory::stopped<TestType>(before, n, bad, access_kind::write, land.page(1)));
        REQUIRE(filled_exactly(land, p, before, 0x5a));
      }
  }
}

TEMPLATE_TEST_CASE("a fill of nothing touches nothing, and one that wraps neither", "",
                   SUREFOOT_ALL_ENGINES) {
  CHECK(surefoot::try_fill(nullptr, 1, 0, TestType{}) == memory::finished(0));
  CHECK(surefoot::try_zero(memory::at(memory::kernel_half[0]), 0, TestType{}) ==
        memory::finished(0));
  const memory::pages land{kind::untouched};
  CHECK(surefoot::try_fill(land.data(), 1, SIZE_MAX, TestType{}) ==
        progress{0, SIZE_MAX, {land.data(), surefoot::cause::bad_address, access_kind::write}});
  CHECK_FALSE(memory::resident(land.data()));
}

TEMPLATE_TEST_CASE("a fill of a range counts bytes, also of wider elements", "",
                   SUREFOOT_ALL_ENGINES) {
  std::vector<std::uint32_t> words(7, 1);
  CHECK(surefoot::try_fill(words, 0xff, TestType{}) == memory::finished(28));
  CHECK(words == std::vector<std::uint32_t>(7, 0xffffffff));
  CHECK(surefoot::try_zero(words, TestType{}) == memory::finished(28));
  CHECK(words == std::vector<std::uint32_t>(7, 0));
}

}  // namespace
