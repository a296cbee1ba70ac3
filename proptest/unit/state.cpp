// After a fault the thread is as it was before: everything that a signal's delivery, its handler or
// a jump out of it could leave behind.
#include <fenv.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

struct thread_state {
  surefoot::os::signal_mask mask = 0;
  int error = 0;
  stack_t alternate{};
  int rounding = 0;
  machine::control_state control;
  struct sigaction on_segv = {};
  struct sigaction on_bus = {};
};

thread_state state_now() {
  thread_state s;
  s.error = errno;
  s.mask = process::blocked_now();
  ::sigaltstack(nullptr, &s.alternate);
  s.rounding = ::fegetround();
  s.control = machine::control_now();
  s.on_segv = process::disposition(SIGSEGV);
  s.on_bus = process::disposition(SIGBUS);
  return s;
}

// Nothing as it is by default.
void make_peculiar(const process::stack& alternate) {
  (void)surefoot::os::set_mask(surefoot::os::only(SIGUSR2) | surefoot::os::only(SIGTERM) |
                               surefoot::os::only(SIGRTMIN + 3));
  const stack_t a = process::alternate(alternate.begin(), alternate.size());
  ::sigaltstack(&a, nullptr);
  ::fesetround(FE_UPWARD);
  machine::make_control_peculiar();
  errno = 4711;
}

using operation = bool (*)(std::uint8_t* p);  // false: it met the fault

struct verb {
  const char* name;
  operation run;
};

template <class E>
constexpr verb verbs[] = {
    {"try_load", [](std::uint8_t* p) { return surefoot::try_load<std::uint64_t>(p, E{}).ok(); }},
    {"try_load of 16 bytes",
     [](std::uint8_t* p) { return surefoot::try_load<surefoot::engine::word16>(p, E{}).ok(); }},
    {"try_store", [](std::uint8_t* p) { return bool{surefoot::try_store(p, 1, E{})}; }},
    {"try_copy from it",
     [](std::uint8_t* p) {
       std::uint8_t to[200];
       return surefoot::try_copy(to, p, sizeof to, E{}).any();
     }},
    {"try_copy to it",
     [](std::uint8_t* p) {
       const std::uint8_t from[200] = {};
       return surefoot::try_copy(p, from, sizeof from, E{}).any();
     }},
    {"ensure_readable",
     [](std::uint8_t* p) { return bool{surefoot::ensure_readable(p, 99, E{})}; }},
    {"ensure_writeable",
     [](std::uint8_t* p) { return bool{surefoot::ensure_writeable(p, 99, E{})}; }},
    {"fault_in_readable",
     [](std::uint8_t* p) { return surefoot::fault_in_readable(p, 99, E{}).any(); }},
    {"fault_in_writeable",
     [](std::uint8_t* p) { return surefoot::fault_in_writeable(p, 99, E{}).any(); }},
};

struct observation {
  bool faulted = false;
  thread_state before;
  thread_state after;
};

void check_unchanged(const observation& o) {
  CHECK(o.faulted);
  CHECK(o.before.error == 4711);
  CHECK(o.after.error == o.before.error);
  CHECK(o.after.mask == o.before.mask);
  CHECK(o.after.alternate.ss_sp == o.before.alternate.ss_sp);
  CHECK(o.after.alternate.ss_size == o.before.alternate.ss_size);
  CHECK(o.after.alternate.ss_flags == o.before.alternate.ss_flags);
  CHECK(o.before.rounding == FE_UPWARD);
  CHECK(o.after.rounding == o.before.rounding);
  CHECK((o.after.control == o.before.control));
  CHECK(process::same(o.after.on_segv, o.before.on_segv));
  CHECK(process::same(o.after.on_bus, o.before.on_bus));
}

void check_leaves_the_thread_as_it_was(const verb& v) {
  for (const memory::kind k : {memory::kind::hole, memory::kind::past_end_of_file}) {
    INFO(v.name << " in a page of kind " << memory::name(k));
    const memory::pages land{k};
    const process::shared<observation> seen;
    const process::ending end = process::run([&] {
      (void)surefoot::install();
      const process::stack alternate(64 * 1024);
      make_peculiar(alternate);
      seen->before = state_now();
      errno = 4711;
      seen->faulted = !v.run(land.data());
      seen->after = state_now();
    });
    CHECK(end.status == 0);
    check_unchanged(*seen);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("a fault leaves the thread as it was", "", SUREFOOT_SIGNAL_ENGINES) {
  for (const verb& v : verbs<TestType>) check_leaves_the_thread_as_it_was(v);
}

TEST_CASE("a fault of guarded code leaves the thread as it was") {
  check_leaves_the_thread_as_it_was(
      {"guarded", [](std::uint8_t* p) {
         return surefoot::guarded([p]() noexcept { process::stray_load(p); }).ok();
       }});
}

#if defined(__x86_64__)
TEST_CASE("a guarded function that faults with the direction flag set leaves it clear") {
  const memory::pages land{memory::kind::hole};
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    std::uint8_t* const p = land.data();
    seen->faulted = !surefoot::guarded([p]() noexcept {
                       asm volatile("std\n\tmovb (%0), %%al\n\tcld" : : "r"(p) : "rax", "memory");
                     }).ok();
    seen->after = state_now();
  });
  CHECK(end.status == 0);
  CHECK(seen->faulted);
  CHECK(seen->after.control.direction == 0);
}
#endif
