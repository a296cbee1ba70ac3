// Cancellation: no primitive is a point at which a thread is cancelled, and one that is leaves nothing behind.
// (One that may be cancelled at any moment: cancelled_anywhere.cpp.)
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <thread>

#include "../every_verb.hpp"
#include "../seccomp.hpp"
#include "ground.hpp"

namespace {

using process::shared;

bool was_cancelled(pthread_t thread) {
  void* result = nullptr;
  memory::require(::pthread_join(thread, &result) == 0, "pthread_join");
  return result == PTHREAD_CANCELED;
}

// Runs body() on a thread that is cancelled when it next comes to a point where it may be: did it come to the
// end of body() first?
template <class Body>
bool runs_to_its_end(Body body) {
  bool ended = false;
  const auto all = [&] {
    ::pthread_cancel(::pthread_self());
    body();
    ended = true;
    ::pthread_testcancel();
  };
  return was_cancelled(threads::start(all, 1 << 20)) && ended;
}

constexpr int all_well = 0;
constexpr int wrong_answer = 1;
constexpr int no_filter = 77;

}  // namespace

TEMPLATE_TEST_CASE("no verb is a point at which a thread is cancelled", "", SUREFOOT_ALL_ENGINES) {
  if (memory::without_signals<TestType> && machine::is_user_mode_emulation())
    return memory::say_skipped("process_vm_readv()");
  const every_verb::bad_page land(memory::kind::no_access);
  const shared<int> answers;
  const process::ending end = process::run([&] {
    bool well = true;
    const bool ended = runs_to_its_end([&] {
      every_verb::at_the_edges<TestType>(land, [&](const char*, bool fine) {
        ++*answers;
        well = well && fine;
      });
    });
    ::_exit(ended && well ? all_well : wrong_answer);
  });
  CHECK(end.signal == 0);  // SIGABRT: it was unwound through what is noexcept
  CHECK(end.status == all_well);
  CHECK(*answers > 100);
}

TEST_CASE("heal() is no point at which a thread is cancelled") {
  const memory::pages land{memory::kind::good, memory::kind::past_end_of_file};
  const process::ending end = process::run([&] {
    bool well = false;
    const bool ended =
        runs_to_its_end([&] { well = surefoot::heal(land.page(1), memory::page_size).ok(); });
    ::_exit(ended && well && land.page(1)[0] == 0 ? all_well : wrong_answer);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}

// Where the kernel refuses PROCMAP_QUERY, or does not know it (before Linux 6.11), the mappings are read.
TEMPLATE_TEST_CASE("many holes are no point at which a thread is cancelled", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  constexpr std::size_t holes = 100;
  memory::pages land(std::vector<memory::kind>(holes, memory::kind::no_access));
  const process::ending end = process::run([&] {
    std::size_t bad = 0;
    if (!seccomp::answer({SYS_ioctl}, SECCOMP_RET_ERRNO | EPERM)) ::_exit(no_filter);
    const bool ended = runs_to_its_end([&] {
      bad = surefoot::find_holes(
                land.data(), land.size(),
                [](const surefoot::fault&, std::size_t, std::size_t) noexcept {}, TestType{})
                .bad;
    });
    ::_exit(ended && bad == land.size() ? all_well : wrong_answer);
  });
  if (end.status == no_filter) return memory::say_skipped("seccomp filters");
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}

TEST_CASE("a thread that is cancelled between its faults leaves nothing to the others") {
  const threads::ground land;
  const process::ending end = process::run([&] {
    std::atomic<int> wrong = 0;
    std::atomic<bool> over = false;
    // Goes on with its own faults all the time.
    std::thread other([&] {
      while (!over) wrong += land.wrong_answers(7);
    });
    const surefoot::os::signal_mask before = process::blocked_now();
    bool all_cancelled = true;
    for (int i = 0; i < (build::is_slow ? 5 : 20); ++i) {
      std::atomic<int> rounds = 0;
      const auto body = [&] {
        for (;;) {
          wrong += land.wrong_answers(13);
          ++rounds;
          ::pthread_testcancel();
        }
      };
      const pthread_t thread = threads::start(body, 1 << 20);
      while (rounds < i % 5) std::this_thread::yield();
      ::pthread_cancel(thread);
      all_cancelled = all_cancelled && was_cancelled(thread);
    }
    over = true;
    other.join();
    wrong += land.wrong_answers(9);
    const bool well = all_cancelled && wrong == 0 && process::blocked_now() == before &&
                      surefoot::exchange_guard({}).innermost == nullptr;
    ::_exit(well ? all_well : wrong_answer);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}

// What is guarded must not be cancelled (guarded.hpp): it must not come to such a point, and then it is not.
TEST_CASE("a thread that is cancelled while it guards code is so behind the guard") {
  const threads::ground land;
  const process::ending end = process::run([&] {
    bool took_its_fault = false;
    const bool ended = runs_to_its_end([&] {
      std::uint8_t* const bad = land.bad(3);
      const auto met = surefoot::guarded([&land, bad]() noexcept {
        // A fault and a guard in it, too.
        if (land.wrong_answers(5) == 0) process::stray_load(bad);
      });
      took_its_fault = met.stopped_by.address == bad;
    });
    ::_exit(ended && took_its_fault && land.wrong_answers(9) == 0 ? all_well : wrong_answer);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}
