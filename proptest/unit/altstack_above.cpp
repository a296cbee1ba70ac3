// An alternate stack that lies above the stack of the code: with _FORTIFY_SOURCE libc's longjmp
// takes a jump from there for a corrupted buffer, unless the kernel says that it stands on an
// alternate stack, which with SS_AUTODISARM it does not.
#if defined(__OPTIMIZE__) && !defined(_FORTIFY_SOURCE)
#define _FORTIFY_SOURCE 2
#endif

#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

std::uint8_t* bad = nullptr;
int* faults = nullptr;

template <class E>
void fault_in_every_way() {
  if (!surefoot::try_load<std::uint64_t>(bad, E{}).ok()) ++*faults;
  if (!surefoot::ensure_readable(bad, 100, E{})) ++*faults;
  if (!surefoot::guarded([]() noexcept { process::stray_load(bad); }).ok()) ++*faults;
}

}  // namespace

TEMPLATE_TEST_CASE("a fault is answered where the alternate stack lies above the one in use", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  for (const int flags : {0, process::autodisarm}) {
    INFO("flags " << flags);
    const process::shared<int> counted;
    const memory::pages hole{memory::kind::hole};
    bad = hole.data();
    faults = &*counted;
    const process::ending end = process::run([&] {
      constexpr std::size_t half = 256 * 1024;
      const process::stack both(2 * half);
      const stack_t above = process::alternate(both.begin() + half, half, flags);
      ::sigaltstack(&above, nullptr);
      process::fiber below(both.begin(), half, &fault_in_every_way<TestType>);
      below.enter();
    });
    CHECK(end.status == 0);
    CHECK(end.signal == 0);
    CHECK(*counted == 3);
  }
}
