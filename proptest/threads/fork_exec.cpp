// Forks, in guards and beside threads that fault, and programs that are executed.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "ground.hpp"

namespace {

using process::shared;

constexpr const char* executed = "SUREFOOT_TEST_IS_EXECUTED";
constexpr const char* name_of_executed =
    "a program that a child of vfork() executes has default dispositions and its parent lives on";

}  // namespace

TEST_CASE("after a fork in a guarded section both processes go on in it, and behind it") {
  const threads::ground land;
  const shared<std::array<int, 2>> wrong;
  *wrong = {-1, -1};
  const process::ending end = process::run([&] {
    static pid_t child;
    const auto met = surefoot::guarded([&land]() noexcept {
      child = ::fork();
      return land.wrong_answers(3);  // in the guard
    });
    int count = met.ok() ? met.value() : 1000;
    count += surefoot::exchange_guard({}).innermost != nullptr;
    count += land.wrong_answers(4);
    // Another one, which the child makes of its own.
    if (child == 0)
      count += process::wait_for(process::start([&] { ::_exit(land.wrong_answers(5)); })).status;
    (*wrong)[child == 0] = count;
    if (child != 0) ::_exit(process::wait_for(child).status);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK((*wrong)[0] == 0);
  CHECK((*wrong)[1] == 0);
}

// What the other threads were doing just then is not there in the child.
TEST_CASE("a child of a process whose threads all fault uses the library, and they go on") {
  const threads::ground land;
  struct seen {
    int children_well;
    int wrong;
  };
  constexpr int threads_that_fault = 4;
  const int forks = build::is_slow ? 10 : 100;
  const shared<seen> found;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    std::atomic<bool> over = false;
    std::atomic<int> wrong = 0;
    std::array<std::atomic<int>, threads_that_fault> rounds{};
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < threads_that_fault; ++i)
      all.emplace_back([&, i] {
        while (!over) {
          wrong += land.wrong_answers(1 + i);
          ++rounds[i];
        }
      });
    for (int i = 0; i < forks; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        const bool well = land.wrong_answers(9) == 0 && surefoot::installed().both() &&
                          surefoot::guarded([&land]() noexcept { return land.wrong_answers(2); }) ==
                              surefoot::result<int>(0);
        ::_exit(well ? 0 : 1);
      }
      found->children_well += process::wait_for(child).status == 0;
      found->wrong += land.wrong_answers(10);
    }
    // Each goes on after the last one: else this waits for ever.
    for (std::size_t i = 0; i < threads_that_fault; ++i)
      for (const int before = rounds[i]; rounds[i] < before + 2;) std::this_thread::yield();
    over = true;
    for (std::thread& each : all) each.join();
    found->wrong += wrong;
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK(found->children_well == forks);
  CHECK(found->wrong == 0);
}

TEST_CASE(
    "a program that a child of vfork() executes has default dispositions and its parent lives on") {
  const threads::ground land;
  if (std::getenv(executed) != nullptr) {
    // The program. A sanitizer has taken its signals before anybody else.
    CHECK_FALSE(surefoot::installed().segv);
    CHECK_FALSE(surefoot::installed().bus);
    if (!build::is_sanitized)
      for (const int signal : process::signals_taken)
        CHECK(process::disposition(signal).sa_handler == SIG_DFL);
    CHECK((process::blocked_now() & (surefoot::os::only(SIGSEGV) | surefoot::os::only(SIGBUS))) ==
          0);
    CHECK(land.wrong_answers(6) == 0);
    CHECK(surefoot::installed().both());
    return;
  }
  if (machine::is_user_mode_emulation())
    return memory::say_skipped("a kernel that executes programs of this machine");
  struct seen {
    int wrong_in_child, wrong_in_parent;
    process::ending program;
  };
  const shared<seen> found;
  found->wrong_in_child = -1;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    ::setenv(executed, "1", 1);
    const pid_t child = ::vfork();
    if (child == 0) {
      // On its parent's memory and stack, until it executes.
      found->wrong_in_child = land.wrong_answers(7);
      ::execl("/proc/self/exe", "threads", name_of_executed, "--warn", "NoTests", nullptr);
      ::_exit(99);
    }
    found->wrong_in_parent = land.wrong_answers(8);
    found->wrong_in_parent += !surefoot::installed().both();
    found->wrong_in_parent += surefoot::exchange_guard({}).innermost != nullptr;
    found->program = process::wait_for(child);
    found->wrong_in_parent += land.wrong_answers(9);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK(found->wrong_in_child == 0);
  CHECK(found->wrong_in_parent == 0);
  CHECK(found->program.signal == 0);
  CHECK(found->program.status == 0);
}
