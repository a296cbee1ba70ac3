// guarded: arbitrary code, and a fault instead of a crash.
#include <signal.h>
#include <ucontext.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <surefoot/surefoot.hpp>
#include <type_traits>

#include "engines.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace {

using memory::kind;
using memory::page_size;
using process::stray_load;
using process::stray_store;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::guarded;
using surefoot::result;

const auto do_nothing = []() noexcept {};

// Code that loads from, or stores to, p.
auto loads(const volatile void* p) {
  return [p]() noexcept { stray_load(p); };
}
auto stores(volatile void* p) {
  return [p]() noexcept { stray_store(p); };
}

TEST_CASE("guarded code that does not fault returns its value") {
  struct pair {
    explicit pair(int x) : a(x), b(-x) {}
    int a, b;
  };
  const result<int> number = guarded([]() noexcept { return 42; });
  CHECK(number == result<int>(42));
  const result<pair> two = guarded([]() noexcept { return pair(5); });
  REQUIRE(two.ok());
  CHECK(two.value().b == -5);
  CHECK(guarded(do_nothing) == result<void>{});
  static_assert(std::is_same_v<decltype(guarded(do_nothing)), result<void>>);
}

TEST_CASE("guarded code that faults comes back with cause, address and kind of access") {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{bad};
    CHECK(guarded(loads(land.data() + 123)).stopped_by ==
          memory::fault_of(bad, access_kind::read, land.data() + 123));
  }
  for (const kind bad : memory::kinds_that_refuse(access_kind::write)) {
    const memory::pages land{bad};
    CHECK(guarded(stores(land.data() + 123)).stopped_by ==
          memory::fault_of(bad, access_kind::write, land.data() + 123));
  }
}

TEST_CASE("guarded code that faults has no value") {
  const memory::pages land{kind::hole};
  const auto met = guarded([&land]() noexcept {
    stray_load(land.data());
    return 42;
  });
  CHECK(met.value_or(7) == 7);
  CHECK(met.stopped_by == memory::fault_of(kind::hole, access_kind::read, land.data()));
}

TEST_CASE("a fault without an address is caught by an unranged guard") {
  if (machine::non_canonical_has_address)
    return memory::say_skipped("faults without an address (x86-64)");
  const fault met = guarded(loads(memory::at(memory::non_canonical[0]))).stopped_by;
  CHECK(memory::is_non_canonical(met, nullptr, access_kind::read));
}

TEST_CASE("a ranged guard catches what lies in its range, from its first byte to its last") {
  const memory::pages land{kind::hole, kind::hole};
  std::uint8_t* const from = land.data() + 100;
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{1}, std::size_t{4998}, std::size_t{4999}}) {
    const fault expected = memory::fault_of(kind::hole, access_kind::read, from + at);
    CHECK(guarded(from, 5000, loads(from + at)).stopped_by == expected);
    CHECK(guarded(std::span(from, 5000), loads(from + at)).stopped_by == expected);
  }
}

TEST_CASE("a fault outside of a ranged guard goes to the guard around it") {
  const memory::pages land{kind::hole, kind::hole};
  std::uint8_t* const inside = land.page(1);
  for (std::uint8_t* const outside : {inside - 1, inside + 8}) {
    volatile bool went_on = false;
    const auto met = guarded([&went_on, inside, outside]() noexcept {
      (void)guarded(inside, 8, loads(outside));
      went_on = true;
    });
    CHECK(met.stopped_by == memory::fault_of(kind::hole, access_kind::read, outside));
    CHECK_FALSE(went_on);
  }
}

TEST_CASE("a fault without an address goes past a ranged guard to the one around it") {
  if (machine::non_canonical_has_address)
    return memory::say_skipped("faults without an address (x86-64)");
  const memory::pages land{kind::hole};
  volatile bool went_on = false;
  const auto met = guarded([&]() noexcept {
    (void)guarded(land.data(), page_size, loads(memory::at(memory::non_canonical[0])));
    went_on = true;
  });
  CHECK(met.stopped_by.kind == cause::bad_address);
  CHECK_FALSE(went_on);
}

