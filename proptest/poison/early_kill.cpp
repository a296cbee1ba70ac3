// BUS_MCEERR_AO: the kernel tells a process early (PR_MCE_KILL_EARLY) that memory of its own is broken,
// whatever it is doing. Nobody touched it yet, so it is nobody's fault.
#include <sys/prctl.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "../unit/process.hpp"
#include "poisoned.hpp"

namespace {

using memory::page_size;
using surefoot::access_kind;

// What a process was doing when it was told.
struct told {
  const std::uint8_t* page = nullptr;
  std::atomic<unsigned long> rounds = 0;
};

// Runs busy(shared page, other memory, over) in a child that has asked to be told early. Another process,
// which shares the page, breaks it meanwhile; busy returns once over() says that the child was told.
template <class Busy>
void check_only_the_owner_hears(Busy busy) {
  const process::shared<told> seen;
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGBUS);
    (void)surefoot::install();
    memory::require(::prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0,
                    "PR_MCE_KILL");
    std::uint8_t* const page = poisoned::shared_anonymous.make().begin;
    std::uint8_t* const other = poisoned::anonymous.make().begin;
    memory::fill(page, page_size);
    memory::fill(other, page_size);
    seen->page = page;

    const pid_t breaker = ::fork();
    if (breaker == 0) {
      while (seen->rounds == 0) ::usleep(1000);
      ::usleep(20'000);
      poisoned::break_page(page);
      ::_exit(0);
    }
    told* const out = &*seen;
    busy(page, other, [out]() noexcept {
      ++out->rounds;
      return *const_cast<volatile int*>(&process::ledger[0].calls) != 0;
    });
    if (process::wait_for(breaker).status != 0) ::_exit(1);
    // Who touches it now meets it.
    if (surefoot::try_load(page + 7).stopped_by !=
        poisoned::fault_of<surefoot::engine::standard>(access_kind::read, page + 7))
      ::_exit(3);
  });
  CHECK(end.status == 0);
  const process::delivery& heard = process::ledger[0];
  CHECK(heard.calls == 1);
  CHECK(heard.info.si_code == BUS_MCEERR_AO);
  CHECK(heard.info.si_addr == seen->page);
  CHECK(heard.info.si_addr_lsb == 12);
}

}  // namespace

TEMPLATE_TEST_CASE("early word of poison is no fault of an access to other memory", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  check_only_the_owner_hears([](std::uint8_t*, std::uint8_t* other, auto over) {
    static std::uint8_t to[page_size];
    while (!over()) {
      bool fine = surefoot::try_copy(to, other, sizeof to, TestType{}).all();
      fine =
          fine && surefoot::ensure_writeable(other, page_size, TestType{}) == surefoot::verdict{};
      for (std::size_t i = 0; i < 64; ++i)
        fine = fine && surefoot::try_load(other + i, TestType{}).ok();
      if (!fine) ::_exit(2);
    }
  });
}

TEMPLATE_TEST_CASE("early word of poison that comes in the middle of an access does not end it", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!poisoned::offered() || !process::absent_page::offered()) return;
  check_only_the_owner_hears([](std::uint8_t*, std::uint8_t*, auto over) {
    const process::absent_page held;
    const auto load = [&] {
      return surefoot::try_load(reinterpret_cast<const std::uint32_t*>(held.data()), TestType{});
    };
    const auto wait = [&](pid_t, const std::atomic<bool>& is_done) {
      while (!over() && !is_done) ::usleep(1000);
    };
    if (process::hold(held, load, wait).value_or(0) != 0x5a5a5a5a) ::_exit(2);
  });
}

TEST_CASE(
    "early word of poison is no fault of guarded code, also where the guard is for that memory") {
  if (!poisoned::offered()) return;
  check_only_the_owner_hears([](std::uint8_t*, std::uint8_t*, auto over) {
    const auto waits = [=]() noexcept {
      while (!over()) {
      }
    };
    if (!surefoot::guarded(waits).ok()) ::_exit(2);
  });
  check_only_the_owner_hears([](std::uint8_t* page, std::uint8_t*, auto over) {
    const auto waits = [=]() noexcept {
      while (!over()) {
      }
    };
    if (!surefoot::guarded(page, page_size, waits).ok()) ::_exit(2);
  });
}
