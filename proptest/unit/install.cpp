// Taking the two signals, and giving them back.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "process.hpp"

namespace {

using process::ledger;
using process::owner;
using surefoot::for_each_signal;

constexpr for_each_signal both{true, true};
constexpr for_each_signal neither{false, false};

bool null_is_bad() {
  const int* const null = nullptr;
  return surefoot::try_load(null).stopped_by.kind == surefoot::cause::unmapped;
}

}  // namespace

TEST_CASE("install() takes both signals, with siginfo, alternate stack, no deferral and no mask") {
  struct observation {
    bool done;
    for_each_signal before, after;
    struct sigaction action[2];
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    seen->before = surefoot::installed();
    seen->done = static_cast<bool>(surefoot::install());
    seen->after = surefoot::installed();
    seen->action[0] = process::disposition(SIGSEGV);
    seen->action[1] = process::disposition(SIGBUS);
  });
  CHECK(end.status == 0);
  CHECK(seen->done);
  CHECK(seen->before == neither);
  CHECK(seen->after == both);
  for (const struct sigaction& a : seen->action) {
    constexpr int needed = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    constexpr int unwanted = static_cast<int>(SA_RESETHAND | SA_RESTART);
    CHECK((a.sa_flags & (needed | unwanted)) == needed);
    CHECK(surefoot::os::mask_of(a.sa_mask) == 0);
  }
}

TEST_CASE("uninstall() restores exactly the owner before, however often we were installed") {
  struct observation {
    for_each_signal given_back, after, again;
    struct sigaction before[2], restored[2];
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    owner<0>::take(SIGSEGV, SA_SIGINFO | SA_RESTART, process::set_of({SIGUSR1}));
    owner<1>::take(SIGBUS, SA_NODEFER, process::set_of({SIGTERM}));
    seen->before[0] = process::disposition(SIGSEGV);
    seen->before[1] = process::disposition(SIGBUS);
    for (int i = 0; i < 5; ++i) (void)surefoot::install();
    seen->given_back = surefoot::uninstall();
    seen->after = surefoot::installed();
    seen->restored[0] = process::disposition(SIGSEGV);
    seen->restored[1] = process::disposition(SIGBUS);
    seen->again = surefoot::uninstall();
  });
  CHECK(end.status == 0);
  CHECK(seen->given_back == both);
  CHECK(seen->after == neither);
  CHECK(process::same(seen->restored[0], seen->before[0]));
  CHECK(process::same(seen->restored[1], seen->before[1]));
  CHECK(seen->again == neither);
}

TEST_CASE("installed five times, we ask the owner before once") {
  const process::ending end = process::run([] {
    owner<>::take(SIGSEGV);
    owner<>::then = process::step_over;
    for (int i = 0; i < 5; ++i) (void)surefoot::install();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
}

TEST_CASE("uninstall() says which signals it gave back, and leaves another's alone") {
  struct observation {
    for_each_signal given_back;
    struct sigaction theirs, after;
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    owner<>::take(SIGSEGV);
    seen->theirs = process::disposition(SIGSEGV);
    seen->given_back = surefoot::uninstall();
    seen->after = process::disposition(SIGSEGV);
  });
  CHECK(end.status == 0);
  CHECK(seen->given_back == for_each_signal{.segv = false, .bus = true});
  CHECK(process::same(seen->after, seen->theirs));
}

TEST_CASE("uninstalled behind another's handler, we hand everything on to the owner before us") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::step_over;
    (void)surefoot::install();
    owner<0>::take(SIGSEGV);
    owner<0>::then = owner<0>::chain;
    (void)surefoot::uninstall();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 1);
}

TEST_CASE("uninstall() in favour of an owner that chains to us keeps the owner before that one") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::step_over;
    (void)surefoot::install();
    owner<0>::take(SIGSEGV);
    owner<0>::then = owner<0>::chain;
    (void)surefoot::install();
    (void)surefoot::uninstall();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 1);
}

TEST_CASE("a call installs by itself, also after uninstall()") {
  struct observation {
    bool first, second;
    for_each_signal after_first, after_second;
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    seen->first = null_is_bad();
    seen->after_first = surefoot::installed();
    (void)surefoot::uninstall();
    seen->second = null_is_bad();
    seen->after_second = surefoot::installed();
  });
  CHECK(end.status == 0);
  CHECK(seen->first);
  CHECK(seen->after_first == both);
  CHECK(seen->second);
  CHECK(seen->after_second == both);
}

TEST_CASE("install() takes back one signal where only one was taken") {
  const process::shared<for_each_signal> between, after;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    owner<>::take(SIGBUS);
    *between = surefoot::installed();
    (void)surefoot::install();
    *after = surefoot::installed();
  });
  CHECK(end.status == 0);
  CHECK(*between == for_each_signal{.segv = true, .bus = false});
  CHECK(*after == both);
}

TEST_CASE("install() works in a signal handler") {
  const process::shared<for_each_signal> after;
  static bool answered;
  const process::ending end = process::run([&] {
    ::signal(SIGUSR1, [](int) {
      (void)surefoot::install();
      answered = null_is_bad();
    });
    ::raise(SIGUSR1);
    *after = surefoot::installed();
    if (!answered) ::_exit(1);
  });
  CHECK(end.status == 0);
  CHECK(*after == both);
}

TEST_CASE("eight threads that install at once make one installation") {
  struct observation {
    int answered;
    for_each_signal installed, given_back;
    struct sigaction before, restored;
  };
  const process::shared<observation> seen;
  constexpr int rounds = 50;
  const process::ending end = process::run([&] {
    owner<>::take(SIGSEGV);
    owner<>::then = process::step_over;
    seen->before = process::disposition(SIGSEGV);
    for (int round = 0; round < rounds; ++round) {
      std::atomic<int> waiting = 0;
      std::vector<std::thread> all;
      for (int i = 0; i < 8; ++i)
        all.emplace_back([&] {
          ++waiting;
          while (waiting < 8) std::this_thread::yield();
          (void)surefoot::install();
          if (null_is_bad()) __atomic_add_fetch(&seen->answered, 1, __ATOMIC_RELAXED);
        });
      for (std::thread& t : all) t.join();
      seen->installed = surefoot::installed();
      process::stray_load(nullptr);
      seen->given_back = surefoot::uninstall();
      seen->restored = process::disposition(SIGSEGV);
    }
  });
  CHECK(end.status == 0);
  CHECK(seen->answered == 8 * rounds);
  CHECK(seen->installed == both);
  CHECK(ledger[0].calls == rounds);
  CHECK(seen->given_back == both);
  CHECK(process::same(seen->restored, seen->before));
}

TEST_CASE("pin() can pin the executable") { CHECK(surefoot::pin() == surefoot::pinned::yes); }
