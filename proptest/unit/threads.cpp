// Faults of many threads at once, in signal handlers, and on both sides of a fork.
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "engines.hpp"
#include "process.hpp"

namespace {

using process::shared;

// A jump is slow under a sanitizer, which walks the mappings at each.
constexpr int faults_each = build::is_slow ? 500 : 10'000;

}  // namespace

TEMPLATE_TEST_CASE("four threads that fault all the time get their own answers", "",
                   SUREFOOT_ALL_ENGINES) {
  const std::vector<memory::kind> row{memory::kind::good, memory::kind::hole, memory::kind::good,
                                      memory::kind::past_end_of_file};
  const memory::pages land(row);
  const shared<std::array<int, 4>> right;
  const process::ending end = process::run([&] {
    std::vector<std::thread> all;
    for (std::size_t number = 0; number < 4; ++number)
      all.emplace_back([&, number] {
        // Each thread has its own distance to the bad page, and every other another kind of page.
        const std::size_t page = number % 2 == 0 ? 1 : 3;
        const std::size_t good = 3 + 17 * number;
        const std::uint8_t* const from = land.page(page) - good;
        for (int i = 0; i < faults_each; ++i) {
          std::uint8_t to[128];
          const surefoot::progress p = surefoot::try_copy(to, from, sizeof to, TestType{});
          if (p == memory::stopped<TestType>(good, sizeof to, row[page],
                                             surefoot::access_kind::read, land.page(page)) &&
              std::memcmp(to, from, good) == 0)
            ++(*right)[number];
        }
      });
    for (std::thread& t : all) t.join();
  });
  CHECK(end.status == 0);
  for (const int count : *right) CHECK(count == faults_each);
}

namespace {

// Faults with both engines, and in a guard; counts what was answered.
std::uint8_t* bad = nullptr;
int* answered = nullptr;
void fault_in_a_handler(const siginfo_t&) {
  if (!surefoot::try_load<int>(bad, surefoot::engine::table{}).ok()) ++*answered;
  if (!surefoot::try_load<int>(bad, surefoot::engine::jump{}).ok()) ++*answered;
  if (!surefoot::guarded([]() noexcept { process::stray_load(bad); }).ok()) ++*answered;
}

// Interrupts `access`, which has to touch the page and to say whether all went well, in its middle.
template <class Access>
void check_interrupted(Access access) {
  const memory::pages land{memory::kind::no_access};
  const shared<int> counted;
  const shared<bool> fine;
  bad = land.data();
  answered = &*counted;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    // In the handler SIGSEGV is blocked: this is about code that unblocks it, as it has to.
    const process::absent_page page;
    *fine = process::interrupt(
        page, [&] { return access(page.data()); },
        [](const siginfo_t& none) {
          (void)surefoot::ready_this_thread();
          fault_in_a_handler(none);
        });
  });
  CHECK(end.status == 0);
  CHECK(*counted == 3);
  CHECK(*fine);
}

}  // namespace

TEMPLATE_TEST_CASE("a fault in a signal handler leaves the copy alone that it interrupted", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  check_interrupted([](const std::uint8_t* p) {
    std::uint8_t to[1000];
    if (!surefoot::try_copy(to, p, sizeof to, TestType{}).all()) return false;
    for (const std::uint8_t byte : to)
      if (byte != process::filling) return false;
    return true;
  });
}

TEST_CASE("a fault in a signal handler leaves the guard alone that it interrupted") {
  if (!process::absent_page::offered()) return;
  check_interrupted([](const std::uint8_t* p) {
    const auto all = surefoot::guarded([p]() noexcept {
      const int loaded = *static_cast<const volatile std::uint8_t*>(p);
      process::stray_load(bad);
      return loaded;
    });
    return !all.ok() && all.stopped_by.address == bad;
  });
}

TEST_CASE("a fork inside a guard leaves both processes in it") {
  const shared<std::array<int, 2>> faulted;
  const process::ending end = process::run([&] {
    static pid_t child;
    const bool came_back = surefoot::guarded([]() noexcept {
                             child = ::fork();
                             process::stray_load(nullptr);
                           }).ok();
    (*faulted)[child == 0] = came_back ? 0 : 1;
    if (child != 0) ::_exit(process::wait_for(child).status);
  });
  CHECK(end.status == 0);
  CHECK((*faulted)[0] == 1);
  CHECK((*faulted)[1] == 1);
}
