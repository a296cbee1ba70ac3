// Every verb on tagged memory: 16 beginnings within a granule, 16 places of the granule that has another tag,
// 8 lengths; private and shared memory; each way in which a thread may have tags checked.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <surefoot/surefoot.hpp>

#include "late.hpp"
#include "tagged.hpp"

namespace {

using tagged::damage;
using tagged::first_granule;
using tagged::granule;
using tagged::lengths;
using tagged::tag_checks;

// Counts the answers, and says the first few that were wrong, also in a child process.
class checked {
 public:
  void operator()(const char* verb, bool fine) {
    ++asked_;
    if (fine || ++wrong_ > 5) return;
    std::printf(
        "wrong: %s from byte %zu of a granule, %zu bytes, the one with another tag %zu on\n", verb,
        begin, length, distance);
  }
  bool all_right() const { return wrong_ == 0 && asked_ > 40'000; }

  std::size_t begin = 0, length = 0, distance = 0;

 private:
  std::size_t asked_ = 0, wrong_ = 0;
};

struct three_words {
  std::uint64_t words[3];
};

template <class E>
void of_values(std::uint8_t* p, std::size_t begin, const damage& d, checked& answer) {
  using namespace every_verb;
  const auto check = std::ref(answer);
  of_value<std::uint8_t, E>(p, d, check);
  of_value<std::uint16_t, E>(p, d, check);
  of_value<std::uint32_t, E>(p, d, check);
  of_value<std::uint64_t, E>(p, d, check);
  of_value<surefoot::engine::word16, E>(p, d, check);
  of_value<three_words, E>(p, d, check);
  of_atomic<std::uint8_t, E>(p, d, check);
  if (begin % 2 == 0) of_atomic<std::uint16_t, E>(p, d, check);
  if (begin % 4 == 0) of_atomic<std::uint32_t, E>(p, d, check);
  if (begin % 8 == 0) of_atomic<std::uint64_t, E>(p, d, check);
}

// Asks all of it; `refuses` says whether another tag is a fault. True where every answer was right.
template <class E>
bool sweep(int sharing, bool refuses) {
  tagged::page land(sharing);
  checked answer;
  for (answer.distance = 0; answer.distance < 16; ++answer.distance) {
    land.spoil(first_granule + answer.distance);
    const damage d = refuses ? land.damaged() : damage{};
    for (answer.begin = 0; answer.begin < granule; ++answer.begin) {
      const std::size_t at = first_granule * granule + answer.begin;
      std::uint8_t* const p = land.data() + at;
      for (const std::size_t n : lengths) {
        answer.length = n;
        every_verb::of_ranges<E>(p, n, d, std::ref(answer));
        land.lay(at, n);
      }
      answer.length = 0;
      of_values<E>(p, answer.begin, d, answer);
      land.lay(at, 24);
    }
  }
  return answer.all_right() && land.intact();
}

template <class E>
void check_synchronous(int sharing) {
  if (!tagged::offered()) return;
  const tagged::checks on(tag_checks::synchronous);
  CHECK(sweep<E>(sharing, true));
}
template <class E>
void check_unchecked(int sharing) {
  if (!tagged::offered()) return;
  const tagged::checks off(tag_checks::none);
  CHECK(sweep<E>(sharing, false));
}
template <class E>
void check_asynchronous(int sharing) {
  if (!tagged::offered()) return;
  late::check_forwarded([=] { return sweep<E>(sharing, false); });
}

}  // namespace

TEMPLATE_TEST_CASE("synchronous checks: every verb names the first byte of another tag", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_synchronous<TestType>(tagged::of_one_process);
}
TEMPLATE_TEST_CASE("synchronous checks: every verb names it in shared memory", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_synchronous<TestType>(tagged::shared);
}
TEMPLATE_TEST_CASE("without checks every verb goes through every tag", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_unchecked<TestType>(tagged::of_one_process);
}
TEMPLATE_TEST_CASE("without checks every verb goes through every tag of shared memory", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_unchecked<TestType>(tagged::shared);
}
TEMPLATE_TEST_CASE("asynchronous checks: every verb goes through, and the owner before is told", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_asynchronous<TestType>(tagged::of_one_process);
}
TEMPLATE_TEST_CASE("asynchronous checks: the owner before is told of shared memory too", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_asynchronous<TestType>(tagged::shared);
}
