// resume and restart on poison: met, asked about once, and given up.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "../unit/process.hpp"
#include "poisoned.hpp"

namespace {

using memory::page_size;
using poisoned::row;
using surefoot::access_kind;
using surefoot::progress;
using surefoot::verdict;

// Runs body() in a child under a debugger, which counts the signals that come.
template <class Body>
void check_signals(std::size_t expected, Body body) {
  const auto seen = process::run_traced(body);
  if (!seen) return memory::say_skipped("ptrace");
  CHECK(seen->end.status == 0);
  CHECK(seen->stops.size() == expected);
  for (const process::stop& s : seen->stops) {
    CHECK(s.info.si_signo == SIGBUS);
    CHECK(s.info.si_code == BUS_MCEERR_AR);
  }
}

// What a loop did, for whoever waits for the child.
struct outcome {
  progress met;
  verdict all;
  unsigned steps, questions;
};

template <access_kind K, class E>
void check_resume(unsigned rounds) {
  const row land(poisoned::anonymous);
  const process::shared<outcome> seen;
  // The copy meets it twice, behind its prefix and then at once, and the fault-in once.
  const std::size_t each = memory::without_signals<E> ? 0 : 1;
  check_signals(3 * each, [&] {
    static std::uint8_t other[3 * page_size];
    const auto step = [&](auto* p, std::size_t n) noexcept {
      ++seen->steps;
      if constexpr (K == access_kind::read)
        return surefoot::try_copy(other, p, n, E{});
      else
        return surefoot::try_copy(p, other, n, E{});
    };
    const auto fault_in = [&](access_kind kind, const volatile void* p, std::size_t n) noexcept {
      ++seen->questions;
      return surefoot::touch_with{E{}}(kind, p, n);
    };
    seen->met =
        surefoot::resume<K>(land.begin(), 3 * page_size, step, {.rounds = rounds}, fault_in);
  });
  CHECK(seen->met == progress{page_size, 2 * page_size, poisoned::fault_of<E>(K, land.bad())});
  CHECK(seen->steps == 2);
  CHECK(seen->questions == 1);
}

template <access_kind K, class E>
void check_restart(unsigned rounds) {
  const row land(poisoned::anonymous);
  const process::shared<outcome> seen;
  // Operation, probe and fault-in meet it once each.
  const std::size_t each = memory::without_signals<E> ? 0 : 1;
  check_signals(3 * each, [&] {
    static std::uint8_t other[3 * page_size];
    const auto op = [&]() noexcept {
      ++seen->steps;
      if constexpr (K == access_kind::read)
        return surefoot::try_copy(other, land.begin(), sizeof other, E{});
      else
        return surefoot::try_copy(land.begin(), other, sizeof other, E{});
    };
    const auto fault_in = [&](access_kind kind, const volatile void* p, std::size_t n) noexcept {
      ++seen->questions;
      return surefoot::touch_with{E{}}(kind, p, n);
    };
    const surefoot::need what = K == access_kind::read
                                    ? surefoot::reads(land.begin(), sizeof other)
                                    : surefoot::writes(land.begin(), sizeof other);
    seen->all =
        surefoot::restart(what, op, {.rounds = rounds}, surefoot::ensure_with{E{}}, fault_in);
  });
  CHECK(seen->all == verdict{poisoned::fault_of<E>(K, land.bad())});
  CHECK(seen->steps == 1);
  CHECK(seen->questions == 1);
}

}  // namespace

TEMPLATE_TEST_CASE(
    "resume keeps the prefix, and asks about poison once, however many rounds it has", "",
    SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  for (const unsigned rounds : {1u, 16u, 1000u}) {
    check_resume<access_kind::read, TestType>(rounds);
    check_resume<access_kind::write, TestType>(rounds);
  }
}

TEMPLATE_TEST_CASE("restart asks about poison once, however many rounds it has", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  for (const unsigned rounds : {1u, 16u, 1000u}) {
    check_restart<access_kind::read, TestType>(rounds);
    check_restart<access_kind::write, TestType>(rounds);
  }
}

TEMPLATE_TEST_CASE("each verb meets poison once", "", SUREFOOT_SIGNAL_ENGINES) {
  if (!poisoned::offered()) return;
  const row land(poisoned::anonymous), huge(poisoned::hugetlb);
  const TestType e{};
  std::uint8_t* const p = land.begin();
  static std::uint8_t other[3 * page_size];
  auto* const word = reinterpret_cast<unsigned*>(land.bad());

  check_signals(1, [&] { (void)surefoot::ensure_readable(p, 3 * page_size, e); });
  check_signals(1, [&] { (void)surefoot::ensure_writeable(p, 3 * page_size, e); });
  check_signals(1, [&] { (void)surefoot::fault_in_readable(p, 3 * page_size, e); });
  check_signals(1, [&] { (void)surefoot::fault_in_writeable(p, 3 * page_size, e); });
  check_signals(1, [&] { (void)surefoot::try_copy(other, p, 3 * page_size, e); });
  check_signals(1, [&] { (void)surefoot::try_copy(p, other, 3 * page_size, e); });
  check_signals(1, [&] { (void)surefoot::try_fetch_or(word, 1, e); });
  check_signals(1, [&] { (void)surefoot::try_find(p, 0, 3 * page_size, e); });
  for (const row* const from : {&land, &huge}) {
    if (!*from) {
      memory::say_skipped("huge pages");
      continue;
    }
    static std::uint8_t saved[3 * poisoned::huge_size];
    check_signals(1, [&] {
      const auto all = surefoot::salvage(
          saved, from->begin(), 3 * from->unit(),
          [](const surefoot::fault&, std::size_t, std::size_t) noexcept {}, e);
      if (all.lost != from->unit() || all.holes != 1) ::_exit(1);
    });
  }
}
