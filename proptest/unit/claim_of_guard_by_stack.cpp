// A guard belongs to a stack: it takes faults below its frame only.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "process.hpp"

namespace {

const volatile std::uint8_t* bad = nullptr;
process::fiber* guarding = nullptr;
process::fiber* faulting = nullptr;
bool* taken = nullptr;

void guard_the_other_stack() {
  *taken = !surefoot::guarded([]() noexcept { faulting->enter(); }).ok();
}
void fault() { process::stray_load(bad); }

// Runs a guard on one of two stacks, and in it a fault on the other; says whether the guard took
// it.
bool guard_takes_fault(bool guard_is_above) {
  const memory::pages hole{memory::kind::hole};
  const process::shared<bool> seen;
  bad = hole.data();
  taken = &*seen;
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGSEGV);
    process::owner<>::then = process::step_over;
    (void)surefoot::install();
    constexpr std::size_t half = 256 * 1024;
    const process::stack both(2 * half);
    std::uint8_t* const low = both.begin();
    std::uint8_t* const high = low + half;
    process::fiber a(guard_is_above ? high : low, half, &guard_the_other_stack);
    process::fiber b(guard_is_above ? low : high, half, &fault);
    guarding = &a;
    faulting = &b;
    guarding->enter();
  });
  CHECK(end.status == 0);
  return *seen;
}

}  // namespace

TEST_CASE("a guard takes a fault whose stack pointer lies below its frame") {
  CHECK(guard_takes_fault(true));
  CHECK(process::ledger[0].calls == 0);
}

TEST_CASE("a guard leaves a fault on a stack above its frame to the owner before") {
  CHECK_FALSE(guard_takes_fault(false));
  CHECK(process::ledger[0].calls == 1);
}

namespace {

surefoot::guard_chain of_fiber;

void guard_around_a_switch() {
  *taken = !surefoot::guarded([]() noexcept {
              of_fiber = surefoot::exchange_guard({});
              guarding->leave();
              process::stray_load(bad);
            }).ok();
}

}  // namespace

TEST_CASE("a guard that goes away with its fiber takes no fault until it is back") {
  const memory::pages hole{memory::kind::hole};
  const process::shared<bool> seen;
  bad = hole.data();
  taken = &*seen;
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGSEGV);
    process::owner<>::then = process::step_over;
    (void)surefoot::install();
    // Above everything, so that the frame alone would not keep the guard from taking the fault.
    constexpr std::size_t half = 256 * 1024;
    const process::stack both(2 * half);
    process::fiber a(both.begin() + half, half, &guard_around_a_switch);
    process::fiber b(both.begin(), half, &fault);
    guarding = &a;
    a.enter();
    b.enter();
    (void)surefoot::exchange_guard(of_fiber);
    a.enter();
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].calls == 1);
  CHECK(*seen);
}
