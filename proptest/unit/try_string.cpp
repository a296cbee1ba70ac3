// try_length, try_find, try_compare and try_copy_string against their plain counterparts, and at a
// fault.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::cause;

// A good page of 'x' that ends at a bad one.
class text_before {
 public:
  explicit text_before(kind bad) : land_{kind::no_access, kind::good, bad} { clear(); }

  void clear() const { std::memset(land_.page(1), 'x', memory::page_size); }
  char* end() const { return reinterpret_cast<char*>(land_.page(2)); }

 private:
  memory::pages land_;
};

int sign(int order) { return (order > 0) - (order < 0); }

TEMPLATE_TEST_CASE("a length is strnlen's, wherever the terminator and the limit are", "",
                   SUREFOOT_ALL_ENGINES) {
  const text_before text(kind::no_access);
  for (std::size_t length = 0; length <= 300; length += memory::stride)
    for (std::size_t behind = 1; behind <= 17; behind += 4) {
      char* const p = text.end() - length - behind;
      p[length] = 0;
      for (const std::size_t limit :
           {std::size_t{0}, std::size_t{1}, length, length + 1, length + behind}) {
        INFO("length " << length << ", limit " << limit << ", " << behind << " before the fault");
        const auto met = surefoot::try_length(p, limit, TestType{});
        REQUIRE(met.ok());
        REQUIRE(met.value() == ::strnlen(p, limit));
      }
      // A limit beyond the bad page, or beyond all memory, does not matter where the string ends
      // before.
      REQUIRE(surefoot::try_length(p, length + 10000, TestType{}).value_or(~std::size_t{0}) ==
              length);
      REQUIRE(surefoot::try_length(p, SIZE_MAX, TestType{}).value_or(~std::size_t{0}) == length);
      p[length] = 'x';
    }
}

TEMPLATE_TEST_CASE("a string that runs into a fault stops at exactly that byte", "",
                   SUREFOOT_ALL_ENGINES) {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const text_before text(bad);
    for (std::size_t before = 0; before <= 300; before += memory::stride) {
      INFO(memory::name(bad) << ", " << before << " bytes before it");
      const auto expected = memory::fault_of<TestType>(bad, access_kind::read, text.end());
      const char* const p = text.end() - before;
      REQUIRE(surefoot::try_length(p, before + 1, TestType{}).stopped_by == expected);
      REQUIRE(surefoot::try_find(p, 'y', before + 9, TestType{}).stopped_by == expected);
      REQUIRE(surefoot::try_length(p, before, TestType{}).value_or(before + 1) == before);
    }
  }
}

TEMPLATE_TEST_CASE("a find is memchr's, the first of several, and null where there is none", "",
                   SUREFOOT_ALL_ENGINES) {
  const text_before text(kind::past_end_of_file);
  for (std::size_t n = 0; n <= 300; n += memory::stride) {
    char* const p = text.end() - n;
    REQUIRE(surefoot::try_find(p, 'y', n, TestType{}).ok());
    REQUIRE(surefoot::try_find(p, 'y', n, TestType{}).value() == nullptr);
    for (std::size_t at = 0; at < n; at += 37) {
      p[at] = 'y';
      p[n - 1] = 'y';
      REQUIRE(surefoot::try_find(p, 'y', n, TestType{}).value_or(nullptr) == p + at);
      // What was found before the fault is found, however far the range goes on.
      REQUIRE(surefoot::try_find(p, 'y', n + 5000, TestType{}).value_or(nullptr) == p + at);
      p[at] = p[n - 1] = 'x';
    }
  }
}

TEMPLATE_TEST_CASE("a comparison is memcmp's, and stops at the first byte that differs or is bad",
                   "", SUREFOOT_ALL_ENGINES) {
  const text_before left(kind::hole);
  const text_before right(kind::past_end_of_file);
  for (std::size_t n = 1; n <= 300; n += memory::stride)
    for (const std::size_t skew : {std::size_t{0}, std::size_t{1}, std::size_t{16}}) {
      char* const a = left.end() - n;
      char* const b = right.end() - n - skew;
      INFO(n << " bytes, skewed by " << skew);
      REQUIRE(surefoot::try_compare(a, b, n, TestType{}).value_or(1) == 0);
      // Both ranges may be longer than the memory: a difference before the fault is the answer.
      for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
        a[at] = 'z';
        REQUIRE(sign(surefoot::try_compare(a, b, n, TestType{}).value_or(0)) == 1);
        REQUIRE(sign(surefoot::try_compare(b, a, n + 100, TestType{}).value_or(0)) == -1);
        a[at] = 'x';
      }
      const auto met = surefoot::try_compare(a, b, n + skew + 50, TestType{});
      REQUIRE(met.stopped_by ==
              memory::fault_of<TestType>(kind::hole, access_kind::read, left.end()));
      const auto other = surefoot::try_compare(b, a - skew, n + skew + 50, TestType{});
      REQUIRE(other.stopped_by ==
              memory::fault_of<TestType>(kind::past_end_of_file, access_kind::read, right.end()));
    }
}

