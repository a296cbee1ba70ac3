// The smallest stack that a thread may have, and an alternate stack for what a signal needs.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "ground.hpp"

namespace {

using process::shared;

std::size_t smallest_stack() {
  return std::max<std::size_t>(static_cast<std::size_t>(::sysconf(_SC_THREAD_STACK_MIN)),
                               build::is_sanitized ? 256 * 1024 : 0);
}

// What the kernel's part of a signal frame takes here, as it was seen to, or more. (AT_MINSIGSTKSZ is what it can take: with AMX,
// which has to be asked for, four times as much.)
volatile std::uintptr_t lowest_of_the_frame = 0;
std::size_t signal_frame() {
  static const std::size_t takes = [] {
    const process::stack alternate(64 * 1024);
    const stack_t a = process::alternate(alternate.begin(), alternate.size());
    stack_t before{};
    struct sigaction look {
    }, old{};
    look.sa_flags = SA_ONSTACK;
    look.sa_handler = [](int) {
      lowest_of_the_frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    };
    memory::require(::sigaltstack(&a, &before) == 0 && ::sigaction(SIGUSR2, &look, &old) == 0 &&
                        ::raise(SIGUSR2) == 0 && ::sigaction(SIGUSR2, &old, nullptr) == 0 &&
                        ::sigaltstack(&before, nullptr) == 0,
                    "a signal on an alternate stack");
    // What runs there needs some stack, too, which a small frame (riscv64) would not leave it.
    return std::max<std::size_t>(reinterpret_cast<std::uintptr_t>(alternate.begin()) +
                                     alternate.size() - lowest_of_the_frame,
                                 2048);
  }();
  return takes;
}

std::uint8_t* lowest_of_this_stack() {
  pthread_attr_t a;
  void* begin = nullptr;
  std::size_t size = 0;
  memory::require(::pthread_getattr_np(::pthread_self(), &a) == 0 &&
                      ::pthread_attr_getstack(&a, &begin, &size) == 0,
                  "pthread_getattr_np");
  ::pthread_attr_destroy(&a);
  return static_cast<std::uint8_t*>(begin);
}

// Calls body() where less than a signal frame is left of the stack that begins at `lowest`.
template <class Body>
[[gnu::noinline]] void near_the_end(const std::uint8_t* lowest, Body& body) {
  volatile std::uint8_t used[256];
  used[0] = 0;
  const auto here = reinterpret_cast<std::uintptr_t>(used);
  if (here - reinterpret_cast<std::uintptr_t>(lowest) < signal_frame() - 256)
    body();
  else
    near_the_end(lowest, body);
  used[1] = used[0];  // no tail call
}

// How a process ends whose smallest thread faults with next to nothing left of its stack; with or without an
// alternate stack, and how many answers were wrong.
struct answers {
  process::ending end;
  int right = 0;
};
template <class E>
answers fault_near_the_end(bool has_alternate) {
  (void)signal_frame();  // on a stack that is large enough
  const memory::pages land{memory::kind::hole};
  const shared<int> right;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    const process::stack alternate(64 * 1024);
    std::uint8_t* const bad = land.data();
    const auto fault = [&, bad] {
      *right += surefoot::try_load<std::uint8_t>(bad, E{}).stopped_by ==
                memory::fault_of(memory::kind::hole, surefoot::access_kind::read, bad);
    };
    // Whatever the dynamic linker has to do for it, and on a stack that is large enough.
    fault();
    *right = 0;
    const auto body = [&] {
      const stack_t a = process::alternate(alternate.begin(), alternate.size());
      if (has_alternate) ::sigaltstack(&a, nullptr);
      const std::uint8_t* const lowest = lowest_of_this_stack();
      near_the_end(lowest, fault);
    };
    ::pthread_join(threads::start(body, smallest_stack()), nullptr);
  });
  return {end, *right};
}

}  // namespace

TEST_CASE("a thread with the smallest stack and an alternate one gets its answers") {
  const threads::ground land;
  const shared<int> wrong;
  *wrong = -1;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    const process::stack alternate(64 * 1024);
    const auto body = [&] {
      const stack_t a = process::alternate(alternate.begin(), alternate.size());
      ::sigaltstack(&a, nullptr);
      *wrong = land.wrong_answers(8);
      *wrong += land.wrong_answers(8);  // it is still there
    };
    ::pthread_join(threads::start(body, smallest_stack()), nullptr);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK(*wrong == 0);
}

TEMPLATE_TEST_CASE("a fault is answered with less than a signal frame left of the smallest stack",
                   "", SUREFOOT_SIGNAL_ENGINES) {
  if (build::is_sanitized) return memory::say_skipped("a build without a sanitizer");
  const answers with = fault_near_the_end<TestType>(true);
  CHECK(with.end.signal == 0);
  CHECK(with.end.status == 0);
  CHECK(with.right == 1);
  // The same without one: it is really that little.
  const answers without = fault_near_the_end<TestType>(false);
  CHECK(without.end.signal == SIGSEGV);
  CHECK(without.right == 0);
}
