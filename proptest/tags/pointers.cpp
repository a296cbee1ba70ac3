// A pointer keeps its tag through all arithmetic: faults that have nothing to do with tags name the byte by it,
// although the kernel reports such addresses without.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "../unit/process.hpp"
#include "tagged.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::fault;
using surefoot::progress;
namespace kit = surefoot::testing;

// A hole behind a good page, seen through a pointer with a tag.
struct hole {
  template <class E>
  fault met(access_kind during, const std::uint8_t* p) const {
    return memory::fault_of<E>(kind::hole, during, p);
  }
  template <class E>
  progress faulted_in(access_kind during, const std::uint8_t* p, std::size_t n) const {
    return every_verb::faulted_in_pages<E>(*this, during, p, n);
  }

  const std::uint8_t* first;
  const std::uint8_t* end;
};

}  // namespace

TEMPLATE_TEST_CASE("every verb names a bad byte by the pointer it was given, tag and all", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!tagged::offered()) return;
  const memory::pages land{kind::good, kind::hole, kind::good};
  for (std::size_t i = 0; i < page_size; ++i)
    for (const std::size_t page : {0u, 2u})
      land.page(page)[i] = static_cast<std::uint8_t>(i % 255 + 1);
  for (const unsigned tag : {1u, 8u, 15u}) {
    std::uint8_t* const bad = kit::with_tag(land.page(1), tag);
    const hole d{bad, bad + page_size};
    const auto check = [&](const char* verb, bool fine) {
      INFO(verb << " through a pointer with the tag " << tag);
      CHECK(fine);
    };
    for (const std::ptrdiff_t before : {100, 16, 3, 0, -1, -100})
      for (const std::size_t n : {1u, 101u, 200u, 5000u})
        every_verb::of_ranges<TestType>(bad - before, n, d, check);
    for (const std::ptrdiff_t before : {7, 3, 0, -40}) {
      every_verb::of_value<std::uint64_t, TestType>(bad - before, d, check);
      every_verb::of_value<surefoot::engine::word16, TestType>(bad - before, d, check);
    }
    if constexpr (!memory::without_signals<TestType>)
      every_verb::of_atomic<std::uint64_t, TestType>(bad + 8, d, check);
  }
}

TEST_CASE("a guard over a range given with a tag takes what lies in it, by any tag") {
  if (!tagged::offered()) return;
  const memory::pages land{kind::hole};
  std::uint8_t* const p = kit::with_tag(land.data(), 7);
  for (const unsigned tag : {0u, 7u, 12u}) {
    volatile std::uint8_t* const at = kit::with_tag(land.data() + 100, tag);
    const fault met = surefoot::guarded(p, page_size, [=]() noexcept { *at = 1; }).stopped_by;
    CHECK(met.kind == surefoot::cause::unmapped);
    CHECK(kit::with_tag(static_cast<const volatile std::uint8_t*>(met.address), 0) ==
          land.data() + 100);
  }
}

TEST_CASE("what is found is named by the pointer that was given") {
  if (!tagged::offered()) return;
  const tagged::page land(tagged::of_one_process);
  const void* const there = land.data() + 40;
  CHECK(surefoot::try_find(land.data(), land.content(40), 200).value() == there);
}

TEST_CASE("heal takes a pointer with a tag, and the fault of one") {
  if (!tagged::offered()) return;
  const memory::pages land{kind::good, kind::past_end_of_file};
  std::uint8_t* const bad = kit::with_tag(land.page(1), 4);
  const fault met = surefoot::try_load(bad + 5).stopped_by;
  CHECK(met == memory::fault_of(kind::past_end_of_file, access_kind::read, bad + 5));
  const auto healed = surefoot::heal(met);
  REQUIRE(healed.ok());
  CHECK(healed.value().bytes == page_size);
  CHECK(surefoot::try_load(bad + 5).value_or(1) == 0);
  CHECK(surefoot::heal(kit::with_tag(land.page(0), 9), 1).ok());
  CHECK(surefoot::try_load(land.data()).value_or(1) == 0);
}

TEST_CASE("the owner before sees the tag of an address where it asked for it, and nowhere else") {
  if (!tagged::offered()) return;
  if (machine::is_user_mode_emulation())
    return memory::say_skipped(
        "a kernel that leaves out the tags of addresses (qemu's user mode does not)");
  using process::owner;
  const memory::pages land{kind::good, kind::hole};
  const std::uint8_t* const bad = kit::with_tag(land.page(1), 4) + 5;
  for (const int asks : {0, surefoot::os::expose_tag_bits}) {
    const auto seen_by_owner = [&](bool with_us) -> const void* {
      const process::ending end = process::run([&] {
        owner<>::take(SIGSEGV, SA_SIGINFO | static_cast<unsigned>(asks));
        owner<>::then = process::exit_with_42;
        if (with_us) (void)surefoot::install();
        process::stray_load(bad);
      });
      CHECK(end.status == 42);
      return process::ledger[0].info.si_addr;
    };
    const void* const expected = asks != 0 ? bad : land.page(1) + 5;
    CHECK(seen_by_owner(false) == expected);
    CHECK(seen_by_owner(true) == expected);
  }
}
