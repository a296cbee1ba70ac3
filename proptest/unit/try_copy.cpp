// try_copy: exactly the prefix, whichever side faults, and nothing else.
#include <sys/mman.h>

#include <algorithm>
#include <array>
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
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::try_copy;

using bytes = std::vector<std::uint8_t>;

constexpr std::size_t margin =
    80;  // watched on both sides of a destination; more than any register

// The destination's good bytes and what they should become.
class watched {
 public:
  watched(const std::uint8_t* first, const std::uint8_t* last)
      : first_(first), size_(static_cast<std::size_t>(last - first)) {
    memory::require(size_ <= expected_.size(), "watched");
    std::memcpy(expected_.data(), first, size_);
  }

  void expect(const std::uint8_t* at, const std::uint8_t* from, std::size_t n) {
    std::memcpy(expected_.data() + (at - first_), from, n);
  }
  bool holds() const { return std::memcmp(first_, expected_.data(), size_) == 0; }

 private:
  const std::uint8_t* first_;
  std::size_t size_;
  std::array<std::uint8_t, 2 * page_size> expected_;
};

// One copy, `good` bytes of which come before the fault on the side of `during`. Is the answer
// exact, and are exactly the bytes before it written? The destination is as before afterwards.
template <class E>
bool copies_exactly(std::uint8_t* dst, const std::uint8_t* src, std::size_t n, std::size_t good,
                    kind bad, access_kind during) {
  const bool reading = during == access_kind::read;
  const std::size_t done = std::min(good, n);
  const std::size_t accessible_behind = reading ? n + margin : good;
  watched to(dst - margin, dst + accessible_behind);
  to.expect(dst, src, done);
  const progress expected =
      n <= good ? memory::finished(n)
                : memory::stopped<E>(done, n, bad, during, (reading ? src : dst) + done);
  const progress met = try_copy(dst, src, n, E{});
  const bool exact = met == expected && to.holds();
  memory::fill(dst - margin, margin + accessible_behind);
  if (!exact) UNSCOPED_INFO(Catch::Detail::stringify(met));
  return exact;
}

// Lengths that exercise each width, each number of blocks and each rest.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all;
  for (std::size_t n = 0; n <= 150; n += memory::stride) all.push_back(n);
  all.insert(all.end(), {191, 192, 193, 207, 255, 256, 257, 300});
  return all;
}
constexpr std::size_t skews[] = {0, 1, 3, 8, 13};

TEMPLATE_TEST_CASE("a copy whose source faults writes exactly the bytes before, at each distance",
                   "", SUREFOOT_ALL_ENGINES) {
  const memory::pages to{kind::good, kind::good};
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages from{kind::good, bad};
    for (std::size_t before = 0; before <= 64; before += memory::stride)
      for (const std::size_t n : lengths())
        for (const std::size_t skew : skews)
          if (!copies_exactly<TestType>(to.data() + margin + skew, from.page(1) - before, n, before,
                                        bad, access_kind::read))
            FAIL_CHECK(memory::name(bad) << ": " << n << " bytes, " << before
                                         << " before the fault, destination skewed by " << skew);
  }
  CHECK(to.intact());
}

TEMPLATE_TEST_CASE(
    "a copy whose destination faults writes exactly the bytes before, at each distance", "",
    SUREFOOT_ALL_ENGINES) {
  const memory::pages from{kind::good};
  for (const kind bad : memory::kinds_that_refuse(access_kind::write)) {
    const memory::pages to{kind::good, bad, kind::good};
    for (std::size_t before = 0; before <= 64; before += memory::stride)
      for (const std::size_t n : lengths())
        for (const std::size_t skew : skews)
          if (!copies_exactly<TestType>(to.page(1) - before, from.data() + skew, n, before, bad,
                                        access_kind::write))
            FAIL_CHECK(memory::name(bad) << ": " << n << " bytes, " << before
                                         << " before the fault, source skewed by " << skew);
    CHECK(to.intact());
  }
  CHECK(from.intact());
}

