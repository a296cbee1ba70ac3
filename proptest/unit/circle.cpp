// Owners that take the signals from us and hand faults on to us, and from whom we take them back:
// each is asked once, newest first, and at its end the chain does what the kernel would.
#include <algorithm>
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <utility>

#include "engines.hpp"
#include "machine.hpp"
#include "process.hpp"

namespace {

using process::ledger;
using process::owner;

// owner<N> takes SIGSEGV, hands on what it gets, and is displaced by us.
template <std::size_t N>
void displace() {
  owner<N>::take(SIGSEGV);
  owner<N>::then = owner<N>::chain;
  (void)surefoot::install();
}
template <std::size_t... N>
void displace_each(std::index_sequence<N...>) {
  (displace<N>(), ...);
}

// The last one that is asked: it ends the process.
void stand_before_all() {
  owner<19>::take(SIGSEGV);
  owner<19>::then = process::exit_with_42;
}

bool both_installed() { return surefoot::installed().both(); }

}  // namespace

TEST_CASE("an owner that chains to us and that we displaced gets a stray fault once") {
  const process::ending end = process::run([] {
    (void)surefoot::install();
    displace<0>();
    process::stray_load(nullptr);
  });
  CHECK(end.signal == SIGSEGV);
  CHECK(ledger[0].calls == 1);
}

TEST_CASE("behind a displaced owner that chains to us comes the owner before it") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::step_over;
    (void)surefoot::install();
    displace<0>();
    process::stray_load(nullptr);
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 2);
  CHECK(ledger[1].calls == 2);
}

TEST_CASE("several displaced owners that chain to us get a stray fault once each, newest first") {
  static std::size_t order[4];
  static std::size_t asked;
  const process::shared<bool> newest_first;
  static bool* verdict;
  verdict = &*newest_first;
  const process::ending end = process::run([] {
    owner<3>::take(SIGSEGV);
    owner<3>::then = [](int, siginfo_t*, void*) {
      order[asked++] = 3;
      *verdict = asked == 4 && order[0] == 0 && order[1] == 1 && order[2] == 2;
      ::_exit(42);
    };
    (void)surefoot::install();
    displace<2>();
    displace<1>();
    displace<0>();
    const auto note = []<std::size_t N>(std::integral_constant<std::size_t, N>) {
      owner<N>::then = [](int signal, siginfo_t* info, void* ucontext) {
        order[asked++] = N;
        owner<N>::chain(signal, info, ucontext);
      };
    };
    note(std::integral_constant<std::size_t, 0>{});
    note(std::integral_constant<std::size_t, 1>{});
    note(std::integral_constant<std::size_t, 2>{});
    process::stray_load(nullptr);
  });
  CHECK(end.status == 42);
  CHECK(*newest_first);
}

TEMPLATE_TEST_CASE("the same owner may be displaced a thousand times", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::shared<bool> fine;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    for (int i = 0; i < 1000; ++i) displace<0>();
    const int* const null = nullptr;
    *fine = both_installed() && !surefoot::try_load(null, TestType{}).ok();
    process::stray_load(nullptr);
  });
  CHECK(*fine);
  CHECK(end.signal == SIGSEGV);
  CHECK(ledger[0].calls == 1);
}

TEMPLATE_TEST_CASE("fifteen owners can be displaced, and install() says so when there is one more",
                   "", SUREFOOT_SIGNAL_ENGINES) {
  struct observation {
    bool fifteen = false;
    bool sixteen = false;
    surefoot::cause answer = surefoot::cause::none;
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    (void)surefoot::install();  // displaces the default action
    displace_each(std::make_index_sequence<14>{});
    seen->fifteen = surefoot::installed().segv && surefoot::install();
    displace<14>();
    seen->sixteen = surefoot::installed().segv || surefoot::install();
    const int* const null = nullptr;
    seen->answer = surefoot::try_load(null, TestType{}).stopped_by.kind;
    process::stray_load(nullptr);
  });
  CHECK(seen->fifteen);
  CHECK_FALSE(seen->sixteen);
  CHECK(seen->answer == surefoot::cause::unknown);
  CHECK(end.signal == SIGSEGV);
  for (std::size_t i = 0; i < 15; ++i) {
    INFO("owner " << i);
    CHECK(ledger[i].calls == 1);
  }
}

