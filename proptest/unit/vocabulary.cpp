// The answers themselves: what they hold, how they read as text, and what they refuse to become.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <surefoot/fault.hpp>
#include <type_traits>

#include "process.hpp"
#include "show.hpp"

namespace {

using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::result;
using surefoot::verdict;

constexpr cause every_cause[] = {
    cause::none,       cause::unmapped, cause::denied,     cause::key_denied,  cause::tag_mismatch,
    cause::no_backing, cause::poisoned, cause::misaligned, cause::bad_address, cause::stalled,
    cause::overrun,    cause::stopped,  cause::unknown};

fault at_page(cause kind, access_kind during, int signal, int code, std::size_t extent = 0) {
  return {reinterpret_cast<const void*>(0x7f1c2a003000), kind, during, signal, code, extent};
}

std::string text_of(const fault& f) {
  char line[200];
  const std::size_t length = surefoot::format(f, line, sizeof line);
  const std::string text(line);
  REQUIRE(text.size() == length);
  return text;
}

// --- what the compiler can check

static_assert(std::is_aggregate_v<fault> && std::is_trivially_copyable_v<fault>);
static_assert(std::is_aggregate_v<progress> && std::is_trivially_copyable_v<progress>);
static_assert(std::is_aggregate_v<verdict> && std::is_trivially_copyable_v<verdict>);

constexpr fault a_fault{nullptr, cause::denied, access_kind::write, SIGSEGV, 2, 0};
static_assert(fault{} == fault{} && a_fault != fault{});
static_assert(progress{4, 3, a_fault} == progress{4, 3, a_fault});
static_assert(progress{4, 3, a_fault} != progress{3, 4, a_fault});
static_assert(verdict{a_fault} == verdict{a_fault} && verdict{a_fault} != verdict{});
static_assert(result<int>(3) == result<int>(3) && result<int>(3) != result<int>(4));
static_assert(result<int>(3) != result<int>::stopped(a_fault));
static_assert(result<int>::stopped(a_fault) == result<int>::stopped(a_fault));
static_assert(result<void>{} == result<void>{} && result<void>{a_fault} != result<void>{});

template <class Answer>
constexpr bool is_no_bool =
    !std::is_convertible_v<Answer, bool> && !std::is_constructible_v<bool, Answer> &&
    !std::is_convertible_v<Answer, int>;
static_assert(is_no_bool<progress> && is_no_bool<fault> && is_no_bool<cause>);
static_assert(is_no_bool<result<int>> && is_no_bool<result<bool>> && is_no_bool<result<void>>);
static_assert(std::is_constructible_v<bool, verdict> && !std::is_convertible_v<verdict, bool>);

TEST_CASE("progress tells all, some and nothing apart, and counts an empty range as done") {
  constexpr progress whole{8, 0, {}};
  constexpr progress some{5, 3, a_fault};
  constexpr progress none{0, 8, a_fault};
  constexpr progress empty{};
  STATIC_REQUIRE((whole.all() && whole.any()));
  STATIC_REQUIRE((!some.all() && some.any()));
  STATIC_REQUIRE((!none.all() && !none.any()));
  STATIC_REQUIRE((empty.all() && empty.any()));
}

TEST_CASE("a verdict is true exactly where nothing stopped it") {
  for (const cause c : every_cause)
    CHECK(static_cast<bool>(verdict{{.kind = c}}) == (c == cause::none));
}

TEST_CASE("a result holds its value or the fault") {
  constexpr result<int> good = 42;
  constexpr auto bad = result<int>::stopped(a_fault);
  STATIC_REQUIRE(good.ok());
  STATIC_REQUIRE(good.value() == 42);
  STATIC_REQUIRE(good.value_or(7) == 42);
  STATIC_REQUIRE(!bad.ok());
  STATIC_REQUIRE(bad.value_or(7) == 7);
  STATIC_REQUIRE(bad.stopped_by == a_fault);
  STATIC_REQUIRE(result<void>{}.ok());
  STATIC_REQUIRE(!result<void>{a_fault}.ok());
}

TEST_CASE("a result needs no default constructor and no comparison of its type") {
  struct plain {
    explicit constexpr plain(int v) : value(v) {}
    int value;
  };
  constexpr result<plain> good = plain(5);
  STATIC_REQUIRE(good.value().value == 5);
  STATIC_REQUIRE(result<plain>::stopped(a_fault).value_or(plain(6)).value == 6);
}

TEST_CASE("the value of a failed result stops the process") {
  const process::ending end = process::run([] {
    ::signal(machine::signal_of_a_trap, SIG_DFL);  // not a sanitizer's
    const auto failed = result<int>::stopped(a_fault);
    ::_exit(failed.value() != 0 ? 1 : 0);
  });
  CHECK(end.signal == machine::signal_of_a_trap);
}

TEST_CASE("each cause has the name that it is spelled with") {
  const std::string spelled[] = {"none",         "unmapped",   "denied",   "key_denied",
                                 "tag_mismatch", "no_backing", "poisoned", "misaligned",
                                 "bad_address",  "stalled",    "overrun",  "stopped",
                                 "unknown"};
  for (std::size_t i = 0; i < std::size(every_cause); ++i)
    CHECK(surefoot::name(every_cause[i]) == spelled[i]);
  CHECK(surefoot::name(static_cast<cause>(200)) == std::string("?"));
}

TEST_CASE("each cause has the error number of a system call") {
  const int expected[] = {0,      EFAULT, EFAULT, EFAULT,    EFAULT,    EIO,   EHWPOISON,
                          EINVAL, EFAULT, ELOOP,  EOVERFLOW, ECANCELED, EFAULT};
  for (std::size_t i = 0; i < std::size(every_cause); ++i) {
    INFO(surefoot::name(every_cause[i]));
    CHECK(surefoot::to_errno({.kind = every_cause[i]}) == expected[i]);
  }
}

TEST_CASE("format writes cause, kind of access, address, signal and extent") {
  CHECK(text_of({}) == "none");
  CHECK(text_of(at_page(cause::no_backing, access_kind::read, SIGBUS, 2)) ==
        "no_backing: read at 0x7f1c2a003000 (signal 7, code 2)");
  CHECK(text_of(at_page(cause::denied, access_kind::write, SIGSEGV, 2)) ==
        "denied: write at 0x7f1c2a003000 (signal 11, code 2)");
  CHECK(text_of(at_page(cause::poisoned, access_kind::read, SIGBUS, 4, 4096)) ==
        "poisoned: read at 0x7f1c2a003000 (signal 7, code 4), 4096 bytes lost");
  CHECK(text_of({.address = reinterpret_cast<const void*>(~std::uintptr_t{0}),
                 .kind = cause::bad_address,
                 .during = access_kind::write}) == "bad_address: write at 0xffffffffffffffff");
  CHECK(text_of({.kind = cause::unmapped, .signal = SIGSEGV, .code = 1}) ==
        "unmapped: read at 0x0 (signal 11, code 1)");
  CHECK(text_of({.kind = cause::unknown,
                 .signal = std::numeric_limits<int>::max(),
                 .code = std::numeric_limits<int>::min(),
                 .extent = SIZE_MAX}) ==
        "unknown: read at 0x0 (signal 2147483647, code -2147483648), 18446744073709551615 bytes "
        "lost");
}

TEST_CASE("format cuts what does not fit, ends it, and returns the whole length") {
  const fault f = at_page(cause::no_backing, access_kind::read, SIGBUS, 2);
  const std::string whole = text_of(f);
  for (std::size_t n = 0; n <= whole.size() + 2; ++n) {
    std::string buffer(whole.size() + 8, '#');
    REQUIRE(surefoot::format(f, buffer.data(), n) == whole.size());
    std::string expected = whole.substr(0, n == 0 ? 0 : std::min(n - 1, whole.size()));
    if (n > 0) expected.push_back('\0');
    expected.resize(buffer.size(), '#');
    REQUIRE(buffer == expected);
  }
  CHECK(surefoot::format(f, nullptr, 0) == whole.size());
}

}  // namespace
