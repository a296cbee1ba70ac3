// try_gather and try_scatter without gaps, with a bad page behind the buffers and behind the one
// range that they are copied to or from.
#include <sys/uio.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "every_offset.hpp"
#include "memory.hpp"

namespace {

using every_offset::answer;
using every_offset::before;
using every_offset::over_the_grid;
using every_offset::shore;
using memory::kind;
using surefoot::access_kind;
using surefoot::progress;

// [p, p + n) as buffers of `sixteenths` / 16 of it, of half of the rest, and of the other half, with
// an empty one between them.
std::array<iovec, 4> cut(std::uint8_t* p, std::size_t n, std::size_t sixteenths) {
  const std::size_t first = n * sixteenths / 16;
  const std::size_t second = (n - first) / 2;
  return {
      {{p, first}, {nullptr, 0}, {p + first, second}, {p + first + second, n - first - second}}};
}

TEMPLATE_TEST_CASE("every gather over the grid is byte-exact, with a bad buffer", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);
    std::uint8_t* const p = from.edge() - done;
    std::uint8_t* const q = to.beginning() + dst;
    const progress met = surefoot::try_gather(q, cut(p, n, dst), TestType{});
    const bool fine =
        met == answer<TestType>(done, n, kind::past_end_of_file, access_kind::read, from.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every gather over the grid is byte-exact, with a bad destination", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, dst);
    std::uint8_t* const p = from.beginning() + src;
    std::uint8_t* const q = to.edge() - done;
    const progress met = surefoot::try_gather(q, cut(p, n, src), TestType{});
    const bool fine = met == answer<TestType>(done, n, kind::hole, access_kind::write, to.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every scatter over the grid is byte-exact, with a bad source", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::no_access), to(kind::read_only);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);
    const std::uint8_t* const p = from.edge() - done;
    std::uint8_t* const q = to.beginning() + dst;
    const progress met = surefoot::try_scatter(cut(q, n, dst), p, TestType{});
    const bool fine =
        met == answer<TestType>(done, n, kind::no_access, access_kind::read, from.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every scatter over the grid is byte-exact, with a bad buffer", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::no_access), to(kind::read_only);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, dst);
    const std::uint8_t* const p = from.beginning() + src;
    std::uint8_t* const q = to.edge() - done;
    const progress met = surefoot::try_scatter(cut(q, n, src), p, TestType{});
    const bool fine =
        met == answer<TestType>(done, n, kind::read_only, access_kind::write, to.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

}  // namespace
