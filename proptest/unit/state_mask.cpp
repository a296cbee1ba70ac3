// Other handlers than ours have the signal blocked while they run, and hand faults on to us. The
// mask that the interrupted code had is the one that it gets back.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

struct observation {
  int faults = 0;
  surefoot::os::signal_mask before = 0;
  surefoot::os::signal_mask after = 0;
};

// Two faults of each kind under an owner that took the signals from us, with SIGTERM in its sa_mask
// and without SA_NODEFER, and hands everything on. A second one on a thread that still had the
// signal blocked would kill.
template <class Access>
observation faults_under_an_owner(Access access) {
  const process::shared<observation> seen;
  const memory::pages hole{memory::kind::hole};
  const memory::pages past_end{memory::kind::past_end_of_file};
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    for (const int signal : process::signals_taken)
      process::owner<>::take(signal, SA_SIGINFO, process::set_of({SIGTERM}));
    process::owner<>::then = process::owner<>::chain;
    surefoot::os::set_mask(surefoot::os::only(SIGUSR2));
    seen->before = process::blocked_now();
    for (const memory::pages* bad : {&hole, &past_end, &hole, &past_end})
      if (!access(bad->data())) ++seen->faults;
    seen->after = process::blocked_now();
  });
  CHECK(end.status == 0);
  return *seen;
}

}  // namespace

TEMPLATE_TEST_CASE("an access that faults under a handler with a mask has its own mask back", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const observation seen = faults_under_an_owner(
      [](std::uint8_t* p) { return surefoot::try_load<int>(p, TestType{}).ok(); });
  CHECK(seen.faults == 4);
  CHECK(seen.before == surefoot::os::only(SIGUSR2));
  CHECK(seen.after == seen.before);
}

TEST_CASE("a guard that takes a fault under a handler with a mask has its own mask back") {
  const observation seen = faults_under_an_owner([](std::uint8_t* p) {
    return surefoot::guarded([p]() noexcept { process::stray_load(p); }).ok();
  });
  CHECK(seen.faults == 4);
  CHECK(seen.after == seen.before);
}

TEST_CASE("what guarded code did to the mask stays done, as it would without a fault") {
  const process::shared<surefoot::os::signal_mask> after;
  const memory::pages hole{memory::kind::hole};
  const process::ending end = process::run([&] {
    std::uint8_t* const p = hole.data();
    (void)surefoot::guarded([p]() noexcept {
      surefoot::os::block(surefoot::os::only(SIGUSR1));
      process::stray_load(p);
    });
    *after = process::blocked_now();
  });
  CHECK(end.status == 0);
  CHECK(*after == surefoot::os::only(SIGUSR1));
}