TEMPLATE_TEST_CASE("a copy flush against bad pages on both sides of both ranges is whole", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages from{kind::hole, kind::good, kind::no_access};
  const memory::pages to{kind::no_access, kind::good, kind::hole};
  const auto whole = [&](std::uint8_t* dst, const std::uint8_t* src, std::size_t n) {
    watched page(to.page(1), to.page(2));
    page.expect(dst, src, n);
    const bool fine = try_copy(dst, src, n, TestType{}) == memory::finished(n) && page.holds();
    memory::fill(dst, n);
    return fine;
  };
  for (std::size_t n = 0; n <= 300; ++n) {
    REQUIRE(whole(to.page(1), from.page(1), n));
    REQUIRE(whole(to.page(2) - n, from.page(2) - n, n));
    REQUIRE(whole(to.page(1), from.page(2) - n, n));
    REQUIRE(whole(to.page(2) - n, from.page(1), n));
  }
  CHECK(from.intact());
}

TEMPLATE_TEST_CASE("where both sides fault, the one that comes first in the copy answers", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages from{kind::good, kind::past_end_of_file};
  const memory::pages to{kind::good, kind::read_only};
  for (std::size_t readable = 0; readable <= 40; ++readable)
    for (std::size_t writable = 0; writable <= 40; ++writable) {
      std::uint8_t* const dst = to.page(1) - writable;
      const std::uint8_t* const src = from.page(1) - readable;
      const std::size_t done = std::min(readable, writable);
      // A byte is loaded before it is stored.
      const bool reading = readable <= writable;
      const progress expected = reading
                                    ? memory::stopped<TestType>(done, 100, kind::past_end_of_file,
                                                                access_kind::read, src + done)
                                    : memory::stopped<TestType>(done, 100, kind::read_only,
                                                                access_kind::write, dst + done);
      watched page(to.data(), to.end());
      page.expect(dst, src, done);
      REQUIRE(try_copy(dst, src, 100, TestType{}) == expected);
      REQUIRE(page.holds());
      memory::fill(dst, done);
    }
}

TEMPLATE_TEST_CASE("where two bad pages meet, a copy stops at its first byte in them", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages fine{kind::good};
  for (const auto& [first, second] : {std::pair{kind::hole, kind::past_end_of_file},
                                      std::pair{kind::past_end_of_file, kind::hole}}) {
    const memory::pages bad{first, second};
    for (std::size_t before = 1; before <= 70; ++before)
      for (const std::size_t n : {before + 1, before + 16, std::size_t{100}}) {
        std::uint8_t* const p = bad.page(1) - before;
        REQUIRE(try_copy(fine.data(), p, n, TestType{}) ==
                memory::stopped<TestType>(0, n, first, access_kind::read, p));
        REQUIRE(try_copy(p, fine.data(), n, TestType{}) ==
                memory::stopped<TestType>(0, n, first, access_kind::write, p));
      }
    CHECK(fine.intact());
  }
}

TEMPLATE_TEST_CASE("a copy of nothing is done, whatever the pointers", "", SUREFOOT_ALL_ENGINES) {
  for (const std::uintptr_t a :
       {std::uintptr_t{0}, ~std::uintptr_t{0}, memory::non_canonical[0], memory::kernel_half[0]})
    CHECK(try_copy(memory::at(a), memory::at(~a), 0, TestType{}) == memory::finished(0));
}

TEMPLATE_TEST_CASE("a copy with a side that wraps does nothing, and says which side", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::untouched};
  void* const near_the_top = memory::at(~std::uintptr_t{0} - 9);  // ten bytes below it
  CHECK(try_copy(land.data(), near_the_top, 11, TestType{}) ==
        progress{0, 11, {near_the_top, cause::bad_address, access_kind::read}});
  CHECK(try_copy(near_the_top, land.page(1), 11, TestType{}) ==
        progress{0, 11, {near_the_top, cause::bad_address, access_kind::write}});
  CHECK(try_copy(land.data(), land.page(1), SIZE_MAX, TestType{}) ==
        progress{0, SIZE_MAX, {land.page(1), cause::bad_address, access_kind::read}});
  CHECK_FALSE(memory::resident(land.page(1)));
  CHECK(land.intact());

  // The last byte of the address space is no wrap.
  const progress read = try_copy(land.data(), near_the_top, 10, TestType{});
  CHECK(read.done == 0);
  CHECK(memory::is_kernel_half<TestType>(read.stopped_by, near_the_top, access_kind::read));
  const progress written = try_copy(near_the_top, land.data(), 10, TestType{});
  CHECK(written.done == 0);
  CHECK(memory::is_kernel_half<TestType>(written.stopped_by, near_the_top, access_kind::write));
}

