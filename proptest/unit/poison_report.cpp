// A hardware memory error tells of lost memory, not of an access: a page or more, from its
// beginning. Which of them meet an access, and what is left of them in the answer.
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

constexpr std::uintptr_t page = 4096;
constexpr std::uintptr_t huge_page = page * 512;

// The lost unit of this size that holds p, and the one `units` further on.
siginfo_t lost(const std::uint8_t* p, std::uintptr_t size, int shift, std::intptr_t units = 0) {
  const auto at = reinterpret_cast<std::uintptr_t>(p) & ~(size - 1);
  return notice(SIGBUS, BUS_MCEERR_AR,
                reinterpret_cast<const void*>(at + size * static_cast<std::uintptr_t>(units)),
                shift);
}

template <class E>
process::interrupted load(siginfo_t (*report)(const std::uint8_t*)) {
  return process::interrupt_by(
      report, [](const std::uint8_t* p) { return surefoot::try_load<std::uint64_t>(p, E{}); });
}

constexpr surefoot::fault poisoned(std::size_t extent) {
  return {nullptr, cause::poisoned, access_kind::read, SIGBUS, BUS_MCEERR_AR, extent};
}

}  // namespace

TEMPLATE_TEST_CASE("poison reported for the page is answered at the first byte of the access", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  process::check_taken(load<TestType>([](const std::uint8_t* p) { return lost(p, page, 12); }),
                       poisoned(page));
}

TEMPLATE_TEST_CASE("poison of a huge page has the extent of one", "", SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  process::check_taken(load<TestType>([](const std::uint8_t* p) { return lost(p, huge_page, 21); }),
                       poisoned(huge_page));
}

TEMPLATE_TEST_CASE("poison of less than the access is answered where it begins", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  surefoot::fault expected = poisoned(4);
  expected.address = from_access(4);
  process::check_taken(
      load<TestType>([](const std::uint8_t* p) { return notice(SIGBUS, BUS_MCEERR_AR, p + 4, 2); }),
      expected);
}

TEMPLATE_TEST_CASE("poison whose extent makes no sense counts as a page", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  process::check_taken(load<TestType>([](const std::uint8_t* p) { return lost(p, page, 64); }),
                       poisoned(page));
  process::check_taken(load<TestType>([](const std::uint8_t* p) { return lost(p, page, -1); }),
                       poisoned(page));
}

TEMPLATE_TEST_CASE("poison of other memory than the access goes to the owner before", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  constexpr std::uint64_t filled = 0x5a5a5a5a5a5a5a5a;
  process::check_forwarded(
      load<TestType>([](const std::uint8_t* p) { return lost(p, page, 12, -1); }), filled);
  process::check_forwarded(
      load<TestType>([](const std::uint8_t* p) { return lost(p, page, 12, 1); }), filled);
  process::check_forwarded(
      load<TestType>([](const std::uint8_t* p) { return lost(p, huge_page, 21, -1); }), filled);
  // What is lost is aligned to its own size, also where a page fault names a byte in it.
  process::check_forwarded(load<TestType>([](const std::uint8_t* p) {
                             return notice(SIGBUS, BUS_MCEERR_AR, p - 65, 12);
                           }),
                           filled);
}

TEMPLATE_TEST_CASE("a store that meets poison says so", "", SUREFOOT_SIGNAL_ENGINES) {
  if (!process::absent_page::offered()) return;
  surefoot::fault expected = poisoned(page);
  expected.during = access_kind::write;
  process::check_taken(
      process::interrupt_by([](const std::uint8_t* p) { return lost(p, page, 12); },
                            [](const std::uint8_t* p) {
                              auto* const to =
                                  reinterpret_cast<std::uint64_t*>(const_cast<std::uint8_t*>(p));
                              const surefoot::verdict v = surefoot::try_store(to, 1, TestType{});
                              return v ? surefoot::result<int>(0)
                                       : surefoot::result<int>::stopped(v.stopped_by);
                            }),
      expected);
}
