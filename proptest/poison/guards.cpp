// Guards around code that meets poison.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "poisoned.hpp"

namespace {

using memory::page_size;
using poisoned::row;
using surefoot::access_kind;
using surefoot::fault;

constexpr std::size_t offsets[] = {0, 1, 100, 4092};

void touch(access_kind kind, volatile std::uint8_t* p) noexcept {
  if (kind == access_kind::read)
    (void)*p;
  else
    *p = 1;
}

fault met_at(access_kind kind, const row& land, std::size_t offset) {
  return poisoned::fault_of<surefoot::engine::jump>(kind, land.bad() + offset, land.unit());
}

}  // namespace

TEST_CASE("a guard brings poison out of any code, on every kind of memory") {
  if (!poisoned::offered()) return;
  poisoned::on_each_kind([](const poisoned::kind& k, const row& land) {
    for (const access_kind kind : {access_kind::read, access_kind::write})
      for (const std::size_t offset : {std::size_t{0}, std::size_t{100}, k.unit - 1}) {
        std::uint8_t* const p = land.bad() + offset;
        const auto f = [=]() noexcept { touch(kind, p); };
        CHECK(surefoot::guarded(f).stopped_by == met_at(kind, land, offset));
        CHECK(surefoot::guarded(land.begin(), 3 * k.unit, f).stopped_by ==
              met_at(kind, land, offset));
        // The rest of the unit is lost with the byte.
        CHECK(surefoot::guarded(land.bad(), 1, f).stopped_by == met_at(kind, land, offset));
        CHECK(surefoot::guarded(land.behind() - 1, 1, f).stopped_by == met_at(kind, land, offset));
      }
    CHECK(land.intact());
  });
}

TEST_CASE("a guard of memory beside the poison leaves it to the guard around") {
  if (!poisoned::offered()) return;
  poisoned::on_each_kind([](const poisoned::kind& k, const row& land) {
    for (std::uint8_t* const guarded_unit : {land.begin(), land.behind()})
      for (const std::size_t offset : offsets) {
        std::uint8_t* const p = land.bad() + k.unit - 4096 + offset;
        const std::size_t size = k.unit;
        volatile bool went_on = false;
        volatile bool* const mark = &went_on;
        const auto outer = surefoot::guarded([=]() noexcept {
          (void)surefoot::guarded(guarded_unit, size,
                                  [=]() noexcept { touch(access_kind::read, p); });
          *mark = true;
        });
        CHECK(outer.stopped_by == met_at(access_kind::read, land, k.unit - 4096 + offset));
        CHECK_FALSE(went_on);
      }
  });
}

TEST_CASE("primitives inside a guard answer for themselves") {
  if (!poisoned::offered()) return;
  const row land(poisoned::anonymous);
  std::uint8_t* const p = land.bad();
  const auto inside = surefoot::guarded([=]() noexcept {
    const auto by_table = surefoot::try_load(p + 5, surefoot::engine::table{});
    const auto by_jump = surefoot::try_load(p + 5, surefoot::engine::jump{});
    return by_table.stopped_by == by_jump.stopped_by ? by_table.stopped_by : fault{};
  });
  REQUIRE(inside.ok());
  CHECK(inside.value() == met_at(access_kind::read, land, 5));
}
