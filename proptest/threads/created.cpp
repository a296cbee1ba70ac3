// Threads from before install() and from after it, and a thousand that live for a moment.
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <ostream>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "ground.hpp"

namespace {

using process::shared;

// Threads that each look for wrong answers once in each phase from the one in which they begin.
class crew {
 public:
  static constexpr int phases = 4;

  explicit crew(const threads::ground& land) : land_(land) {}
  void hire(int first_phase) {
    for (int i = 0; i < 4; ++i)
      all_.emplace_back([this, first_phase, good = all_.size() + 1] {
        for (int phase = first_phase; phase < phases; ++phase) {
          while (now_ < phase) std::this_thread::yield();
          wrong_ += land_.wrong_answers(good);
          ++done_;
        }
      });
  }
  // Lets them all do this phase; how many answers were wrong?
  int work(int phase) {
    done_ = wrong_ = 0;
    now_ = phase;
    while (done_ < static_cast<int>(all_.size())) std::this_thread::yield();
    return wrong_;
  }
  void dismiss() {
    for (std::thread& each : all_) each.join();
  }

 private:
  const threads::ground& land_;
  std::vector<std::thread> all_;
  std::atomic<int> now_ = -1, done_ = 0, wrong_ = 0;
};

}  // namespace

TEST_CASE("threads created before install() and after it get their own answers") {
  const threads::ground land;
  const shared<std::array<int, crew::phases>> wrong;
  for (int& each : *wrong) each = -1;
  const process::ending end = process::run([&] {
    crew all(land);
    all.hire(0);
    (void)surefoot::install();
    (*wrong)[0] = all.work(0);
    all.hire(1);
    (*wrong)[1] = all.work(1);
    // Given back, it is installed by whoever comes first.
    (void)surefoot::uninstall();
    all.hire(2);
    (*wrong)[2] = all.work(2);
    // Another owner has taken the signals meanwhile.
    for (const int signal : process::signals_taken) process::owner<>::take(signal);
    (void)surefoot::install();
    all.hire(3);
    (*wrong)[3] = all.work(3);
    all.dismiss();
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  for (const int each : *wrong) CHECK(each == 0);
  CHECK(process::ledger[0].calls == 0);
}

namespace {

// What a process holds.
struct holdings {
  std::size_t mappings = 0;
  std::size_t bytes_mapped = 0;
  std::size_t bytes_allocated = 0;
  std::size_t descriptors = 0;
  std::size_t threads = 0;

  static holdings now() {
    holdings h;
    memory::require(surefoot::os::each_mapping([&h](const surefoot::os::mapping& m) {
                      ++h.mappings;
                      h.bytes_mapped += m.end - m.first;
                      return true;
                    }),
                    "/proc/self/maps");
    h.bytes_allocated = ::mallinfo2().uordblks;
    h.descriptors = process::open_descriptors();
    h.threads = process::count_of("/proc/self/task");
    return h;
  }
  friend bool operator==(const holdings&, const holdings&) = default;
  friend std::ostream& operator<<(std::ostream& to, const holdings& h) {
    return to << h.mappings << " mappings of " << h.bytes_mapped << " bytes, " << h.bytes_allocated
              << " bytes allocated, " << h.descriptors << " descriptors, " << h.threads
              << " threads";
  }
};

}  // namespace

TEST_CASE("a thousand short-lived threads, hundreds at once, fault and leave nothing behind") {
  struct seen {
    int wrong;
    std::size_t alone;
    holdings before, after;
  };
  const threads::ground land;
  const shared<seen> found;
  // As many at once as the machine bears; a sanitizer's threads are large.
  constexpr int at_once = build::is_sanitized ? 50 : 250;
  constexpr int waves = 1000 / at_once;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    std::atomic<int> there = 0, wrong = 0;
    const auto body = [&] {
      // Each faults while all of them are there.
      const int number = ++there;
      while (there < at_once) std::this_thread::yield();
      wrong += land.wrong_answers(1 + static_cast<std::size_t>(number) % threads::ground::most);
    };
    // All stacks of a wave are kept by libc for the next one.
    const auto wave = [&] {
      there = 0;
      std::vector<pthread_t> all(at_once);
      for (pthread_t& each : all) each = threads::start(body, 128 * 1024);
      for (const pthread_t each : all) ::pthread_join(each, nullptr);
    };
    // A thread that was joined may still be on its way out: the kernel says so a moment before. And TSan begins one
    // of its own.
    const std::size_t alone = process::count_of("/proc/self/task") + build::is_thread_sanitized;
    const auto settled = [alone] {
      for (int i = 0; i < 10'000 && process::count_of("/proc/self/task") > alone; ++i)
        ::usleep(1000);
      return holdings::now();
    };
    wave();  // what libc keeps
    found->before = settled();
    for (int i = 0; i < waves; ++i) wave();
    found->after = settled();
    found->alone = alone;
    found->wrong = wrong;
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK(found->wrong == 0);
  CHECK(found->after.threads >= 1);
  CHECK(found->after.threads <= found->alone);
  CHECK(found->after.descriptors == found->before.descriptors);
  // A sanitizer keeps what it knows of threads that have ended.
  if (build::is_sanitized) return memory::say_skipped("a build without a sanitizer");
  CHECK(found->after == found->before);
}
