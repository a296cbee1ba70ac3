// A thread that blocks all signals: it is told so, it can be made ready, and one engine needs none.
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <thread>

#include "../every_verb.hpp"
#include "ground.hpp"

namespace {

using process::shared;

// Runs body() on a thread that blocks all signals from its first instruction on, as libraries start theirs.
template <class Body>
void run_blocked(Body body) {
  const surefoot::os::signal_mask before = surefoot::os::block(~surefoot::os::signal_mask{0});
  std::thread one(body);
  surefoot::os::set_mask(before);
  one.join();
}

constexpr surefoot::os::signal_mask both = surefoot::os::only(SIGSEGV) | surefoot::os::only(SIGBUS);

}  // namespace

TEST_CASE(
    "ready_this_thread() says what a thread blocks that was started with all signals blocked") {
  struct seen {
    surefoot::for_each_signal first, second, of_another;
    surefoot::os::signal_mask before, after;
    int wrong;
  };
  const threads::ground land;
  const shared<seen> found;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    run_blocked([&] {
      found->before = process::blocked_now();
      found->first = surefoot::ready_this_thread();
      found->second = surefoot::ready_this_thread();
      found->wrong = land.wrong_answers(19);
      found->after = process::blocked_now();
      // Of this thread only; and one that it starts has what it has.
      run_blocked([&] { found->of_another = surefoot::ready_this_thread(); });
      std::thread([&] { found->wrong += land.wrong_answers(20); }).join();
    });
    found->wrong += land.wrong_answers(21);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK((found->before & both) == both);
  CHECK(found->first == surefoot::for_each_signal{true, true});
  CHECK(found->second == surefoot::for_each_signal{false, false});
  CHECK(found->of_another == surefoot::for_each_signal{true, true});
  CHECK(found->after == (found->before & ~both));
  CHECK(found->wrong == 0);
}

TEST_CASE(
    "each verb of the kernel engine works on a thread that blocks all signals, and leaves them "
    "so") {
  if (machine::is_user_mode_emulation()) return memory::say_skipped("process_vm_readv()");
  for (const memory::kind k : {memory::kind::no_access, memory::kind::past_end_of_file}) {
    struct seen {
      int answers, wrong;
      surefoot::os::signal_mask before, after;
    };
    const every_verb::bad_page land(k);
    const shared<seen> found;
    const process::ending end = process::run([&] {
      run_blocked([&] {
        found->before = process::blocked_now();
        every_verb::at_the_edges<surefoot::engine::kernel>(land, [&](const char*, bool fine) {
          ++found->answers;
          found->wrong += !fine;
        });
        found->after = process::blocked_now();
      });
    });
    CHECK(end.signal == 0);  // SIGSEGV, SIGBUS: it needed one
    CHECK(end.status == 0);
    CHECK(found->answers > 100);
    CHECK(found->wrong == 0);
    CHECK((found->before & both) == both);
    CHECK(found->after == found->before);
  }
}

TEMPLATE_TEST_CASE(
    "a fault on a thread that blocks all signals ends the process, as it would without us", "",
    SUREFOOT_SIGNAL_ENGINES) {
  const threads::ground land;
  const shared<bool> came_back;
  const process::ending end = process::run([&] {
    run_blocked([&] {
      (void)surefoot::try_load<int>(land.bad(0), TestType{});
      *came_back = true;
    });
  });
  CHECK(end.signal == SIGSEGV);
  CHECK_FALSE(*came_back);
}
