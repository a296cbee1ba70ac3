// A thread that blocks the signals of a fault is killed by any: no handler can help it.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

template <class E>
bool null_is_bad() {
  const int* const null = nullptr;
  return !surefoot::try_load(null, E{}).ok();
}

}  // namespace

TEMPLATE_TEST_CASE("on a thread that blocks all signals a fault kills", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::ending end = process::run([] {
    surefoot::os::set_mask(~surefoot::os::signal_mask{0});
    (void)null_is_bad<TestType>();
  });
  CHECK(end.signal == SIGSEGV);
}

TEMPLATE_TEST_CASE("ready_this_thread() lets faults be answered and says what was blocked", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  struct observation {
    surefoot::for_each_signal first, second;
    bool answered;
    surefoot::os::signal_mask mask;
  };
  const process::shared<observation> seen;
  const process::ending end = process::run([&] {
    using surefoot::os::only;
    surefoot::os::set_mask(only(SIGSEGV) | only(SIGBUS) | only(SIGUSR1));
    seen->first = surefoot::ready_this_thread();
    seen->answered = null_is_bad<TestType>();
    seen->second = surefoot::ready_this_thread();
    seen->mask = process::blocked_now();
  });
  CHECK(end.status == 0);
  CHECK(seen->first == surefoot::for_each_signal{true, true});
  CHECK(seen->answered);
  CHECK(seen->second == surefoot::for_each_signal{false, false});
  CHECK(seen->mask == surefoot::os::only(SIGUSR1));
}
