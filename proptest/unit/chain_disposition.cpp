// A signal that is not ours reaches the owner before us as the kernel would have brought it: with
// or without siginfo, with its mask, once only where it asked for that.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include "process.hpp"

namespace {

using process::owner;
using process::set_of;
using surefoot::os::only;

// A stray load on a thread that blocks SIGUSR2, under an owner with these flags and SIGTERM in its
// sa_mask; says what is blocked inside the owner, and checks what is afterwards.
surefoot::os::signal_mask mask_in_owner(unsigned flags) {
  const process::shared<surefoot::os::signal_mask> after;
  const process::ending end = process::run([&] {
    owner<>::take(SIGSEGV, flags, set_of({SIGTERM}));
    owner<>::then = process::step_over;
    (void)surefoot::install();
    surefoot::os::set_mask(only(SIGUSR2));
    process::stray_load(nullptr);
    *after = process::blocked_now();
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].calls == 1);
  CHECK(*after == only(SIGUSR2));
  return process::ledger[0].mask;
}

}  // namespace

TEST_CASE("the owner before runs with its own mask, and with the signal, added to the thread's") {
  CHECK(mask_in_owner(SA_SIGINFO) == (only(SIGUSR2) | only(SIGTERM) | only(SIGSEGV)));
}

TEST_CASE("the owner before runs without the signal blocked where it has SA_NODEFER") {
  CHECK(mask_in_owner(SA_SIGINFO | SA_NODEFER) == (only(SIGUSR2) | only(SIGTERM)));
}

TEST_CASE("an owner without SA_SIGINFO is called with the signal's number") {
  for (const int signal : process::signals_taken) {
    INFO("signal " << signal);
    const process::ending end = process::run([&] {
      owner<>::take(signal, 0);
      (void)surefoot::install();
      ::raise(signal);
    });
    CHECK(end.status == 0);
    CHECK(process::ledger[0].calls == 1);
    CHECK(process::ledger[0].signal == signal);
  }
}

TEST_CASE("an owner with SA_RESETHAND gets one signal, and the next is as by default") {
  const process::ending end = process::run([] {
    owner<>::take(SIGSEGV, SA_SIGINFO | SA_RESETHAND);
    owner<>::then = process::step_over;
    (void)surefoot::install();
    process::stray_load(nullptr);
    process::stray_load(nullptr);
  });
  CHECK(end.signal == SIGSEGV);
  CHECK(process::ledger[0].calls == 1);
}

TEST_CASE("an owner with SA_RESETHAND that takes the signals anew gets one more each time") {
  const process::ending end = process::run([] {
    owner<>::then = process::step_over;
    for (int i = 0; i < 100; ++i) {
      owner<>::take(SIGSEGV, SA_SIGINFO | SA_RESETHAND);
      (void)surefoot::install();
      process::stray_load(nullptr);
    }
    if (!surefoot::installed().both()) ::_exit(1);
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].calls == 100);
}

TEST_CASE("forwarding leaves errno alone") {
  const process::shared<int> after;
  const process::ending end = process::run([&] {
    owner<>::take(SIGSEGV);
    owner<>::then = process::step_over;
    (void)surefoot::install();
    errno = 4711;
    process::stray_load(nullptr);
    *after = errno;
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].error == 4711);
  CHECK(*after == 4711);
}

TEST_CASE("what the owner before does to errno and to the context stays done") {
  const process::shared<int> after;
  const process::ending end = process::run([&] {
    owner<>::take(SIGSEGV);
    owner<>::then = [](int signal, siginfo_t* info, void* ucontext) {
      process::step_over(signal, info, ucontext);
      errno = 12;
    };
    (void)surefoot::install();
    errno = 4711;
    process::stray_load(nullptr);
    *after = errno;
  });
  CHECK(end.status == 0);
  CHECK(*after == 12);
}

TEST_CASE("where the owner before ignores, what is sent is ignored and a real fault kills") {
  for (const int signal : process::signals_taken) {
    INFO("signal " << signal);
    const process::shared<bool> survived_what_was_sent;
    const memory::pages bad{signal == SIGSEGV ? memory::kind::hole
                                              : memory::kind::past_end_of_file};
    const process::ending end = process::run([&] {
      for (const int both : process::signals_taken) ::signal(both, SIG_IGN);
      (void)surefoot::install();
      ::kill(::getpid(), signal);
      ::raise(signal);
      process::queue_to_self(process::notice(SIGBUS, BUS_MCEERR_AO, bad.data(), 12));
      *survived_what_was_sent = true;
      process::stray_load(bad.data());
    });
    CHECK(*survived_what_was_sent);
    CHECK(end.signal == signal);
  }
}