TEMPLATE_TEST_CASE("a copy from or to an address that is nobody's does nothing", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good};
  for (const std::size_t n : lengths()) {
    if (n == 0) continue;
    for (const std::uintptr_t a : {memory::non_canonical[0], memory::non_canonical[1]}) {
      const progress read = try_copy(land.data(), memory::at(a), n, TestType{});
      REQUIRE((read.done == 0 && read.left == n));
      REQUIRE(
          memory::is_non_canonical<TestType>(read.stopped_by, memory::at(a), access_kind::read));
      const progress written = try_copy(memory::at(a), land.data(), n, TestType{});
      REQUIRE((written.done == 0 && written.left == n));
      REQUIRE(memory::is_non_canonical<TestType>(written.stopped_by, memory::at(a),
                                                 access_kind::write));
    }
    REQUIRE(try_copy(land.data(), nullptr, n, TestType{}) ==
            memory::stopped<TestType>(0, n, kind::hole, access_kind::read, nullptr));
    REQUIRE(try_copy(nullptr, land.data(), n, TestType{}) ==
            memory::stopped<TestType>(0, n, kind::hole, access_kind::write, nullptr));
  }
  CHECK(land.intact());
}

// Copies n bytes down by `distance`, to `before` bytes below the second page of `land`. Is the answer
// as expected, and the first page what memmove of the bytes that could be copied makes of it?
template <class E>
bool moves_down(const memory::pages& land, std::size_t before, std::size_t distance, std::size_t n,
                const progress& expected) {
  std::uint8_t* const dst = land.page(1) - before;
  watched page(land.page(0), land.page(1));
  page.expect(dst, dst + distance, expected.done);
  const progress met = try_copy(dst, dst + distance, n, E{});
  const bool exact = met == expected && page.holds();
  memory::fill(land.page(0), page_size);
  if (!exact) UNSCOPED_INFO(Catch::Detail::stringify(met));
  return exact;
}

TEMPLATE_TEST_CASE("a copy down onto its own source moves, for every distance and length", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::no_access};
  for (std::size_t distance = 1; distance <= 100; ++distance)
    for (std::size_t n = 1; n <= 300; n += n < 140 ? memory::stride : 13) {
      INFO(n << " bytes down by " << distance);
      REQUIRE(moves_down<TestType>(land, n + distance, distance, n, memory::finished(n)));
    }
  for (const std::size_t distance : {1u, 3u, 8u, 13u, 63u, 64u, 100u, 1000u, 1023u, 1024u, 1500u})
    for (const std::size_t n : {513u, 1024u, 1025u, 2000u, 2500u}) {
      INFO(n << " bytes down by " << distance);
      REQUIRE(moves_down<TestType>(land, n + distance, distance, n, memory::finished(n)));
    }
}

TEMPLATE_TEST_CASE("a copy down onto its own source whose source faults has moved the bytes before",
                   "", SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::hole};
  constexpr std::size_t n = 300;
  for (std::size_t distance = 1; distance <= 100; ++distance)
    for (std::size_t done = 0; done <= 150; done += memory::stride) {
      INFO(done << " of the bytes down by " << distance);
      REQUIRE(moves_down<TestType>(
          land, done + distance, distance, n,
          memory::stopped<TestType>(done, n, kind::hole, access_kind::read, land.page(1))));
    }
}

TEMPLATE_TEST_CASE(
    "a copy down onto its own source whose destination faults has moved the bytes before", "",
    SUREFOOT_ALL_ENGINES) {
  // The source goes on through a page that can be read, where the destination stops.
  const memory::pages land{kind::good, kind::read_only};
  constexpr std::size_t n = 300;
  for (std::size_t distance = 1; distance <= 100; ++distance)
    for (std::size_t done = 0; done <= 150; done += memory::stride) {
      std::uint8_t* const dst = land.page(1) - done;
      const bytes source(dst + distance, dst + distance + done);
      const progress met = try_copy(dst, dst + distance, n, TestType{});
      INFO(done << " of the bytes down by " << distance);
      REQUIRE(met == memory::stopped<TestType>(done, n, kind::read_only, access_kind::write,
                                               land.page(1)));
      REQUIRE(std::equal(source.begin(), source.end(), dst));
      REQUIRE(land.intact(dst, done));
      memory::fill(dst, done);
    }
}

