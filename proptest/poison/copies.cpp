// try_copy and try_fill around a broken page: exact on both sides, at each offset.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "poisoned.hpp"

namespace {

using poisoned::page_size;
using surefoot::access_kind;
using surefoot::progress;
using surefoot::testing::pattern;

// The distances from the beginning of a range to the broken page: 0 to 40, and what lies around the
// widths of larger steps; negative ones begin inside.
constexpr std::ptrdiff_t distances[] = {-4000, -64, -3,  0,   1,   2,   3,   4,   5,   7,  8,
                                        9,     15,  16,  17,  23,  24,  31,  32,  33,  40, 63,
                                        64,    65,  100, 127, 128, 129, 255, 256, 257, 300};
constexpr std::size_t lengths[] = {1,  2,  3,  4,  5,  7,  8,   9,   12,  15,  16,  17,  24, 31,
                                   32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 200, 256, 300};
constexpr std::size_t good_offsets[] = {0, 1, 7, 8, 15, 33};

// Calls check(begins before the broken page, length, bytes before it, offset on the good side).
template <class Check>
void sweep(Check check) {
  for (const std::ptrdiff_t distance : distances)
    for (const std::size_t n : lengths) {
      const std::size_t done =
          distance <= 0 ? 0 : surefoot::detail::smaller(n, static_cast<std::size_t>(distance));
      for (const std::size_t offset : good_offsets) check(distance, n, done, offset);
    }
}

template <class E>
progress expected(access_kind during, std::size_t n, std::size_t done, const std::uint8_t* at) {
  if (done == n) return memory::finished(n);
  return {done, n - done, poisoned::fault_of<E>(during, at)};
}

}  // namespace

TEMPLATE_TEST_CASE("a copy from a broken page writes the exact prefix and nothing past it", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  const poisoned::row land(poisoned::anonymous);
  sweep([&](std::ptrdiff_t distance, std::size_t n, std::size_t done, std::size_t offset) {
    constexpr std::uint8_t untouched = 0xee;
    alignas(64) std::uint8_t to[400];
    std::memset(to, untouched, sizeof to);
    const std::uint8_t* const p = land.bad() - distance;
    const progress met = surefoot::try_copy(to + offset, p, n, TestType{});
    bool fine = met == expected<TestType>(access_kind::read, n, done, p + done);
    for (std::size_t i = 0; i < sizeof to; ++i) {
      const bool copied = i >= offset && i - offset < done;
      fine = fine && to[i] == (copied ? p[i - offset] : untouched);
    }
    if (!fine) FAIL_CHECK(distance << " before it, length " << n << ", to offset " << offset);
  });
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("a copy into a broken page writes the exact prefix", "", SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  const poisoned::row land(poisoned::anonymous);
  alignas(64) std::uint8_t from[400];
  for (std::size_t i = 0; i < sizeof from; ++i) from[i] = static_cast<std::uint8_t>(i * 7);
  sweep([&](std::ptrdiff_t distance, std::size_t n, std::size_t done, std::size_t offset) {
    std::uint8_t* const p = land.bad() - distance;
    const progress met = surefoot::try_copy(p, from + offset, n, TestType{});
    bool fine = met == expected<TestType>(access_kind::write, n, done, p + done);
    fine = fine && std::memcmp(p, from + offset, done) == 0;
    for (std::size_t i = 0; i < done; ++i) p[i] = pattern(p + i);
    const auto byte = static_cast<std::uint8_t>(offset + 1);
    fine = fine && surefoot::try_fill(p, byte, n, TestType{}) == met;
    for (std::size_t i = 0; i < done; ++i) {
      fine = fine && p[i] == byte;
      p[i] = pattern(p + i);
    }
    if (!fine || !land.near_is_intact())
      FAIL_CHECK(distance << " before it, length " << n << ", from offset " << offset);
  });
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("a copy out of a broken page stops at its first byte, on either side", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  const poisoned::row land(poisoned::anonymous);
  std::uint8_t other[300] = {};
  for (std::size_t from_end = 1; from_end <= 130; ++from_end) {
    std::uint8_t* const p = land.behind() - from_end;
    CHECK(surefoot::try_copy(other, p, sizeof other, TestType{}) ==
          expected<TestType>(access_kind::read, sizeof other, 0, p));
    CHECK(surefoot::try_copy(p, other, sizeof other, TestType{}) ==
          expected<TestType>(access_kind::write, sizeof other, 0, p));
  }
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("a copy between two broken pages says which side it met first", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  const poisoned::row from(poisoned::anonymous), to(poisoned::anonymous);
  for (const std::size_t read : {0u, 1u, 8u, 50u, 300u})
    for (const std::size_t write : {0u, 1u, 7u, 50u, 290u}) {
      INFO(read << " bytes to read, " << write << " to write");
      const bool source = read <= write;
      const std::size_t done = source ? read : write;
      CHECK(surefoot::try_copy(to.bad() - write, from.bad() - read, 1000, TestType{}) ==
            expected<TestType>(source ? access_kind::read : access_kind::write, 1000, done,
                               source ? from.bad() : to.bad()));
    }
}
