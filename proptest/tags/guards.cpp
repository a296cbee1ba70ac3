// Guarded code on tagged memory, and the checks that come too late for a guard.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "late.hpp"
#include "tagged.hpp"

namespace {

using surefoot::cause;
using surefoot::fault;
using tagged::granule;

struct spoilt : tagged::page {
  spoilt() : tagged::page(tagged::of_one_process) { spoil(3); }
  volatile std::uint8_t* bad() const { return data() + 3 * granule + 5; }
};

}  // namespace

TEST_CASE("a guard takes an access by another tag, with its place and kind") {
  if (!tagged::offered()) return;
  const tagged::checks on(tagged::tag_checks::synchronous);
  const spoilt land;
  volatile std::uint8_t* const bad = land.bad();
  const auto load = [=]() noexcept { (void)*bad; };
  const auto store = [=]() noexcept { *bad = 1; };
  for (const fault& met :
       {surefoot::guarded(load).stopped_by, surefoot::guarded(land.data(), 100, load).stopped_by,
        surefoot::guarded(bad, 1, load).stopped_by}) {
    CHECK(met.kind == cause::tag_mismatch);
    CHECK(met.address == bad);
    CHECK(met.during == surefoot::access_kind::read);
  }
  const fault met = surefoot::guarded(bad, 1, store).stopped_by;
  CHECK(met.kind == cause::tag_mismatch);
  if (machine::is_user_mode_emulation())
    memory::say_skipped(
        "a kernel that says which accesses were stores (qemu's user mode does not)");
  else
    CHECK(met.during == surefoot::access_kind::write);
  CHECK(land.intact());
}

TEST_CASE("a late report of a check is not taken by the guard in which it comes") {
  if (!tagged::offered()) return;
  late::check_forwarded([] {
    const spoilt land;
    volatile std::uint8_t* const bad = land.bad();
    const auto all = surefoot::guarded([=]() noexcept {
      *bad = *bad;
      (void)::getppid();  // what was late is told on the way out of the kernel
    });
    return all.ok();
  });
}
