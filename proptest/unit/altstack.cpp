// Alternate signal stacks: also where delivery takes them away (SS_AUTODISARM), they are there
// again after the fault.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

struct observation {
  int faults = 0;
  stack_t before{};
  stack_t after{};
};

// Faults four times, with both signals, under an alternate stack with these flags.
template <class Access>
void check_stays_armed(int flags, Access access) {
  const process::shared<observation> seen;
  const memory::pages hole{memory::kind::hole};
  const memory::pages past_end{memory::kind::past_end_of_file};
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    const process::stack memory_of_it(64 * 1024);
    const stack_t a = process::alternate(memory_of_it.begin(), memory_of_it.size(), flags);
    ::sigaltstack(&a, nullptr);
    ::sigaltstack(nullptr, &seen->before);
    for (const memory::pages* bad : {&hole, &past_end, &hole, &past_end})
      if (!access(bad->data())) ++seen->faults;
    ::sigaltstack(nullptr, &seen->after);
  });
  CHECK(end.status == 0);
  CHECK(seen->faults == 4);
  CHECK(seen->before.ss_flags == flags);
  CHECK(seen->after.ss_flags == seen->before.ss_flags);
  CHECK(seen->after.ss_sp == seen->before.ss_sp);
  CHECK(seen->after.ss_size == seen->before.ss_size);
}

}  // namespace

TEMPLATE_TEST_CASE("an alternate stack stays armed over the faults of an access", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  for (const int flags : {0, process::autodisarm}) {
    INFO("flags " << flags);
    check_stays_armed(flags, [](std::uint8_t* p) {
      return surefoot::try_load<std::uint64_t>(p, TestType{}).ok();
    });
    check_stays_armed(flags, [](std::uint8_t* p) {
      std::uint8_t to[200];
      return surefoot::try_copy(to, p, sizeof to, TestType{}).any();
    });
  }
}

TEST_CASE("an alternate stack stays armed over the faults of guarded code") {
  for (const int flags : {0, process::autodisarm}) {
    INFO("flags " << flags);
    check_stays_armed(flags, [](std::uint8_t* p) {
      return surefoot::guarded([p]() noexcept { process::stray_load(p); }).ok();
    });
  }
}

TEMPLATE_TEST_CASE("a fault under a stack with SS_AUTODISARM leaves the signal mask as it was", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::shared<surefoot::os::signal_mask> after;
  const memory::pages hole{memory::kind::hole};
  const process::ending end = process::run([&] {
    const process::stack memory_of_it(64 * 1024);
    const stack_t a =
        process::alternate(memory_of_it.begin(), memory_of_it.size(), process::autodisarm);
    ::sigaltstack(&a, nullptr);
    surefoot::os::set_mask(surefoot::os::only(SIGUSR2));
    (void)surefoot::try_load<int>(hole.data(), TestType{});
    *after = process::blocked_now();
  });
  CHECK(end.status == 0);
  CHECK(*after == surefoot::os::only(SIGUSR2));
}
