// Which signals are taken for a fault of one of our own accesses. Each comes while the program
// counter stands on such an access, and each but for one rule is what a fault of it would look
// like.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

using process::notice;
using surefoot::cause;

using report = siginfo_t (*)(const std::uint8_t* p);

constexpr std::uint64_t filled = 0x5a5a5a5a5a5a5a5a;

template <class E>
process::interrupted load_interrupted_by(report r) {
  return process::interrupt_by(
      r, [](const std::uint8_t* p) { return surefoot::try_load<std::uint64_t>(p, E{}); });
}

template <class E>
void forwards(std::initializer_list<report> reports) {
  int number = 0;
  for (const report r : reports) {
    INFO("report " << ++number);
    process::check_forwarded(load_interrupted_by<E>(r), filled);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("an access takes a report of a fault that fits it", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  const report r = [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p); };
  process::check_taken(load_interrupted_by<TestType>(r),
                       {.kind = cause::unmapped, .signal = SIGSEGV, .code = SEGV_MAPERR});
}

TEMPLATE_TEST_CASE("an access takes nothing that a process sent, also where it fits", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  forwards<TestType>({
      [](const std::uint8_t* p) { return notice(SIGSEGV, SI_USER, p); },
      [](const std::uint8_t* p) { return notice(SIGSEGV, SI_QUEUE, p); },
      [](const std::uint8_t* p) { return notice(SIGSEGV, SI_TKILL, p); },
      [](const std::uint8_t* p) { return notice(SIGBUS, SI_USER, p); },
      [](const std::uint8_t* p) { return notice(SIGBUS, SI_QUEUE, p); },
      [](const std::uint8_t* p) { return notice(SIGBUS, SI_TKILL, p); },
  });
}

TEMPLATE_TEST_CASE("an access does not take the advisory about poison that nobody touched", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  forwards<TestType>({
      [](const std::uint8_t* p) { return notice(SIGBUS, BUS_MCEERR_AO, p, 12); },
  });
}

TEMPLATE_TEST_CASE("an access does not take the late report of an asynchronous tag check", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  constexpr int mteaerr = 8;  // SEGV_MTEAERR
  forwards<TestType>({
      [](const std::uint8_t* p) { return notice(SIGSEGV, mteaerr, p); },
  });
}

TEMPLATE_TEST_CASE("an access does not take a report about other bytes than its own", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  forwards<TestType>({
      [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p - 1); },
      [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p + 8); },
      [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_ACCERR, p + 4096); },
      [](const std::uint8_t* p) { return notice(SIGBUS, BUS_ADRERR, p - 64); },
      [](const std::uint8_t* p) { return notice(SIGBUS, BUS_ADRALN, p + 8); },
  });
}

TEMPLATE_TEST_CASE("an access takes a report without address only from those that have none", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  forwards<TestType>({
      [](const std::uint8_t*) { return notice(SIGSEGV, SEGV_MAPERR, nullptr); },
      [](const std::uint8_t*) { return notice(SIGBUS, BUS_ADRERR, nullptr); },
      [](const std::uint8_t* p) { return notice(SIGSEGV, SI_KERNEL, p + 8); },
  });
}

TEMPLATE_TEST_CASE("what another thread sends to one in the middle of an access is not ours", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  for (const int signal : process::signals_taken) {
    INFO("signal " << signal);
    const process::shared<std::uint64_t> value;
    const process::ending end = process::run([&] {
      process::owner<>::take(signal);
      (void)surefoot::install();
      const process::absent_page page;
      *value = process::hold(
                   page, [&] { return surefoot::try_load<std::uint64_t>(page.data(), TestType{}); },
                   [&](pid_t held, const std::atomic<bool>& over) {
                     process::send_to_thread(held, signal);
                     while (process::ledger[0].calls == 0 && !over) std::this_thread::yield();
                   })
                   .value_or(0);
    });
    CHECK(end.status == 0);
    CHECK(*value == filled);
    CHECK(process::ledger[0].calls == 1);
    CHECK(process::ledger[0].info.si_code == SI_TKILL);
  }
}