TEST_CASE("each of many registrations that an owner puts back is known for what it was") {
  constexpr std::size_t many = std::min(12u, surefoot::arch::entries_here - 1);
  const process::ending end = process::run([] {
    stand_before_all();
    (void)surefoot::install();
    displace_each(std::make_index_sequence<many>{});
    // What it had displaced, and to the fault: those that came later have gone.
    owner<2>::then = [](int signal, siginfo_t*, void*) { owner<2>::give_back(signal); };
    process::stray_load(nullptr);
  });
  CHECK(end.status == 42);
  for (std::size_t i = 0; i < many; ++i) {
    INFO("owner " << i);
    CHECK(ledger[i].calls == 1);
  }
}

TEST_CASE("an owner that puts us back with signal(), which keeps no flags, is asked once") {
  const process::ending end = process::run([] {
    stand_before_all();
    (void)surefoot::install();
    displace<0>();
    owner<0>::then = [](int signal, siginfo_t*, void*) {
      ::signal(signal, owner<0>::before[0].sa_handler);
    };
    process::stray_load(nullptr);
  });
  CHECK(end.status == 42);
  CHECK(ledger[0].calls == 1);
}

TEMPLATE_TEST_CASE("what signal() left of us is not installed, and install() makes it whole", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  struct observation {
    surefoot::for_each_signal left{true, true};
    bool whole = false;
    surefoot::cause answer = surefoot::cause::none;
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    stand_before_all();
    (void)surefoot::install();
    displace<0>();
    owner<1>::take(SIGSEGV);
    ::signal(SIGSEGV, owner<1>::before[0].sa_handler);
    seen->left = surefoot::installed();
    seen->whole = surefoot::install() && both_installed();
    const int* const null = nullptr;
    seen->answer = surefoot::try_load(null, TestType{}).stopped_by.kind;
    process::stray_load(nullptr);
  });
  CHECK_FALSE(seen->left.segv);
  CHECK(seen->left.bus);
  CHECK(seen->whole);
  CHECK(seen->answer == surefoot::cause::unmapped);
  CHECK(end.status == 42);
  CHECK(ledger[0].calls == 1);  // displaced before the registration that was put back
  CHECK(ledger[1].calls == 0);  // gone
}

TEST_CASE("what signal() left of us is given back by uninstall(), made whole or not") {
  const bool made_whole = GENERATE(false, true);
  CAPTURE(made_whole);
  const process::shared<bool> given_back;
  const process::ending end = process::run([&] {
    owner<0>::take(SIGSEGV);
    owner<0>::then = process::step_over;
    (void)surefoot::install();
    displace<1>();
    ::signal(SIGSEGV, owner<1>::before[0].sa_handler);  // the first registration: owner 1 has gone
    if (made_whole) (void)surefoot::install();
    *given_back = surefoot::uninstall().segv;
    process::stray_load(nullptr);
  });
  CHECK(*given_back);
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 0);
}

TEST_CASE("an owner that has gone is not asked where another one stands in its place") {
  const process::ending end = process::run([] {
    stand_before_all();
    (void)surefoot::install();
    displace<0>();
    owner<0>::give_back(SIGSEGV);
    owner<1>::take(SIGSEGV);
    owner<1>::then = owner<1>::chain;
    process::stray_load(nullptr);
  });
  CHECK(end.status == 42);
  CHECK(ledger[0].calls == 0);
  CHECK(ledger[1].calls == 1);
}

