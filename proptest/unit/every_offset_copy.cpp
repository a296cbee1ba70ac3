// try_copy and try_fill without gaps, against a plain copy.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "every_offset.hpp"
#include "memory.hpp"

namespace {

using every_offset::answer;
using every_offset::before;
using every_offset::longest;
using every_offset::over_the_grid;
using every_offset::shore;
using memory::kind;
using surefoot::access_kind;
using surefoot::progress;

TEMPLATE_TEST_CASE("every copy over the grid is byte-exact, with a bad source", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);
    const std::uint8_t* const p = from.edge() - done;
    std::uint8_t* const q = to.beginning() + dst;
    const progress met = surefoot::try_copy(q, p, n, TestType{});
    const bool fine =
        met == answer<TestType>(done, n, kind::past_end_of_file, access_kind::read, from.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every copy over the grid is byte-exact, with a bad destination", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, dst);
    const std::uint8_t* const p = from.beginning() + src;
    std::uint8_t* const q = to.edge() - done;
    const progress met = surefoot::try_copy(q, p, n, TestType{});
    const bool fine = met == answer<TestType>(done, n, kind::hole, access_kind::write, to.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every fill over the grid is byte-exact", "", SUREFOOT_ALL_ENGINES) {
  const shore to(kind::no_access);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    // It has no source: the number of its offset makes the byte.
    const auto byte = static_cast<std::uint8_t>(0x35 + 11 * src);
    std::uint8_t reference[longest];
    std::memset(reference, byte, sizeof reference);
    const std::size_t done = before(n, dst);
    std::uint8_t* const p = to.edge() - done;
    const progress met = surefoot::try_fill(p, byte, n, TestType{});
    bool fine = met == answer<TestType>(done, n, kind::no_access, access_kind::write, to.edge());
    fine = to.became(p, reference, done) && fine;
    std::uint8_t* const q = to.beginning() + dst;
    fine = surefoot::try_fill(q, byte, n, TestType{}) == memory::finished(n) && fine;
    fine = to.became(q, reference, n) && fine;
    if (!fine) FAIL("byte " << int{byte} << ", destination " << dst << ", length " << n);
  });
}

}  // namespace
