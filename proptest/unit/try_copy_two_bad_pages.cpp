// An access that crosses from one bad page into another may be refused by either; which of them is
// reported is the machine's choice (this one's always is the first). So the report about the second
// is made up here, and given to what turns reports into answers.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::progress;
using surefoot::engine::standard;
namespace arch = surefoot::arch;
namespace detail = surefoot::engine::detail;
namespace signals = surefoot::signals;

constexpr std::size_t width = 16;

// What the handler hands over where an access met the page at `at`, without permission.
arch::trap denied_at(const std::uint8_t* at) {
  siginfo_t info{};
  info.si_code = SEGV_ACCERR;
  info.si_addr = const_cast<std::uint8_t*>(at);
  return {signals::pack(SIGSEGV, info), reinterpret_cast<std::uintptr_t>(at)};
}

#if SUREFOOT_HAS_TABLE
// The answer to a copy of one register whose access on the side of `during` was refused by the page
// at `at`.
progress settle(std::uint8_t* dst, const std::uint8_t* src, access_kind during,
                const std::uint8_t* at) {
  return detail::settle_copy(
      dst, src, width, {0, width, during}, denied_at(at),
      [=](std::size_t from, std::size_t to, detail::place& now, arch::trap& met) noexcept {
        return detail::walk_bytes<true>(dst, src, from, to, now, met);
      });
}

#endif

TEST_CASE("a scan that was refused by the second page it crosses into asks the first as well") {
  (void)surefoot::install();
  for (const kind first : {kind::hole, kind::past_end_of_file, kind::good}) {
    const memory::pages land{first, kind::no_access};
    for (std::size_t before = 1; before < width; ++before) {
      std::uint8_t* const p = land.page(1) - before;
      const progress met =
          detail::settle_scan<access_kind::read>(standard{}, p, width, 0, denied_at(land.page(1)));
      CHECK(met == (first == kind::good ? memory::stopped(before, width, kind::no_access,
                                                          access_kind::read, land.page(1))
                                        : memory::stopped(0, width, first, access_kind::read, p)));
    }
  }
}

TEST_CASE(
    "a copy that was refused by the second page it crosses into stops in the first, if that is "
    "bad") {
#if SUREFOOT_HAS_TABLE
  (void)surefoot::install();
  const memory::pages fine{kind::good};
  for (const kind first : {kind::hole, kind::past_end_of_file, kind::good}) {
    const memory::pages land{first, kind::no_access};
    for (const access_kind during : {access_kind::read, access_kind::write})
      for (std::size_t before = 1; before < width; ++before) {
        std::uint8_t* const p = land.page(1) - before;
        const bool reading = during == access_kind::read;
        const progress met = reading ? settle(fine.data(), p, during, land.page(1))
                                     : settle(p, fine.data(), during, land.page(1));
        CHECK(met == (first == kind::good
                          ? memory::stopped(before, width, kind::no_access, during, land.page(1))
                          : memory::stopped(0, width, first, during, p)));
        CHECK(fine.intact(fine.data(), reading ? met.done : 0));
        memory::fill(fine.data(), width);
        if (first == kind::good) memory::fill(p, before);
      }
  }
#else
  memory::say_skipped("engine::table");
#endif
}

}  // namespace