TEST_CASE("an owner that has gone, and its code with it, is not looked at") {
  const process::shared<bool> answered;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    const memory::pages code{memory::kind::no_access};  // as where a plugin was unloaded
    const struct sigaction first = process::disposition(SIGSEGV);
    struct sigaction gone {};
    gone.sa_sigaction = reinterpret_cast<decltype(gone.sa_sigaction)>(
        reinterpret_cast<std::uintptr_t>(code.data()));
    gone.sa_flags = SA_SIGINFO;
    for (int i = 0; i < 2; ++i) {
      // What has the signal is looked at, but all of it lies before its page's end.
      ::mprotect(code.data(), memory::page_size, PROT_READ);
      ::sigaction(SIGSEGV, &gone, nullptr);
      (void)surefoot::install();
      ::sigaction(SIGSEGV, &first, nullptr);
      ::mprotect(code.data(), memory::page_size, PROT_NONE);
      owner<0>::take(SIGSEGV);
      owner<0>::then = process::step_over;
      const int* const null = nullptr;
      *answered = surefoot::install() && !surefoot::try_load(null).ok();
      process::stray_load(nullptr);
      if (!surefoot::uninstall().segv) ::_exit(1);
      (void)surefoot::install();
    }
  });
  CHECK(*answered);
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 2);
}

TEST_CASE("a signal that comes by a registration of the other one reaches its own owner") {
  const bool registered = GENERATE(false, true);
  CAPTURE(registered);
  const process::shared<bool> given_back;
  const memory::pages bad{memory::kind::past_end_of_file};
  const process::ending end = process::run([&] {
    owner<1>::take(SIGBUS);
    owner<1>::then = process::step_over;
    (void)surefoot::install();
    displace<0>();  // SIGSEGV has two registrations now, and SIGBUS one
    const struct sigaction of_segv = process::disposition(SIGSEGV);
    if (registered) {
      ::sigaction(SIGBUS, &of_segv, nullptr);
    } else {
      owner<2>::take(SIGSEGV);
      owner<2>::take(SIGBUS);
      owner<2>::then = [](int signal, siginfo_t* info, void* ucontext) {
        owner<2>::before[0].sa_sigaction(signal, info, ucontext);
      };
    }
    process::stray_load(bad.data());
    *given_back = surefoot::uninstall().bus;
    process::stray_load(bad.data());
  });
  CHECK(*given_back == registered);
  CHECK(end.status == 0);
  CHECK(ledger[1].calls == 2);
}

TEST_CASE("what somebody put back after uninstall() is known for what it was") {
  const process::ending end = process::run([] {
    (void)surefoot::install();
    owner<0>::take(SIGSEGV);
    owner<0>::then = process::step_over;
    (void)surefoot::install();
    owner<1>::take(SIGSEGV);       // over the second registration
    owner<0>::give_back(SIGSEGV);  // the first one has the signal
    (void)surefoot::uninstall();
    (void)surefoot::install();
    displace<2>();
    owner<2>::give_back(SIGSEGV);  // it has gone
    owner<1>::give_back(SIGSEGV);  // and the second registration of then has the signal
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[2].calls == 0);
}

TEST_CASE("whoever has gone is not asked, however often signal() put us back since") {
  const process::ending end = process::run([] {
    stand_before_all();
    (void)surefoot::install();
    const auto come_and_go = []<std::size_t N>(std::integral_constant<std::size_t, N>) {
      displace<N>();
      ::signal(SIGSEGV, owner<N>::before[0].sa_handler);
      (void)surefoot::install();
    };
    come_and_go(std::integral_constant<std::size_t, 0>{});
    come_and_go(std::integral_constant<std::size_t, 1>{});
    come_and_go(std::integral_constant<std::size_t, 2>{});
    process::stray_load(nullptr);
  });
  CHECK(end.status == 42);
  for (std::size_t i = 0; i < 3; ++i) CHECK(ledger[i].calls == 0);
}

TEST_CASE("install() makes us whole also where fifteen owners are known") {
  const process::shared<bool> whole;
  const process::ending end = process::run([&] {
    (void)surefoot::install();  // displaces the default action
    displace_each(std::make_index_sequence<14>{});
    ::signal(SIGSEGV, process::disposition(SIGSEGV).sa_handler);
    *whole = surefoot::install() && both_installed();
  });
  CHECK(*whole);
  CHECK(end.status == 0);
}

TEST_CASE("an owner that has gone is not asked where we displaced the one in its place") {
  const bool anew = GENERATE(false, true);
  CAPTURE(anew);
  const process::ending end = process::run([&] {
    stand_before_all();
    (void)surefoot::install();
    displace<0>();
    if (anew) {
      displace<1>();
      owner<1>::give_back(SIGSEGV);  // it has gone: the second registration has the signal
      (void)surefoot::uninstall();
      (void)surefoot::install();
    } else {
      owner<0>::give_back(SIGSEGV);  // it has gone: the first registration has the signal
      displace<1>();
    }
    process::stray_load(nullptr);
  });
  CHECK(end.status == 42);
  CHECK(ledger[anew ? 1 : 0].calls == 0);
}

TEST_CASE("an owner that took the signals back from us is not asked a second time") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::step_over;
    (void)surefoot::install();
    displace<0>();
    owner<0>::take(SIGSEGV);
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 1);
}

