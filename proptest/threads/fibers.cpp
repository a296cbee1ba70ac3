// Fibers: each takes its guards along, wherever it goes on.
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <surefoot/surefoot.hpp>
#include <thread>

#include "ground.hpp"

namespace {

using memory::kind;

// Code on a stack of its own, with its own chain of guards.
class fiber {
 public:
  explicit fiber(void (*body)()) : stack_(256 * 1024), code_(stack_.begin(), stack_.size(), body) {}

  // Runs it until it next calls leave(), on whatever thread this is.
  void enter() {
    outside_ = surefoot::exchange_guard(inside_);
    code_.enter();
    inside_ = surefoot::exchange_guard(outside_);
  }
  void leave() { code_.leave(); }

  bool is_in_a_guard() const { return inside_.innermost != nullptr; }

 private:
  process::stack stack_;
  process::fiber code_;
  surefoot::guard_chain inside_{}, outside_{};
};

// What a fiber's body() can know, since it has no argument.
thread_local std::size_t current;
struct shop {
  static inline std::array<fiber*, 8> all{};
  static inline const memory::pages* land = nullptr;
  static inline std::array<int, 8> right{}, wrong{};

  static void leave(std::size_t self) { all[self]->leave(); }
  // Each fiber, at each step, has a bad byte of its own.
  static std::uint8_t* bad(std::size_t self, std::size_t step) { return land->page(self) + step; }
};

// Leaves at every point where there is another guard, or one less, and faults in some of them.
[[noreturn]] void guard_and_leave() {
  const std::size_t self = current;
  for (;;) {
    volatile int caught = 0;
    const auto outer = surefoot::guarded([self, &caught]() noexcept {
      shop::leave(self);
      const auto inner = surefoot::guarded(shop::bad(self, 0), 64, [self]() noexcept {
        shop::leave(self);
        // An access of its own, in between.
        if (surefoot::try_load(shop::bad(self, 1)).stopped_by.address != shop::bad(self, 1)) return;
        shop::leave(self);
        process::stray_load(shop::bad(self, 2));
      });
      if (inner.stopped_by.address == shop::bad(self, 2)) caught = caught + 1;
      shop::leave(self);
      const auto no_fault = surefoot::guarded([self]() noexcept { shop::leave(self); });
      if (no_fault.ok()) caught = caught + 1;
      shop::leave(self);
      // Not the inner one's, which has been left.
      process::stray_load(shop::bad(self, 3));
    });
    const bool well = caught == 2 && outer.stopped_by.address == shop::bad(self, 3);
    ++(well ? shop::right : shop::wrong)[self];
    shop::leave(self);
  }
}

// Runs n fibers, in random order, each on whatever thread run(fiber) chooses, until each has come round this
// often.
template <class Run>
bool all_come_round(std::size_t n, int rounds, Run run) {
  const memory::pages land(std::vector<kind>(n, kind::hole));
  shop::land = &land;
  for (std::size_t i = 0; i < n; ++i) shop::all[i] = new fiber(guard_and_leave);
  std::minstd_rand chance(1);
  const std::span right(shop::right.data(), n), wrong(shop::wrong.data(), n);
  const auto least = [right] { return *std::min_element(right.begin(), right.end()); };
  const auto bad = [wrong] { return *std::max_element(wrong.begin(), wrong.end()); };
  while (least() < rounds && bad() == 0) {
    const std::size_t next = chance() % n;
    run(next, [next] {
      current = next;
      shop::all[next]->enter();
    });
  }
  return bad() == 0;
}

// A thread that runs what it is given, until it is over.
class worker {
 public:
  worker() : thread_([this] { work(); }) {}
  ~worker() {
    run(nullptr);
    thread_.join();
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  void run(const std::function<void()>& task) {
    task_ = &task;
    while (task_ != nullptr) std::this_thread::yield();
  }

 private:
  void work() {
    for (bool over = false; !over; task_ = nullptr) {
      while (task_ == nullptr) std::this_thread::yield();
      const std::function<void()>& task = *task_.load();
      over = task == nullptr;
      if (!over) task();
    }
  }

  std::atomic<const std::function<void()>*> task_ = nullptr;
  std::thread thread_;
};

}  // namespace

TEST_CASE("eight fibers that leave each other in guards catch their own faults") {
  if (build::is_thread_sanitized) return memory::say_skipped("a build without TSan");
  const process::ending end = process::run([] {
    const bool well =
        all_come_round(8, build::is_slow ? 5 : 200, [](std::size_t, auto go_on) { go_on(); });
    ::_exit(well && surefoot::exchange_guard({}).innermost == nullptr ? 0 : 1);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
}

// A scheduler with several threads: what is entered on one goes on, and faults, on another.
TEST_CASE("a fiber that goes on on another thread takes its guards there") {
  // TSan is to be told of fibers; ASan's jump looks for the stack that the thread began with.
  if (build::is_sanitized) return memory::say_skipped("a build without a sanitizer");
  const process::ending end = process::run([] {
    std::array<worker, 3> workers;
    std::minstd_rand chance(2);
    bool well = all_come_round(3, build::is_slow ? 2 : 20, [&](std::size_t, auto go_on) {
      const std::size_t where = chance() % 4;
      if (where == 3) return go_on();
      workers[where].run(go_on);
    });
    // No thread has kept one.
    for (worker& each : workers)
      each.run([&well] { well = well && surefoot::exchange_guard({}).innermost == nullptr; });
    ::_exit(well && surefoot::exchange_guard({}).innermost == nullptr ? 0 : 1);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
}

TEST_CASE(
    "a fiber that leaves its guard on another thread leaves the guards of both threads alone") {
  if (build::is_sanitized) return memory::say_skipped("a build without a sanitizer");
  struct part {
    static void body() {
      const bool well = surefoot::guarded([]() noexcept { shop::leave(0); }).ok();
      ++(well ? shop::right : shop::wrong)[0];
      shop::leave(0);
    }
  };
  const memory::pages land{kind::hole};
  const process::ending end = process::run([&] {
    shop::all[0] = new fiber(part::body);
    shop::all[0]->enter();  // into its guard
    const bool was_in_it = shop::all[0]->is_in_a_guard();
    // While this thread is in a guard of its own, the fiber's ends elsewhere.
    static bool is_in_it = true, other_is_in_one = true;
    std::uint8_t* const bad = land.data();
    const auto own = surefoot::guarded([bad]() noexcept {
      std::thread([] {
        shop::all[0]->enter();
        is_in_it = shop::all[0]->is_in_a_guard();
        other_is_in_one = surefoot::exchange_guard({}).innermost != nullptr;
      }).join();
      process::stray_load(bad);
    });
    ::_exit(was_in_it && !is_in_it && !other_is_in_one && shop::right[0] == 1 &&
                    own.stopped_by.address == bad
                ? 0
                : 1);
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
}
