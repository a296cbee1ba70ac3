// salvage(): all that can be copied, and each hole once.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::salvaged;

struct hole {
  fault why;
  std::size_t offset, bytes;
  friend bool operator==(const hole&, const hole&) = default;
};

// What came of it, each hole, and what the destination's good pages hold then.
struct outcome {
  salvaged all;
  std::vector<hole> holes;
  friend bool operator==(const outcome&, const outcome&) = default;
};

template <class E>
outcome salvage_all(volatile void* dst, const volatile void* src, std::size_t n) {
  outcome met;
  met.all = surefoot::salvage(
      dst, src, n,
      [&](const fault& f, std::size_t offset, std::size_t bytes) {
        met.holes.push_back({f, offset, bytes});
      },
      E{});
  return met;
}

// Pages whose kinds are known byte by byte.
struct ground {
  explicit ground(const std::vector<kind>& kinds) : row(kinds), land(kinds) {}

  kind at(std::size_t offset) const { return row[offset / page_size]; }

  std::vector<kind> row;
  memory::pages land;
};

// The slow way: one byte after the other, each of which can be read or cannot.
template <class E>
outcome expected(const ground& to, std::size_t dst, const ground& from, std::size_t src,
                 std::size_t n) {
  outcome o{};
  for (std::size_t i = 0; i < n; ++i) {
    const kind source = from.at(src + i), destination = to.at(dst + i);
    if (memory::refuses(source, access_kind::read)) {
      const fault why = memory::fault_of<E>(source, access_kind::read, from.land.data() + src + i);
      hole* const last = o.holes.empty() ? nullptr : &o.holes.back();
      const bool goes_on = last != nullptr && last->offset + last->bytes == i &&
                           last->why.kind == why.kind && last->why.code == why.code;
      if (goes_on)
        ++last->bytes;
      else
        o.holes.push_back({why, i, 1});
      ++o.all.lost;
    } else if (memory::refuses(destination, access_kind::write)) {
      o.all.stopped_by =
          memory::fault_of<E>(destination, access_kind::write, to.land.data() + dst + i);
      o.all.left = n - i;
      break;
    } else {
      ++o.all.copied;
    }
  }
  o.all.holes = o.holes.size();
  return o;
}

// Are the bytes of `to` what they should be: those that were salvaged as in `from`, all others as
// they were? Then they are as they were again.
bool wrote_exactly(const ground& to, std::size_t dst, const ground& from, std::size_t src,
                   std::size_t tried) {
  bool fine = true;
  for (std::size_t i = 0; i < to.land.size(); ++i) {
    if (memory::refuses(to.at(i), access_kind::read)) continue;
    std::uint8_t* const p = to.land.data() + i;
    const bool copied =
        i >= dst && i - dst < tried && !memory::refuses(from.at(src + i - dst), access_kind::read);
    if (*p != (copied ? from.land.data()[src + i - dst] : memory::pattern(p))) fine = false;
    if (copied) *p = memory::pattern(p);
  }
  return fine;
}

template <class E>
bool salvages_exactly(const ground& to, std::size_t dst, const ground& from, std::size_t src,
                      std::size_t n) {
  const outcome met = salvage_all<E>(to.land.data() + dst, from.land.data() + src, n);
  const bool written = wrote_exactly(to, dst, from, src, n - met.all.left);
  return met == expected<E>(to, dst, from, src, n) && written;
}

std::vector<kind> good_and_unreadable() {
  std::vector<kind> kinds = memory::kinds_that_refuse(access_kind::read);
  kinds.insert(kinds.begin(), kind::good);
  return kinds;
}

// Calls check(row) for each row of this many pages of these kinds.
template <class Check>
void each_row(const std::vector<kind>& kinds, std::size_t pages, Check check) {
  std::size_t rows = 1;
  for (std::size_t i = 0; i < pages; ++i) rows *= kinds.size();
  for (std::size_t number = 0; number < rows; ++number) {
    std::vector<kind> row;
    for (std::size_t i = 0, rest = number; i < pages; ++i, rest /= kinds.size())
      row.push_back(kinds[rest % kinds.size()]);
    check(row);
  }
}

std::string names(const std::vector<kind>& row) {
  std::string all;
  for (const kind k : row) all.append(all.empty() ? "" : ", ").append(memory::name(k));
  return all;
}

