// What a fault of an access is called, for every code that the kernel may give it. Most of them
// need hardware that is not here, so the reports are forged while the access is held.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

using process::from_access;
using process::notice;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;

using report = siginfo_t (*)(const std::uint8_t* p);

struct example {
  report sent;
  fault answer;
};

// Codes that libc's headers do not all have.
constexpr int pkuerr = 4, accadi = 5, adiperr = 7, mteserr = 9, cperr = 10;

const example examples[] = {
    {[](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p + 7); },
     {from_access(7), cause::unmapped, access_kind::read, SIGSEGV, SEGV_MAPERR}},
    {[](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_ACCERR, p); },
     {from_access(0), cause::denied, access_kind::read, SIGSEGV, SEGV_ACCERR}},
    {[](const std::uint8_t* p) { return notice(SIGSEGV, pkuerr, p + 1); },
     {from_access(1), cause::key_denied, access_kind::read, SIGSEGV, pkuerr}},
    {[](const std::uint8_t* p) { return notice(SIGSEGV, accadi, p); },
     {from_access(0), cause::tag_mismatch, access_kind::read, SIGSEGV, accadi}},
    {[](const std::uint8_t* p) { return notice(SIGSEGV, adiperr, p); },
     {from_access(0), cause::tag_mismatch, access_kind::read, SIGSEGV, adiperr}},
    {[](const std::uint8_t* p) { return notice(SIGSEGV, mteserr, p); },
     {from_access(0), cause::tag_mismatch, access_kind::read, SIGSEGV, mteserr}},
    {[](const std::uint8_t* p) { return notice(SIGSEGV, cperr, p); },
     {from_access(0), cause::unknown, access_kind::read, SIGSEGV, cperr}},
    {[](const std::uint8_t*) { return notice(SIGSEGV, SI_KERNEL, nullptr); },
     {from_access(0), cause::bad_address, access_kind::read, SIGSEGV, SI_KERNEL}},
    {[](const std::uint8_t*) { return notice(SIGBUS, SI_KERNEL, nullptr); },
     {from_access(0), cause::bad_address, access_kind::read, SIGBUS, SI_KERNEL}},
    {[](const std::uint8_t* p) { return notice(SIGBUS, BUS_ADRERR, p + 3); },
     {from_access(3), cause::no_backing, access_kind::read, SIGBUS, BUS_ADRERR}},
    {[](const std::uint8_t*) { return notice(SIGBUS, BUS_ADRALN, nullptr); },
     {from_access(0), cause::misaligned, access_kind::read, SIGBUS, BUS_ADRALN}},
    {[](const std::uint8_t* p) { return notice(SIGBUS, BUS_ADRALN, p); },
     {from_access(0), cause::misaligned, access_kind::read, SIGBUS, BUS_ADRALN}},
    {[](const std::uint8_t* p) { return notice(SIGBUS, BUS_OBJERR, p); },
     {from_access(0), cause::unknown, access_kind::read, SIGBUS, BUS_OBJERR}},
    {[](const std::uint8_t*) { return notice(SIGBUS, BUS_OBJERR, nullptr); },
     {from_access(0), cause::unknown, access_kind::read, SIGBUS, BUS_OBJERR}},
};

}  // namespace

TEMPLATE_TEST_CASE("each code becomes its cause, at the first bad byte of the access", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  for (const example& e : examples) {
    INFO("signal " << e.answer.signal << ", code " << e.answer.code);
    process::check_taken(
        process::interrupt_by(
            e.sent,
            [](const std::uint8_t* p) { return surefoot::try_load<std::uint64_t>(p, TestType{}); }),
        e.answer);
  }
}

namespace {

// The report is about the last byte of an access of this width, or the one behind it.
template <class E, class Word>
void check_width() {
  INFO(sizeof(Word) << " bytes");
  const auto load = [](const std::uint8_t* p) { return surefoot::try_load<Word>(p, E{}); };
  process::check_taken(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p + sizeof(Word) - 1); },
          load),
      {from_access(sizeof(Word) - 1), cause::unmapped, access_kind::read, SIGSEGV, SEGV_MAPERR});
  process::check_forwarded(
      process::interrupt_by(
          [](const std::uint8_t* p) { return notice(SIGSEGV, SEGV_MAPERR, p + sizeof(Word)); },
          load),
      static_cast<Word>(0x5a5a5a5a5a5a5a5a));
}

}  // namespace

TEMPLATE_TEST_CASE("a report fits an access up to its last byte and no further", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  check_width<TestType, std::uint8_t>();
  check_width<TestType, std::uint16_t>();
  check_width<TestType, std::uint32_t>();
  check_width<TestType, std::uint64_t>();
}