TEMPLATE_TEST_CASE("an owner may borrow the signals over and over, as test runners do", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::shared<int> answered;
  const process::ending end = process::run([&] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::step_over;
    (void)surefoot::install();
    for (int test = 0; test < 100; ++test) {
      owner<0>::take(SIGSEGV);
      owner<0>::then = owner<0>::chain;
      if (test % 2 == 1) (void)surefoot::install();
      const int* const null = nullptr;
      if (!surefoot::try_load(null, TestType{}).ok()) ++*answered;
      owner<0>::give_back(SIGSEGV);
    }
    if (!both_installed()) ::_exit(1);
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(*answered == 100);
  CHECK(ledger[1].calls == 1);
}

namespace {

// What Catch2 does: it reports, once, and lets the owner before it have the signal.
void displace_one_that_sends_on() {
  (void)surefoot::install();
  owner<0>::take(SIGSEGV);
  owner<0>::then = [](int signal, siginfo_t*, void*) {
    owner<0>::give_back(signal);
    ::raise(signal);
  };
  (void)surefoot::install();
}

}  // namespace

TEST_CASE("an owner that restores us and sends the signal again has done with it") {
  const process::ending end = process::run([] {
    displace_one_that_sends_on();
    process::stray_load(nullptr);
  });
  CHECK(end.signal == SIGSEGV);
  CHECK(ledger[0].calls == 1);
}

TEST_CASE("what a displaced owner sends again comes to the one before it, where the fault was") {
  if (machine::is_user_mode_emulation())
    return memory::say_skipped("that a SIGSEGV which was raised while blocked waits");
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::step_over;
    displace_one_that_sends_on();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 1);
  CHECK(ledger[1].info.si_code == SI_TKILL);
  CHECK(ledger[1].pc == ledger[0].pc);
}

TEST_CASE("an owner that another one hands on to runs as that one does, however we came there") {
  for (const bool displaced : {false, true}) {
    INFO((displaced ? "we have the signals" : "the other one has the signals"));
    const process::ending end = process::run([&] {
      owner<1>::take(SIGSEGV, SA_SIGINFO | SA_RESETHAND, process::set_of({SIGUSR1}));
      owner<1>::then = process::step_over;
      (void)surefoot::install();
      owner<0>::take(SIGSEGV, SA_SIGINFO | SA_NODEFER);
      owner<0>::then = owner<0>::chain;
      if (displaced) (void)surefoot::install();
      process::stray_load(nullptr);
      process::stray_load(nullptr);
    });
    CHECK(end.status == 0);
    CHECK(ledger[1].calls == 2);
    // What qemu's user mode blocks in a handler on riscv64 is nothing that anybody asked for.
    if (machine::is_user_mode_emulation()) continue;
    CHECK(ledger[1].mask == ledger[0].mask);
    CHECK((ledger[1].mask & (surefoot::os::only(SIGUSR1) | surefoot::os::only(SIGSEGV))) == 0);
  }
}