TEMPLATE_TEST_CASE("salvage copies around every hole, for every layout of four pages", "",
                   SUREFOOT_ALL_ENGINES) {
  const ground to({kind::good, kind::good, kind::good, kind::good});
  // Emulated, each seventh of them: each kind is beside each.
  std::size_t rows = 0;
  each_row(good_and_unreadable(), 4, [&](const std::vector<kind>& row) {
    if (build::is_emulated && rows++ % 7 != 0) return;
    const ground from(row);
    // From the beginning of a page and from within one, to the end of one and to within one.
    for (const std::size_t src : {std::size_t{0}, std::size_t{1}, std::size_t{4095}})
      for (const std::size_t short_of : {std::size_t{0}, std::size_t{1}, std::size_t{4000}})
        if (!salvages_exactly<TestType>(to, 0, from, src, from.land.size() - src - short_of))
          FAIL_CHECK(names(row) << ", from " << src << ", " << short_of << " short of the end");
  });
}

TEMPLATE_TEST_CASE("salvage that begins and ends within one bad page has lost all of it", "",
                   SUREFOOT_ALL_ENGINES) {
  const ground to({kind::good, kind::good});
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const ground from({bad, kind::good});
    for (std::size_t n = 1; n <= page_size - 100; n += 799)
      CHECK(salvages_exactly<TestType>(to, 5, from, 100, n));
  }
}

TEMPLATE_TEST_CASE("salvage ends where the destination fails, with each hole before it reported",
                   "", SUREFOOT_ALL_ENGINES) {
  each_row({kind::good, kind::hole, kind::no_access}, 3, [&](const std::vector<kind>& row) {
    const ground from(row);
    each_row({kind::good, kind::read_only}, 3, [&](const std::vector<kind>& to_row) {
      const ground to(to_row);
      for (const std::size_t src : {std::size_t{0}, std::size_t{10}})
        for (const std::size_t dst : {std::size_t{0}, std::size_t{10}, std::size_t{3000}})
          if (!salvages_exactly<TestType>(to, dst, from, src, from.land.size() - 3000))
            FAIL_CHECK("from " << names(row) << " at " << src << " to " << names(to_row) << " at "
                               << dst);
    });
  });
}

TEMPLATE_TEST_CASE("a hole right before a destination that fails is reported, before salvage ends",
                   "", SUREFOOT_ALL_ENGINES) {
  const memory::pages from{kind::good, kind::hole, kind::good};
  const memory::pages to{kind::good, kind::good, kind::read_only};
  const outcome met = salvage_all<TestType>(to.data(), from.data(), from.size());
  CHECK(met.all ==
        salvaged{page_size, page_size, page_size, 1,
                 memory::fault_of<TestType>(kind::read_only, access_kind::write, to.page(2))});
  const fault why = memory::fault_of<TestType>(kind::hole, access_kind::read, from.page(1));
  CHECK(met.holes == std::vector<hole>{{why, page_size, page_size}});
}

TEMPLATE_TEST_CASE("salvage of nothing and of a range that wraps touches nothing", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::untouched};
  CHECK(salvage_all<TestType>(land.data(), nullptr, 0) == outcome{});
  const auto refused = [](const volatile void* p, access_kind during) {
    return outcome{{0, 0, SIZE_MAX, 0, {p, cause::bad_address, during}}, {}};
  };
  CHECK(salvage_all<TestType>(nullptr, land.data(), SIZE_MAX) ==
        refused(land.data(), access_kind::read));
  CHECK(salvage_all<TestType>(land.data(), nullptr, SIZE_MAX) ==
        refused(land.data(), access_kind::write));
  CHECK_FALSE(memory::resident(land.data()));
}

TEST_CASE("with a bad byte the rest of its page is lost, and with a poisoned one the extent") {
  using surefoot::engine::standard;
  const auto lost = [](std::uintptr_t address, std::size_t extent) {
    return surefoot::detail::lost_with<standard>(
        {.address = memory::at(address), .kind = cause::poisoned, .extent = extent});
  };
  constexpr std::uintptr_t page = 0x7000'0000'1000;
  constexpr std::size_t huge = std::size_t{2} << 20;
  for (const std::size_t extent : {std::size_t{0}, std::size_t{64}, page_size}) {
    CHECK(lost(page, extent) == page_size);
    CHECK(lost(page + 1, extent) == page_size - 1);
    CHECK(lost(page + page_size - 1, extent) == 1);
  }
  CHECK(lost(page, huge) == huge - page_size);
  CHECK(lost(page + 5, huge) == huge - page_size - 5);
  // No unit that there is: then as if there were none.
  CHECK(lost(page + 1, 3 * page_size) == page_size - 1);
}

}  // namespace