TEMPLATE_TEST_CASE("a string copy writes the string and its terminator, and nothing behind", "",
                   SUREFOOT_ALL_ENGINES) {
  const text_before text(kind::no_access);
  const memory::pages to{kind::good};
  auto* const dst = reinterpret_cast<char*>(to.data() + 32);
  for (std::size_t length = 0; length <= 300; length += memory::stride)
    for (const std::size_t behind : {std::size_t{1}, std::size_t{20}, std::size_t{300}})
      for (const std::size_t room : {std::size_t{1}, length, length + 1, length + 50}) {
        char* const src = text.end() - length - behind;
        src[length] = 0;
        const std::size_t done = std::min(length + 1, room);
        INFO("length " << length << ", " << behind << " before the fault, room " << room);
        REQUIRE(surefoot::try_copy_string(dst, src, room, TestType{}) ==
                surefoot::string_copy{memory::finished(done), room > length});
        REQUIRE(std::memcmp(dst, src, done) == 0);
        REQUIRE(to.intact(dst, done));
        memory::fill(dst, done);
        src[length] = 'x';
      }
}

TEMPLATE_TEST_CASE("a string copy stops at the first byte that either side refuses", "",
                   SUREFOOT_ALL_ENGINES) {
  const text_before text(kind::hole);
  const memory::pages to{kind::good, kind::read_only};
  for (std::size_t readable = 0; readable <= 300; readable += 11)
    for (std::size_t writable = 0; writable <= 300; writable += 13) {
      const char* const src = text.end() - readable;
      std::uint8_t* const dst = to.page(1) - writable;
      const std::size_t done = std::min(readable, writable);
      // A byte is loaded before it is stored.
      const auto expected =
          readable <= writable
              ? memory::stopped<TestType>(done, 1000, kind::hole, access_kind::read, src + done)
              : memory::stopped<TestType>(done, 1000, kind::read_only, access_kind::write,
                                          dst + done);
      const auto met =
          surefoot::try_copy_string(reinterpret_cast<char*>(dst), src, 1000, TestType{});
      INFO(readable << " readable, " << writable << " writable");
      REQUIRE(met.copied == expected);
      REQUIRE_FALSE(met.terminated);
      REQUIRE(std::all_of(dst, dst + done, [](std::uint8_t b) { return b == 'x'; }));
      REQUIRE(to.intact(dst, done));
      memory::fill(dst, done);
    }
}

TEMPLATE_TEST_CASE("strings of nothing touch nothing, and ranges that wrap are refused", "",
                   SUREFOOT_ALL_ENGINES) {
  auto* const nobody = static_cast<char*>(memory::at(memory::kernel_half[0]));
  CHECK(surefoot::try_length(nobody, 0, TestType{}).value_or(1) == 0);
  CHECK(surefoot::try_find(nobody, 0, 0, TestType{}).ok());
  CHECK(surefoot::try_compare(nobody, nobody, 0, TestType{}).value_or(1) == 0);
  CHECK(surefoot::try_copy_string(nobody, nobody, 0, TestType{}) == surefoot::string_copy{});
  const memory::pages land{kind::untouched};
  const char* const p = reinterpret_cast<const char*>(land.data());
  CHECK(surefoot::try_find(p, 0, SIZE_MAX, TestType{}).stopped_by.kind == cause::bad_address);
  CHECK(surefoot::try_compare(p, p, SIZE_MAX, TestType{}).stopped_by.kind == cause::bad_address);
  // As long as a range can be, from the beginning on: it does not wrap, and nothing is there.
  for (const std::uintptr_t first : {0u, 1u}) {
    const auto* const all = reinterpret_cast<const char*>(first);
    const surefoot::fault nothing = memory::fault_of<TestType>(kind::hole, access_kind::read, all);
    CHECK(surefoot::try_find(all, 0, SIZE_MAX, TestType{}).stopped_by == nothing);
    CHECK(surefoot::try_length(all, SIZE_MAX, TestType{}).stopped_by == nothing);
    CHECK(surefoot::try_compare(all, all, SIZE_MAX, TestType{}).stopped_by == nothing);
  }
  CHECK_FALSE(memory::resident(land.data()));
}

// Copies in its own way, which it counts.
struct counting : surefoot::engine::standard {
  static inline int copies = 0;
  static surefoot::progress copy(volatile void* dst, const volatile void* src,
                                 std::size_t n) noexcept {
    ++copies;
    return surefoot::engine::standard::copy(dst, src, n);
  }
};

TEST_CASE("an engine that copies in its own way is asked to, also where it inherits a search") {
  const char text[] = "abcabc";
  counting::copies = 0;
  CHECK(surefoot::try_length(text, 100, counting{}).value_or(0) == 6);
  CHECK(counting::copies == 1);
  CHECK(surefoot::try_find(text, 'c', 6, counting{}).value_or(nullptr) == text + 2);
  CHECK(counting::copies == 2);
  CHECK(surefoot::try_compare(text, text + 3, 3, counting{}).value_or(1) == 0);
  CHECK(counting::copies == 4);
}

}  // namespace
