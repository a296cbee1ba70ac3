// An access inside a guard is its own business: the tables are asked before any guard.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

TEMPLATE_TEST_CASE("a fault of an access inside a guard fails the access, not the guarded code", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  for (const memory::kind k : {memory::kind::hole, memory::kind::past_end_of_file}) {
    const memory::pages land{k};
    const std::uint8_t* const p = land.data();
    const auto all = surefoot::guarded(
        [p]() noexcept { return surefoot::try_load<std::uint64_t>(p, TestType{}).stopped_by; });
    REQUIRE(all.ok());
    CHECK(all.value() == memory::fault_of(k, surefoot::access_kind::read, p));
  }
}

TEST_CASE("a report that does not fit an access inside a guard is not for the guard either") {
#if SUREFOOT_HAS_TABLE
  if (!process::absent_page::offered()) return;
  process::check_forwarded(
      process::interrupt_by(
          [](const std::uint8_t* p) { return process::notice(SIGSEGV, SEGV_MAPERR, p + 8); },
          [](const std::uint8_t* p) {
            const auto all = surefoot::guarded([p]() noexcept {
              return surefoot::try_load<std::uint64_t>(p, surefoot::engine::table{}).value_or(0);
            });
            return all;
          }),
      0x5a5a5a5a5a5a5a5a);
#else
  memory::say_skipped("engine::table");
#endif
}