TEST_CASE("of nested guards the innermost that covers the fault takes it, and the others stay") {
  const memory::pages land{kind::hole};
  volatile int steps = 0;
  const auto outer = guarded([&]() noexcept {
    const auto inner = guarded(loads(land.data() + 1));
    if (inner.stopped_by.address == land.data() + 1) steps = steps + 1;
    const auto again = guarded(loads(land.data() + 2));
    if (again.stopped_by.address == land.data() + 2) steps = steps + 1;
    stray_load(land.data() + 3);
    steps = steps + 100;
  });
  CHECK(steps == 2);
  CHECK(outer.stopped_by.address == land.data() + 3);
}

// What happens to `body` where nobody catches its fault: it reaches the owner before us, which ends
// the process with 42.
template <class Body>
bool reaches_the_owner_before(const volatile void* address, Body body) {
  const process::ending end = process::run([&] {
    for (const int signal : process::signals_taken) process::owner<>::take(signal);
    process::owner<>::then = process::exit_with_42;
    (void)surefoot::install();
    body();
  });
  return end.status == 42 && process::ledger[0].calls == 1 &&
         process::ledger[0].info.si_addr == const_cast<const void*>(address);
}

TEST_CASE("a fault outside of a ranged guard goes to the owner before us") {
  const memory::pages land{kind::hole, kind::hole};
  for (const std::uint8_t* const outside : {land.page(1) - 1, land.page(1) + 8})
    CHECK(
        reaches_the_owner_before(outside, [&] { (void)guarded(land.page(1), 8, loads(outside)); }));
}

TEST_CASE("a fault without an address goes past a ranged guard to the owner before us") {
  if (machine::non_canonical_has_address)
    return memory::say_skipped("faults without an address (x86-64)");
  const memory::pages land{kind::hole};
  CHECK(reaches_the_owner_before(nullptr, [&] {
    (void)guarded(land.data(), page_size, loads(memory::at(memory::non_canonical[0])));
  }));
}

TEST_CASE("a guard with an empty range runs its code and catches nothing") {
  const memory::pages land{kind::hole};
  CHECK(guarded(land.data(), 0, []() noexcept { return 42; }) == result<int>(42));
  CHECK(reaches_the_owner_before(land.data(),
                                 [&] { (void)guarded(land.data(), 0, loads(land.data())); }));
}

TEST_CASE("a guard that has finished catches nothing any more, whatever ended it") {
  const memory::pages land{kind::hole};
  CHECK(reaches_the_owner_before(land.data(), [&] {
    (void)guarded(do_nothing);
    (void)guarded(loads(land.data()));
    stray_load(land.data());
  }));
}

TEST_CASE("a guard with a range that wraps does not run its code") {
  volatile bool ran = false;
  const auto run = [&ran]() noexcept {
    ran = true;
    return 42;
  };
  void* const near_the_top = memory::at(~std::uintptr_t{0});
  const auto met = guarded(near_the_top, 2, run);
  CHECK(met.stopped_by == fault{near_the_top, cause::bad_address, access_kind::read});
  CHECK_FALSE(ran);
  CHECK(guarded(near_the_top, 1, run) == result<int>(42));  // the last byte is no wrap
}

