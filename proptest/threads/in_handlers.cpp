// Calls from inside of other signal handlers: of timers that interrupt whatever runs, and at each instruction of
// our own handler.
#include <elf.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <surefoot/surefoot.hpp>

#include "ground.hpp"

namespace {

using process::shared;

// What the handler of the other signal did.
struct handled {
  int calls = 0;
  int wrong = 0;
};
const threads::ground* land = nullptr;
handled* of_handler = nullptr;

// Faults in each way, with SIGSEGV and SIGBUS as its sa_mask has them.
void fault_in_handler(int, siginfo_t*, void*) {
  const int error = errno;
  int wrong = 0;
  const bool blocked =
      (process::blocked_now() & (surefoot::os::only(SIGSEGV) | surefoot::os::only(SIGBUS))) != 0;
  if (blocked) {
    // First the engine that needs no signal, then ready for the others.
    if (!machine::is_user_mode_emulation())
      wrong += land->wrong_answers_of<surefoot::engine::kernel>(2);
    wrong += surefoot::ready_this_thread() != surefoot::for_each_signal{true, true};
  }
  wrong += land->wrong_answers(1);
  of_handler->wrong += wrong;
  ++of_handler->calls;
  errno = error;
}

void handle_by_faulting(int signal, const sigset_t& mask) {
  struct sigaction a {};
  a.sa_sigaction = fault_in_handler;
  a.sa_flags = SA_SIGINFO | SA_RESTART;
  a.sa_mask = mask;
  memory::require(::sigaction(signal, &a, nullptr) == 0, "sigaction");
}
sigset_t all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  return all;
}

}  // namespace

TEST_CASE(
    "timer signals that fault interrupt calls and guards that fault, and each has its answers") {
  const threads::ground ground;
  for (const bool blocks : {false, true}) {
    INFO("the handler blocks " << (blocks ? "all signals" : "none"));
    const shared<handled> in_handler;
    struct seen {
      int rounds, wrong;
      surefoot::os::signal_mask mask;
      bool in_guard;
    };
    const shared<seen> found;
    land = &ground;
    of_handler = &*in_handler;
    const int ticks = build::is_slow ? 50 : 1000;
    const process::ending end = process::run([&] {
      (void)surefoot::install();
      handle_by_faulting(SIGUSR1, blocks ? all_signals() : process::set_of({}));
      timer_t timer{};
      sigevent tells{};
      tells.sigev_notify = SIGEV_SIGNAL;
      tells.sigev_signo = SIGUSR1;
      // Uneven, so that it comes at every place; slow enough that something else is done, too.
      const long period = build::is_slow ? 10'000'019 : 200'003;
      const itimerspec when{{0, period}, {0, period}};
      memory::require(::timer_create(CLOCK_MONOTONIC, &tells, &timer) == 0 &&
                          ::timer_settime(timer, 0, &when, nullptr) == 0,
                      "timer_create");
      const volatile int& calls = in_handler->calls;
      while (calls < ticks) {
        found->wrong += ground.wrong_answers(20);
        // In a guard that the handler's own ones are not to end.
        const auto met =
            surefoot::guarded([&ground]() noexcept { return ground.wrong_answers(21); });
        found->wrong += met.ok() ? met.value() : 1000;
        ++found->rounds;
      }
      ::timer_delete(timer);
      found->mask = process::blocked_now();
      found->in_guard = surefoot::exchange_guard({}).innermost != nullptr;
    });
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
    CHECK(in_handler->calls >= ticks);
    CHECK(in_handler->wrong == 0);
    CHECK(found->rounds > 0);
    CHECK(found->wrong == 0);
    CHECK(found->mask == 0);
    CHECK_FALSE(found->in_guard);
  }
}

namespace {

// A process that faults for ever and is stopped at each fault by its tracer, which lets our handler make some
// steps and then sends it SIGUSR1.
struct stepped {
  std::atomic<bool> over = false;
  std::atomic<int> rounds = 0;
  int wrong = 0;
  std::uintptr_t alternate_begin = 0, alternate_end = 0;
  std::uintptr_t bad = 0;  // where it faults
  surefoot::os::signal_mask mask = 0;
  bool in_guard = false;
};

class tracer {
 public:
  tracer(pid_t child, const stepped& of_child) : child_(child), of_child_(of_child) {}

  // Lets it run on to its next own fault. False where it has ended.
  bool await_fault() {
    for (int signal = 0;; signal = WSTOPSIG(status_)) {
      go_on(PTRACE_CONT, signal);
      if (!WIFSTOPPED(status_)) return false;
      siginfo_t info{};
      memory::require(::ptrace(PTRACE_GETSIGINFO, child_, nullptr, &info) == 0,
                      "PTRACE_GETSIGINFO");
      // Those that the handler of SIGUSR1 makes are elsewhere.
      if (info.si_signo == SIGSEGV &&
          reinterpret_cast<std::uintptr_t>(info.si_addr) == of_child_.bad)
        return true;
    }
  }
  // Delivers the fault and lets our handler make this many steps; how many it made until it was left.
  int step(int most) {
    go_on(PTRACE_SINGLESTEP, SIGSEGV);
    int made = 0;
    while (made < most && is_in_handler()) {
      go_on(PTRACE_SINGLESTEP, 0);
      ++made;
    }
    return made;
  }
  bool is_in_handler() const {
    const std::uintptr_t sp = stack_pointer();
    return sp >= of_child_.alternate_begin && sp < of_child_.alternate_end;
  }
  // Comes before the next instruction, when it goes on.
  void interrupt() { ::syscall(SYS_tgkill, child_, child_, SIGUSR1); }

