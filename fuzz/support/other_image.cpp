#define SUREFOOT_DEFAULT_JUMP
#include "other_image.hpp"

#include <cstring>
#include <initializer_list>
#include <surefoot/surefoot.hpp>

namespace fuzz::other_image {

namespace {
namespace library = surefoot::signals;
both from(const surefoot::for_each_signal& s) { return {s.segv, s.bus}; }
}  // namespace

bool install() { return bool(surefoot::install()); }
both uninstall() { return from(surefoot::uninstall()); }
both installed() { return from(surefoot::installed()); }

void forget_everything() {
  for (auto* const each : {&library::owners_of_segv, &library::owners_of_bus})
    std::memset(static_cast<void*>(each), 0, sizeof *each);
  library::ready_byte = 0;
}

loaded load(const volatile void* p) {
  const auto met = surefoot::try_load<std::uint64_t>(p, surefoot::engine::table{});
  return {met.ok(), met.stopped_by.address};
}

}  // namespace fuzz::other_image
