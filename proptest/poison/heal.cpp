// heal() on what was lost, for every kind of memory.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "../unit/process.hpp"
#include "poisoned.hpp"

namespace {

using memory::page_size;
using poisoned::row;
using surefoot::cause;
using surefoot::fault;
using surefoot::heal;
using surefoot::healed;

bool all_zero(const std::uint8_t* p, std::size_t n) {
  return std::all_of(p, p + n, [](std::uint8_t b) { return b == 0; });
}

surefoot::os::mapping mapping_at(const std::uint8_t* p) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  surefoot::os::mapping found;
  memory::require(surefoot::os::each_mapping([&](const surefoot::os::mapping& m) {
                    if (m.first <= at && at < m.end) found = m;
                    return m.end <= at;
                  }),
                  "/proc/self/maps");
  return found;
}

// All of the unit is one mapping of this kind, which can be read and written.
bool is_mapped(const std::uint8_t* unit, std::size_t size, bool of_file, bool shared) {
  const surefoot::os::mapping m = mapping_at(unit);
  return m.end >= reinterpret_cast<std::uintptr_t>(unit) + size &&
         m.protection == (PROT_READ | PROT_WRITE) && m.of_file == of_file && m.shared == shared;
}

// Checks that the broken unit, and it alone, is fresh memory.
void check_healed(const row& land, const poisoned::kind& k) {
  CHECK(bool(surefoot::ensure_writeable(land.begin(), 3 * land.unit())));
  CHECK(all_zero(land.bad(), land.unit()));
  CHECK(land.intact());
  CHECK(is_mapped(land.begin(), k.unit, k.of_file, k.shared));
  CHECK(is_mapped(land.bad(), k.unit, false, false));
  CHECK(is_mapped(land.behind(), k.unit, k.of_file, k.shared));
  bool kept = true;
  for (std::uint8_t* p = land.bad(); p != land.behind(); ++p) *p = 0xa5;
  for (std::uint8_t* p = land.bad(); p != land.behind(); ++p) kept = kept && *p == 0xa5;
  CHECK(kept);
  CHECK(land.intact());
}

}  // namespace

TEMPLATE_TEST_CASE(
    "heal of the fault replaces the lost unit and nothing else, on every kind of memory", "",
    SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  poisoned::on_each_kind([](const poisoned::kind& k, const row& land) {
    // Wherever in the unit it was met.
    const fault met = surefoot::try_load<int>(land.bad() + k.unit / 2 + 100, TestType{}).stopped_by;
    REQUIRE(met.kind == cause::poisoned);
    REQUIRE(heal(met).value_or({}) == healed{land.bad(), k.unit, k.of_file, k.shared});
    check_healed(land, k);
  });
}

TEST_CASE("heal of one byte of a lost unit replaces that unit, on every kind of memory") {
  if (!poisoned::offered()) return;
  poisoned::on_each_kind([](const poisoned::kind& k, const row& land) {
    REQUIRE(heal(land.bad() + page_size - 1, 1).value_or({}) ==
            healed{land.bad(), k.unit, k.of_file, k.shared});
    check_healed(land, k);
  });
}

TEST_CASE("a fault in the middle of a lost unit, healed by address and extent, takes two") {
  if (!poisoned::offered()) return;
  const row land(poisoned::anonymous);
  const fault met = surefoot::try_load<int>(land.bad() + 100).stopped_by;
  CHECK(heal(const_cast<volatile void*>(met.address), met.extent).value_or({}) ==
        healed{land.bad(), 2 * page_size, false, false});
  CHECK(all_zero(land.bad(), 2 * page_size));
}

TEST_CASE("a handler that heals what was lost lets the program go on, on every kind of memory") {
  if (!poisoned::offered()) return;
  process::owner<>::then = [](int, siginfo_t* info, void*) {
    const fault met{.address = info->si_addr,
                    .kind = cause::poisoned,
                    .extent = std::size_t{1} << info->si_addr_lsb};
    if (!heal(met).ok()) ::_exit(1);
  };
  poisoned::on_each_kind([](const poisoned::kind& k, const row& land) {
    if (&k == &poisoned::dirty_page) return;  // a child reads it from the disk again: see verbs.cpp
    const process::ending end = process::run([&] {
      process::owner<>::take(SIGBUS);
      process::stray_load(land.bad() + 100);
      process::stray_store(land.bad() + k.unit - 1);
      ::_exit(land.bad()[100] == 0 && land.intact() ? 0 : 2);
    });
    CHECK(end.status == 0);
    CHECK(process::ledger[0].calls == 1);
  });
  process::owner<>::then = nullptr;
}

TEST_CASE("a page-in policy that heals lets resume and restart come to their end") {
  if (!poisoned::offered()) return;
  const auto heals = [](surefoot::access_kind kind, const volatile void* p,
                        std::size_t n) noexcept {
    const surefoot::progress met = surefoot::touch(kind, p, n);
    return met.any() || !heal(met.stopped_by).ok() ? met : surefoot::touch(kind, p, n);
  };
  poisoned::on_each_kind([&](const poisoned::kind& k, const row& land) {
    std::vector<std::uint8_t> to(3 * k.unit, 0xee);
    const auto done = surefoot::resume<surefoot::access_kind::read>(
        land.begin(), 3 * k.unit,
        [&](const volatile void* p, std::size_t n) noexcept {
          const auto at = static_cast<const volatile std::uint8_t*>(p) - land.begin();
          return surefoot::try_copy(to.data() + at, p, n);
        },
        {}, heals);
    CHECK(done == memory::finished(3 * k.unit));
    CHECK(std::equal(to.begin(), to.end(), land.begin()));
    check_healed(land, k);
  });
  const row land(poisoned::anonymous);
  std::vector<std::uint8_t> to(3 * page_size);
  const auto verdict = surefoot::restart(
      surefoot::reads(land.begin(), to.size()),
      [&]() noexcept { return surefoot::try_copy(to.data(), land.begin(), to.size()); }, {},
      surefoot::ensure, heals);
  CHECK(verdict == surefoot::verdict{});
  CHECK(std::equal(to.begin(), to.end(), land.begin()));
}
