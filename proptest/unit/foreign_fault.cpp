// A fault or a signal that is none of ours: a program ends as it would without us, and a handler
// sees what it would see without us.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <surefoot/surefoot.hpp>

#include "process.hpp"

namespace {

using process::ledger;
using process::owner;

struct example {
  const char* name;
  void (*happens)();
};

const memory::pages& bad_pages() {
  static const memory::pages all{memory::kind::hole, memory::kind::read_only,
                                 memory::kind::past_end_of_file};
  return all;
}

void store_to_read_only() { process::stray_store(bad_pages().page(1)); }
void send_with_value() {
  sigval value{};
  value.sival_ptr = reinterpret_cast<void*>(4711);
  ::sigqueue(::getpid(), SIGSEGV, value);
}

const example examples[] = {
    {"null", [] { process::stray_load(nullptr); }},
    {"hole", [] { process::stray_load(bad_pages().page(0)); }},
    {"store to a read-only page", store_to_read_only},
    {"past end of file", [] { process::stray_load(bad_pages().page(2)); }},
    {"non-canonical", [] { process::stray_load(memory::at(memory::non_canonical[1])); }},
    {"kernel half", [] { process::stray_load(memory::at(memory::kernel_half[0])); }},
    {"kill", [] { ::kill(::getpid(), SIGSEGV); }},
    {"raise", [] { ::raise(SIGBUS); }},
    {"sigqueue", send_with_value},
    {"abort", [] { std::abort(); }},
    {"poison met by a system call",
     [] {
       process::queue_to_self(process::notice(SIGBUS, BUS_MCEERR_AR, bad_pages().page(0), 12));
     }},
};

}  // namespace

TEST_CASE("a program that dies of a signal dies of the same one with us") {
  for (const example& e : examples) {
    INFO(e.name);
    const auto without = process::run_traced([&] { e.happens(); });
    const auto with = process::run_traced([&] {
      (void)surefoot::install();
      e.happens();
    });
    if (!without || !with) return memory::say_skipped("ptrace");
    REQUIRE(without->end.signal != 0);
    CHECK(with->end.signal == without->end.signal);
    REQUIRE(without->stops.size() == 1);
    CHECK(process::same(with->stops.back().info, without->stops.back().info));
    CHECK(with->stops.back().pc == without->stops.back().pc);
  }
}

TEST_CASE("the owner before sees a signal as it would without us") {
  for (const example& e : examples) {
    INFO(e.name);
    const auto seen_by_owner = [&](bool with_us) {
      const process::ending end = process::run([&] {
        for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) owner<>::take(signal);
        owner<>::then = process::exit_with_42;
        if (with_us) (void)surefoot::install();
        e.happens();
      });
      CHECK(end.status == 42);
      return ledger[0];
    };
    const process::delivery without = seen_by_owner(false);
    const process::delivery with = seen_by_owner(true);
    CHECK(with.calls == 1);
    CHECK(with.signal == without.signal);
    CHECK(process::same(with.info, without.info));
    CHECK(with.ucontext == without.ucontext);
    CHECK(with.pc == without.pc);
    CHECK(with.mask == without.mask);
  }
}

TEST_CASE("what another process sends reaches the owner before us with its sender") {
  const process::shared<bool> waiting;
  const pid_t child = process::start([&] {
    owner<>::take(SIGSEGV);
    owner<>::then = process::exit_with_42;
    (void)surefoot::install();
    *waiting = true;
    for (;;) ::pause();
  });
  while (!__atomic_load_n(&*waiting, __ATOMIC_ACQUIRE)) std::this_thread::yield();
  ::kill(child, SIGSEGV);
  CHECK(process::wait_for(child).status == 42);
  CHECK(ledger[0].info.si_code == SI_USER);
  CHECK(ledger[0].info.si_pid == ::getpid());
}

namespace {

[[gnu::noinline]] int deeper(volatile int* above) {
  volatile int here[256] = {};
  here[0] = *above + 1;
  return here[0] < 0 ? 0 : deeper(here) + here[0];
}
void overflow() {
  volatile int start = 0;
  (void)deeper(&start);
}

}  // namespace

TEST_CASE("a stack overflow kills as it would without us, with an alternate stack or not") {
  for (const bool alternate : {false, true}) {
    INFO((alternate ? "with" : "without") << " an alternate stack");
    const auto dies = [&](bool with_us) {
      return process::run_traced([&] {
        const process::stack memory_of_it(64 * 1024);
        const stack_t none = process::alternate(nullptr, 0, SS_DISABLE);
        const stack_t a =
            alternate ? process::alternate(memory_of_it.begin(), memory_of_it.size()) : none;
        ::sigaltstack(&a, nullptr);
        if (with_us) (void)surefoot::install();
        overflow();
      });
    };
    const auto without = dies(false);
    const auto with = dies(true);
    if (!without || !with) return memory::say_skipped("ptrace");
    CHECK(without->end.signal == SIGSEGV);
    CHECK(with->end.signal == SIGSEGV);
    // Without one the kernel cannot call anybody: it says so with a report of its own.
    if (alternate) CHECK(with->stops.back().info.si_code == without->stops.back().info.si_code);
  }
}

TEST_CASE(
    "where a fork left an installing thread behind, one foreign fault is late and none is lost") {
  const process::ending end = process::run([] {
    owner<>::take(SIGSEGV);
    // The access is made again and again; were each of them late, it would take minutes.
    owner<>::then = [](int, siginfo_t*, void*) {
      if (ledger[0].calls == 500) ::_exit(42);
    };
    (void)surefoot::install();
    // What such a child finds: somebody came in and never goes on.
    surefoot::signals::this_settling.enter();
    store_to_read_only();
  });
  CHECK(end.status == 42);
}
