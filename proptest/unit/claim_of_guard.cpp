// Which signals a guard takes: the same code is held at a plain load in a guard, and a report comes
// that is right but for one rule.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "process.hpp"

namespace {

using process::from_access;
using process::notice;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;

using report = siginfo_t (*)(const std::uint8_t* p);

constexpr std::uint64_t filled = 0x5a5a5a5a5a5a5a5a;

std::uint64_t plain_load(const std::uint8_t* p) noexcept {
  return *reinterpret_cast<const volatile std::uint64_t*>(p);
}
auto guarded_load(const std::uint8_t* p) {
  return surefoot::guarded([p]() noexcept { return plain_load(p); });
}
auto load_in_range(const std::uint8_t* p) {
  return surefoot::guarded(p, 8, [p]() noexcept { return plain_load(p); });
}

const report page_of_it_is_lost = [](const std::uint8_t* p) {
  return notice(SIGBUS, BUS_MCEERR_AR, p - 64, 12);
};

}  // namespace

TEST_CASE("a guard takes a fault wherever it is, or nowhere") {
  if (!process::absent_page::offered()) return;
  process::check_taken(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_ACCERR, p + 1000); },
          &guarded_load),
      {from_access(1000), cause::denied, access_kind::read, SIGSEGV, SEGV_ACCERR});
  process::check_taken(
      process::interrupt_by([](const std::uint8_t*) { return notice(SIGSEGV, SI_KERNEL, nullptr); },
                            &guarded_load),
      {nullptr, cause::bad_address, access_kind::read, SIGSEGV, SI_KERNEL});
}

TEST_CASE("a guard takes nothing that a process sent") {
  if (!process::absent_page::offered()) return;
  for (const report r : {
           report{[](const std::uint8_t* p) { return notice(SIGSEGV, SI_USER, p); }},
           report{[](const std::uint8_t* p) { return notice(SIGSEGV, SI_QUEUE, p); }},
           report{[](const std::uint8_t* p) { return notice(SIGBUS, SI_TKILL, p); }},
       })
    process::check_forwarded(process::interrupt_by(r, &guarded_load), filled);
}

TEST_CASE("a guard does not take the advisory about poison that nobody touched") {
  if (!process::absent_page::offered()) return;
  process::check_forwarded(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGBUS, BUS_MCEERR_AO, p, 12); },
          &guarded_load),
      filled);
}

TEST_CASE("a guard does not take the late report of an asynchronous tag check") {
  if (!process::absent_page::offered()) return;
  constexpr int mteaerr = 8;  // SEGV_MTEAERR
  process::check_forwarded(
      process::interrupt_by([](const std::uint8_t* p) { return notice(SIGSEGV, mteaerr, p); },
                            &guarded_load),
      filled);
}

TEST_CASE("a guard of a range takes only faults in it") {
  if (!process::absent_page::offered()) return;
  process::check_taken(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p + 7); },
          &load_in_range),
      {from_access(7), cause::unmapped, access_kind::read, SIGSEGV, SEGV_MAPERR});
  for (const report r : {
           report{[](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p - 1); }},
           report{[](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p + 8); }},
           report{[](const std::uint8_t*) { return notice(SIGSEGV, SEGV_MAPERR, nullptr); }},
           report{[](const std::uint8_t*) { return notice(SIGSEGV, SI_KERNEL, nullptr); }},
       })
    process::check_forwarded(process::interrupt_by(r, &load_in_range), filled);
}

TEST_CASE("a guard of a range takes poison whose extent meets it") {
  if (!process::absent_page::offered()) return;
  process::check_taken(process::interrupt_by(page_of_it_is_lost, &load_in_range),
                       {from_access(static_cast<std::uintptr_t>(-64)), cause::poisoned,
                        access_kind::read, SIGBUS, BUS_MCEERR_AR, 4096});
  process::check_forwarded(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGBUS, BUS_MCEERR_AR, p + 4096 - 64, 12); },
          &load_in_range),
      filled);
}

TEST_CASE("what poison took is aligned to its own size, wherever it was met") {
  if (!process::absent_page::offered()) return;
  // A page fault that meets known poison names the byte, not the beginning of what is lost with it.
  process::check_taken(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGBUS, BUS_MCEERR_AR, p + 1000, 12); },
          &load_in_range),
      {from_access(1000), cause::poisoned, access_kind::read, SIGBUS, BUS_MCEERR_AR, 4096});
  process::check_forwarded(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGBUS, BUS_MCEERR_AR, p - 65, 12); },
          &load_in_range),
      filled);
}

TEST_CASE("a guard takes poison that its own code met, and not what a system call met") {
  if (!process::absent_page::offered()) return;
  process::check_taken(process::interrupt_by(page_of_it_is_lost, &guarded_load),
                       {from_access(static_cast<std::uintptr_t>(-64)), cause::poisoned,
                        access_kind::read, SIGBUS, BUS_MCEERR_AR, 4096});

  const memory::pages good{memory::kind::good};
  const std::uint8_t* const p = good.data();
  const process::shared<bool> ran_to_its_end;
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGBUS);
    (void)surefoot::install();
    // Delivered on the way out of the system call that queues it, where the kernel delivers its
    // own.
    *ran_to_its_end = surefoot::guarded([p]() noexcept {
                        process::queue_to_self(notice(SIGBUS, BUS_MCEERR_AR, p, 12));
                      }).ok();
  });
  CHECK(end.status == 0);
  CHECK(*ran_to_its_end);
  CHECK(process::ledger[0].calls == 1);
  CHECK(process::ledger[0].info.si_code == BUS_MCEERR_AR);
}