TEMPLATE_TEST_CASE(
    "a primitive that fails in guarded code gives its own answer, and the code goes on", "",
    SUREFOOT_SIGNAL_ENGINES) {
  const memory::pages land{kind::good, kind::hole};
  const auto fails = [&land]() noexcept {
    std::uint8_t to[16] = {};
    const TestType e;
    std::uint8_t* const p = land.page(1) - 4;
    return surefoot::try_load(reinterpret_cast<const std::uint64_t*>(p), e).stopped_by.address ==
               land.page(1) &&
           !surefoot::try_store(land.page(1), std::uint8_t{1}, e) &&
           surefoot::try_copy(to, p, 16, e).done == 4 &&
           surefoot::fault_in_readable(p, 16, e).done == 4 && !surefoot::ensure_writeable(p, 16, e);
  };
  CHECK(guarded(fails) == result<bool>(true));
  CHECK(guarded(land.page(1), page_size, fails) == result<bool>(true));
  // And a fault after it is still the guard's.
  const auto met = guarded([&]() noexcept {
    (void)fails();
    stray_load(land.page(1) + 5);
  });
  CHECK(met.stopped_by.address == land.page(1) + 5);
}

TEST_CASE("what guarded code has stored as volatile or atomic survives its fault") {
  const memory::pages land{kind::hole};
  volatile int counted = 0;
  std::atomic<int> atomically = 0;
  const auto met = guarded([&]() noexcept {
    for (int i = 0; i < 10; ++i) {
      counted = counted + 1;
      ++atomically;
      if (i == 6) stray_load(land.data());
    }
  });
  CHECK_FALSE(met.ok());
  CHECK(counted == 7);
  CHECK(atomically == 7);
}

TEST_CASE("a guard catches fault after fault") {
  const memory::pages land{kind::hole, kind::past_end_of_file};
  const int rounds = 5000 / static_cast<int>(memory::stride);
  int caught = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) % land.size();
    const fault met = guarded(loads(land.data() + at)).stopped_by;
    caught += met.address == land.data() + at && met.signal != 0;
  }
  CHECK(caught == rounds);
}

// --- fibers

// Two stacks; a switch takes the thread's chain of guards along.
struct fiber {
  ucontext_t context{};
  surefoot::guard_chain guards{};

  void start_on(std::span<char> stack, void (*body)()) {
    ::getcontext(&context);
    context.uc_stack.ss_sp = stack.data();
    context.uc_stack.ss_size = stack.size();
    ::makecontext(&context, body, 0);
  }
  void switch_to(fiber& other) {
    guards = surefoot::exchange_guard(other.guards);
    ::swapcontext(&context, &other.context);
  }
};

// What the fibers of one test share: a function for makecontext() has no arguments.
struct fibers {
  static inline fiber scheduler, guarding, faulting;
  static inline const std::uint8_t* bad = nullptr;
  static inline const volatile void* caught_in_guard = nullptr;
  static inline const volatile void* caught_in_own_guard = nullptr;

  // Leaves its guard open while the other runs, then faults in it.
  static void guard() {
    const auto met = guarded([]() noexcept {
      guarding.switch_to(faulting);
      stray_load(bad + 1);
    });
    caught_in_guard = met.stopped_by.address;
    guarding.switch_to(scheduler);
  }
  // Faults once without a guard and once in its own.
  static void fault_bare() {
    stray_load(bad + 2);
    caught_in_own_guard = guarded(loads(bad + 3)).stopped_by.address;
    faulting.switch_to(guarding);
  }
};

TEST_CASE("a guard of one fiber does not catch the fault of another") {
  const memory::pages land{kind::hole};
  fibers::bad = land.data();
  static char stacks[2][1 << 18];
  const process::ending end = process::run([] {
    process::owner<>::take(SIGSEGV);
    process::owner<>::then = process::step_over;
    (void)surefoot::install();
    // The one that faults has the lower stack: where the guard's frame would let it in.
    fibers::faulting.start_on(stacks[0], fibers::fault_bare);
    fibers::guarding.start_on(stacks[1], fibers::guard);
    fibers::scheduler.switch_to(fibers::guarding);
    const bool right = fibers::caught_in_guard == fibers::bad + 1 &&
                       fibers::caught_in_own_guard == fibers::bad + 3;
    ::_exit(right ? 0 : 1);
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].calls == 1);
  CHECK(process::ledger[0].info.si_addr == land.data() + 2);
}

}  // namespace
