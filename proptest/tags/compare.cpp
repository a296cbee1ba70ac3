// tags::compare: the tags themselves are asked, whatever the thread's checks, and no signal comes.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "late.hpp"
#include "tagged.hpp"

#if defined(__aarch64__)
namespace {

using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::granularity;
using surefoot::tags;
using surefoot::verdict;
using tagged::first_granule;
using tagged::granule;
using tagged::lengths;
using tagged::tag_checks;

template <access_kind K, granularity G, class E>
bool names_the_first(std::uint8_t* p, std::size_t n, const tagged::damage& d) {
  const bool hit = p < d.end && p + n > d.first;
  const fault right =
      hit ? fault{.address = p < d.first ? d.first : p, .kind = cause::tag_mismatch, .during = K}
          : fault{};
  return surefoot::ensure_accessible<K, G, tags::compare>(p, n, E{}) == verdict{right};
}

template <class E>
bool every_place(int sharing) {
  tagged::page land(sharing);
  bool fine = true;
  for (std::size_t distance = 0; distance < 16; ++distance) {
    land.spoil(first_granule + distance);
    for (std::size_t begin = 0; begin < granule; ++begin)
      for (const std::size_t n : lengths) {
        std::uint8_t* const p = land.data() + first_granule * granule + begin;
        const tagged::damage d = land.damaged();
        fine = names_the_first<access_kind::read, granularity::hardware, E>(p, n, d) && fine;
        fine = names_the_first<access_kind::write, granularity::hardware, E>(p, n, d) && fine;
        fine = names_the_first<access_kind::read, granularity::byte, E>(p, n, d) && fine;
        fine = names_the_first<access_kind::write, granularity::byte, E>(p, n, d) && fine;
      }
  }
  return fine && land.intact();
}

// No signal at all: whoever had them before would be told of a late one.
template <class E>
void check_silent(tag_checks mode) {
  if (!tagged::offered()) return;
  for (const int sharing : {tagged::of_one_process, tagged::shared}) {
    const process::shared<bool> fine;
    const process::ending end = process::run([&] {
      for (const int signal : process::signals_taken) process::owner<>::take(signal);
      process::owner<>::then = [](int, siginfo_t*, void*) { ::_exit(9); };
      (void)surefoot::install();
      const tagged::checks on(mode);
      *fine = every_place<E>(sharing);
    });
    CHECK(end.status == 0);
    CHECK(*fine);
  }
}

}  // namespace

TEMPLATE_TEST_CASE(
    "tags::compare names the first byte of another tag without a signal, asynchronous", "",
    SUREFOOT_SIGNAL_ENGINES) {
  check_silent<TestType>(tag_checks::asynchronous);
}
TEMPLATE_TEST_CASE("tags::compare names the first byte of another tag, synchronous", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_silent<TestType>(tag_checks::synchronous);
}
TEMPLATE_TEST_CASE("tags::compare names the first byte of another tag, unchecked", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_silent<TestType>(tag_checks::none);
}

TEMPLATE_TEST_CASE(
    "tags::compare stops at what refuses for another reason, and at a range that wraps", "",
    SUREFOOT_SIGNAL_ENGINES) {
  if (!tagged::offered()) return;
  const auto ask = [](std::uint8_t* p, std::size_t n) {
    return surefoot::ensure_accessible<access_kind::write, granularity::hardware, tags::compare>(
        p, n, TestType{});
  };
  // Memory without PROT_MTE: its tag is 0, that of a pointer without one.
  const memory::pages land{memory::kind::good, memory::kind::hole, memory::kind::good,
                           memory::kind::read_only};
  CHECK(ask(land.data(), page_size) == verdict{});
  CHECK(ask(land.data() + 7, 2 * page_size) ==
        verdict{memory::fault_of(memory::kind::hole, access_kind::write, land.page(1))});
  CHECK(ask(land.page(3) - 9, 20) ==
        verdict{memory::fault_of(memory::kind::read_only, access_kind::write, land.page(3))});
  // From the middle of a granule, which the processor reports at its beginning.
  for (const std::size_t into : {std::size_t{1}, std::size_t{15}, std::size_t{100}})
    CHECK(ask(land.page(1) + into, 20) ==
          verdict{memory::fault_of(memory::kind::hole, access_kind::write, land.page(1) + into)});
  std::uint8_t* const p = tagged::kit::with_tag(land.data(), 3);
  CHECK(ask(p, 2 * page_size) == verdict{{p, cause::tag_mismatch, access_kind::write}});
  CHECK(ask(p, 0) == verdict{});
  CHECK(ask(p, SIZE_MAX) == verdict{{p, cause::bad_address, access_kind::write}});
  CHECK(land.intact());
}
#endif
