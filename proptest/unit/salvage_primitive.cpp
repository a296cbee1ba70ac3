// salvage(): all that can be copied, and each hole once.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::fault;
using surefoot::salvaged;

struct hole {
  fault why;
  std::size_t offset, bytes;
};

template <class E>
salvaged salvage_all(const memory::pages& to, const std::uint8_t* src, std::size_t n,
                     std::vector<hole>& holes) {
  return surefoot::salvage(
      to.data(), src, n,
      [&](const fault& f, std::size_t offset, std::size_t bytes) {
        holes.push_back({f, offset, bytes});
      },
      E{});
}

TEMPLATE_TEST_CASE("salvage copies around every hole, for every layout of four pages", "",
                   SUREFOOT_ALL_ENGINES) {
  constexpr kind kinds[] = {kind::good, kind::hole, kind::past_end_of_file, kind::no_access};
  for (unsigned layout = 0; layout < 256; ++layout) {
    std::vector<kind> row;
    for (unsigned i = 0; i < 4; ++i) row.push_back(kinds[layout >> (2 * i) & 3]);
    const memory::pages from(row);
    for (const std::size_t skew : {std::size_t{0}, std::size_t{1}, std::size_t{4095}}) {
      const memory::pages to{kind::good, kind::good, kind::good, kind::good};
      const std::size_t n = from.size() - skew;
      std::vector<hole> holes;
      const salvaged met = salvage_all<TestType>(to, from.data() + skew, n, holes);
      INFO("layout " << layout << ", skewed by " << skew);
      std::size_t lost = 0, next = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t begin = i == 0 ? 0 : i * page_size - skew;
        const std::size_t size = (i + 1) * page_size - skew - begin;
        if (row[i] == kind::good) {
          REQUIRE(std::memcmp(to.data() + begin, from.data() + skew + begin, size) == 0);
          continue;
        }
        for (std::size_t j = begin; j < begin + size; ++j)
          if (to.data()[j] != memory::pattern(to.data() + j))
            FAIL("a hole was written to at " << j);
        lost += size;
        if (i > 0 && row[i] == row[i - 1]) continue;  // the same run goes on
        REQUIRE(next < holes.size());
        REQUIRE(holes[next].offset == begin);
        REQUIRE(holes[next].why ==
                memory::fault_of<TestType>(row[i], access_kind::read, from.data() + skew + begin));
        ++next;
      }
      REQUIRE(next == holes.size());
      REQUIRE(met == salvaged{n - lost, lost, 0, holes.size(), {}});
      std::size_t in_holes = 0;
      for (const hole& h : holes) in_holes += h.bytes;
      REQUIRE(in_holes == lost);
    }
  }
}

TEMPLATE_TEST_CASE("salvage ends where the destination fails", "", SUREFOOT_ALL_ENGINES) {
  const memory::pages from{kind::good, kind::hole, kind::good};
  const memory::pages to{kind::good, kind::good, kind::read_only};
  std::vector<hole> holes;
  const salvaged met = salvage_all<TestType>(to, from.data(), from.size(), holes);
  CHECK(met.copied == page_size);
  CHECK(met.lost == page_size);
  CHECK(met.left == page_size);
  CHECK(met.holes == 1);
  CHECK(met.stopped_by ==
        memory::fault_of<TestType>(kind::read_only, access_kind::write, to.page(2)));
}

TEMPLATE_TEST_CASE("salvage of nothing and of a range that wraps touches nothing", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::untouched};
  std::vector<hole> holes;
  CHECK(salvage_all<TestType>(land, nullptr, 0, holes) == salvaged{});
  const salvaged met = salvage_all<TestType>(land, land.data(), SIZE_MAX, holes);
  CHECK(met.left == SIZE_MAX);
  CHECK(met.stopped_by.kind == surefoot::cause::bad_address);
  CHECK(holes.empty());
  CHECK_FALSE(memory::resident(land.data()));
}

}  // namespace