TEMPLATE_TEST_CASE("a copy onto itself changes nothing", "", SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::hole};
  for (const std::size_t n : lengths())
    REQUIRE(try_copy(land.data(), land.data(), n, TestType{}) == memory::finished(n));
  CHECK(try_copy(land.data(), land.data(), land.size(), TestType{}) ==
        memory::stopped<TestType>(page_size, land.size(), kind::hole, access_kind::read,
                                  land.page(1)));
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("a copy of a mebibyte, more or less, is byte-exact on either side of a fault",
                   "", SUREFOOT_ALL_ENGINES) {
  constexpr std::size_t mebibyte = 1 << 20;
  std::vector<kind> row(mebibyte / page_size + 1, kind::good);
  const memory::pages to(row);
  row.push_back(kind::past_end_of_file);
  const memory::pages from(row);
  for (const std::size_t n : {mebibyte - 65, mebibyte - 1, mebibyte, mebibyte + 1, mebibyte + 63}) {
    REQUIRE(try_copy(to.data(), from.data() + 3, n, TestType{}) == memory::finished(n));
    REQUIRE(std::memcmp(to.data(), from.data() + 3, n) == 0);
    memory::fill(to.data(), n);
  }
  const std::uint8_t* const src = from.data() + 1234;
  const std::size_t done = mebibyte + page_size - 1234;
  const progress met = try_copy(to.data(), src, done + 777, TestType{});
  CHECK(met == memory::stopped<TestType>(done, done + 777, kind::past_end_of_file,
                                         access_kind::read, src + done));
  CHECK(std::memcmp(to.data(), src, done) == 0);
  CHECK(to.intact(to.data(), done));
}

TEMPLATE_TEST_CASE("a copy longer than any memory stops at the first byte that is bad", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages bad{kind::good, kind::hole};
  const memory::pages fine{kind::good, kind::good};
  // System calls treat lengths of more than 2 GiB and of more than SSIZE_MAX in ways of their own.
  for (const std::size_t n : {std::size_t{1} << 31, std::size_t{1} << 46, SIZE_MAX / 2,
                              SIZE_MAX / 2 + 1, SIZE_MAX - SIZE_MAX / 8}) {
    INFO(n << " bytes");
    CHECK(try_copy(fine.data(), bad.data(), n, TestType{}) ==
          memory::stopped<TestType>(page_size, n, kind::hole, access_kind::read, bad.page(1)));
    CHECK(std::memcmp(fine.data(), bad.data(), page_size) == 0);
    memory::fill(fine.data(), page_size);
    CHECK(try_copy(bad.data(), fine.data(), n, TestType{}) ==
          memory::stopped<TestType>(page_size, n, kind::hole, access_kind::write, bad.page(1)));
    CHECK(std::memcmp(bad.data(), fine.data(), page_size) == 0);
    memory::fill(bad.data(), page_size);
  }
  CHECK(fine.intact());
}

TEMPLATE_TEST_CASE("a copy goes up to the last page that a process can have, and stops behind it",
                   "", SUREFOOT_ALL_ENGINES) {
  // Linux gives away all but the last page of the lower half.
  void* const highest = memory::at(0x7fff'ffff'e000);
  void* const there = ::mmap(highest, page_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (there != highest) return memory::say_skipped("a free page at the end of the lower half");
  auto* const last = static_cast<std::uint8_t*>(there);
  memory::fill(last, page_size);
  const memory::pages land{kind::good, kind::good};
  for (const std::size_t skew : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) {
    const std::size_t n = page_size + 50;
    const std::size_t done = page_size - skew;
    CHECK(try_copy(land.data(), last + skew, n, TestType{}) ==
          memory::stopped<TestType>(done, n, kind::hole, access_kind::read, last + page_size));
    CHECK(std::memcmp(land.data(), last + skew, done) == 0);
    CHECK(land.intact(land.data(), done));
    memory::fill(land.data(), done);
    CHECK(try_copy(last + skew, land.data() + 7, n, TestType{}) ==
          memory::stopped<TestType>(done, n, kind::hole, access_kind::write, last + page_size));
    CHECK(std::memcmp(last + skew, land.data() + 7, done) == 0);
    memory::fill(last, page_size);
  }
  CHECK(::munmap(last, page_size) == 0);
}

TEST_CASE("a copy without an engine uses the standard one") {
  const memory::pages land{kind::good, kind::hole};
  char to[20];
  CHECK(try_copy(to, land.page(1) - 10, 20) ==
        memory::stopped(10, 20, kind::hole, access_kind::read, land.page(1)));
}

}  // namespace