  process::ending end() const { return process::ending_of(status_); }

  // Waits for the child's first stop.
  bool attach() {
    wait();
    return WIFSTOPPED(status_);
  }

 private:
  void wait() { memory::require(::waitpid(child_, &status_, 0) == child_, "waitpid"); }
  template <class Request>
  void go_on(Request how, int signal) {
    memory::require(::ptrace(how, child_, nullptr,
                             reinterpret_cast<void*>(static_cast<std::uintptr_t>(signal))) == 0,
                    "ptrace");
    wait();
  }
  std::uintptr_t stack_pointer() const {
    user_regs_struct registers{};
    iovec all{&registers, sizeof registers};
    memory::require(::ptrace(PTRACE_GETREGSET, child_, NT_PRSTATUS, &all) == 0, "PTRACE_GETREGSET");
    return machine::sp_of(registers);
  }

  pid_t child_;
  const stepped& of_child_;
  int status_ = 0;
};

// Sends SIGUSR1 after 0, 1, 2, ... steps of our handler (or in larger strides), which was called for access(p).
template <class Access>
void interrupt_handler_everywhere(Access access, int flags, const sigset_t& mask) {
  constexpr int refused = 111;
  const threads::ground ground;
  const memory::pages own{memory::kind::hole};
  const shared<handled> in_handler;
  const shared<stepped> found;
  land = &ground;
  of_handler = &*in_handler;
  found->bad = reinterpret_cast<std::uintptr_t>(own.data()) + 10;
  const pid_t child = process::start([&] {
    const process::stack alternate(256 * 1024);
    found->alternate_begin = reinterpret_cast<std::uintptr_t>(alternate.begin());
    found->alternate_end = found->alternate_begin + alternate.size();
    const stack_t a = process::alternate(alternate.begin(), alternate.size(), flags);
    ::sigaltstack(&a, nullptr);
    (void)surefoot::install();
    handle_by_faulting(SIGUSR1, mask);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(refused);
    ::raise(SIGSTOP);
    while (!found->over) {
      found->wrong += !access(own.data() + 10);
      found->mask |= process::blocked_now();
      ++found->rounds;
    }
    found->in_guard = surefoot::exchange_guard({}).innermost != nullptr;
  });
  tracer all(child, *found);
  if (!all.attach()) {
    CHECK(all.end().status == refused);
    return memory::say_skipped("ptrace()");
  }
  // How many there are, once what runs only the first time has run.
  REQUIRE(all.await_fault());
  (void)all.step(1);
  REQUIRE(all.await_fault());
  const int steps = all.step(1'000'000);
  REQUIRE(steps > 10);
  REQUIRE_FALSE(all.is_in_handler());
  const bool is_long = std::getenv("SUREFOOT_TEST_ALL") != nullptr;
  const int places = is_long ? steps : std::min(steps, build::is_emulated ? 10 : 50);
  for (int i = 0; i < places; ++i) {
    REQUIRE(all.await_fault());
    const int to_make = static_cast<int>(std::int64_t{steps} * i / places);
    CHECK(all.step(to_make) == to_make);
    CHECK(all.is_in_handler());
    all.interrupt();
  }
  REQUIRE(all.await_fault());
  found->over = true;
  (void)all.step(0);
  CHECK_FALSE(all.await_fault());
  CHECK(all.end().signal == 0);
  CHECK(all.end().status == 0);
  CHECK(in_handler->calls == places);
  CHECK(in_handler->wrong == 0);
  CHECK(found->rounds == places + 3);
  CHECK(found->wrong == 0);
  CHECK(found->mask == 0);
  CHECK_FALSE(found->in_guard);
}

// With each kind of alternate stack, interrupted by handlers that block nothing, and everything.
template <class Access>
void interrupt_handler_in_each_way(Access access) {
  if (machine::is_user_mode_emulation()) return memory::say_skipped("ptrace()");
  // ASan takes what a jump leaves on the alternate stack for frames that are still there.
  if (build::is_sanitized) return memory::say_skipped("a build without a sanitizer");
  for (const int flags : {0, process::autodisarm})
    for (const bool blocks : {false, true}) {
      INFO("flags " << flags << ", blocks " << blocks);
      interrupt_handler_everywhere(access, flags, blocks ? all_signals() : process::set_of({}));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("a signal may come, and fault, at each instruction of our handler", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  interrupt_handler_in_each_way([](const std::uint8_t* p) {
    return surefoot::try_load(p, TestType{}).stopped_by ==
           memory::fault_of(memory::kind::hole, surefoot::access_kind::read, p);
  });
}

TEST_CASE("a signal may come, and fault, at each instruction of our handler for guarded code") {
  interrupt_handler_in_each_way([](const std::uint8_t* p) {
    return surefoot::guarded([p]() noexcept { process::stray_load(p); }).stopped_by ==
           memory::fault_of(memory::kind::hole, surefoot::access_kind::read, p);
  });
}
