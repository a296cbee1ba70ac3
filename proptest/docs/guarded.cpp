// The examples of guarded.hpp.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

// Code that was not written for this.
long sum(const volatile unsigned char* p, std::size_t n) noexcept {
  long all = 0;
  for (std::size_t i = 0; i < n; ++i) all += p[i];
  return all;
}

TEST_CASE("example: guarded runs code that may fault") {
  //! [guarded]
  const kit::minefield field({tile::zero_page, tile::hole});
  const unsigned char* const p = field.data();
  REQUIRE(guarded([p]() noexcept { return sum(p, kit::tile_size); }).value() == 0);
  const result<long> ended = guarded([p]() noexcept { return sum(p, kit::tile_size + 1); });
  REQUIRE_FALSE(ended.ok());
  REQUIRE(ended.stopped_by.address == p + kit::tile_size);
  //! [guarded]
}

TEST_CASE("example: guarded with a range takes the faults of that range only") {
  //! [guarded_range]
  const kit::minefield field({tile::hole, tile::hole});
  const volatile unsigned char* const other = field.begin_of(1);
  const result<result<int>> outer = guarded([&]() noexcept {
    return guarded(field.begin_of(0), kit::tile_size, [other]() noexcept -> int { return *other; });
  });
  REQUIRE_FALSE(outer.ok());  // not the inner one's
  REQUIRE(outer.stopped_by.address == other);
  //! [guarded_range]
}

}  // namespace
