// A host that keeps its own handler, and asks ours.
#include <setjmp.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

using process::ledger;
using process::owner;

// The host's handler: ours first, then what it does itself.
void host(int signal, siginfo_t* info, void* ucontext) {
  if (surefoot::try_handle(signal, info, ucontext) == surefoot::handled::yes) return;
  owner<1>::handler(signal, info, ucontext);
}
void take_as_host() {
  for (const int signal : process::signals_taken)
    owner<0>::take(signal, SA_SIGINFO | SA_NODEFER | SA_ONSTACK);
  owner<0>::then = host;
  owner<1>::then = process::step_over;
}

}  // namespace

TEMPLATE_TEST_CASE("hosted, faults are answered through the host's handler and none is ours", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  struct observation {
    surefoot::fault segv, bus;
    bool guarded_faulted;
    surefoot::for_each_signal installed;
  };
  const process::shared<observation> seen;
  const memory::pages hole{memory::kind::hole};
  const memory::pages past_end{memory::kind::past_end_of_file};
  const process::ending end = process::run([&] {
    take_as_host();
    (void)surefoot::install<TestType>(surefoot::hosted);
    seen->segv = surefoot::try_load<int>(hole.data(), TestType{}).stopped_by;
    seen->bus = surefoot::try_load<int>(past_end.data(), TestType{}).stopped_by;
    seen->guarded_faulted =
        !surefoot::guarded([]() noexcept { process::stray_load(nullptr); }).ok();
    seen->installed = surefoot::installed();
  });
  using surefoot::access_kind;
  CHECK(end.status == 0);
  CHECK(seen->segv == memory::fault_of(memory::kind::hole, access_kind::read, hole.data()));
  CHECK(seen->bus ==
        memory::fault_of(memory::kind::past_end_of_file, access_kind::read, past_end.data()));
  CHECK(seen->guarded_faulted);
  CHECK(seen->installed == surefoot::for_each_signal{false, false});
  CHECK(ledger[0].calls == 3);
  CHECK(ledger[1].calls == 0);
}

TEST_CASE("hosted, what is not ours stays with the host") {
  const process::ending end = process::run([] {
    take_as_host();
    (void)surefoot::install(surefoot::hosted);
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 1);
}

TEST_CASE("the engine that install() returns needs nothing on the way in") {
  const process::shared<int> answered;
  const process::ending end = process::run([&] {
    const auto table = surefoot::install();
    const auto jump = surefoot::install<surefoot::engine::jump>();
    const int* const null = nullptr;
    if (!surefoot::try_load(null, table).ok()) ++*answered;
    if (!surefoot::try_load(null, jump).ok()) ++*answered;
  });
  CHECK(end.status == 0);
  CHECK(*answered == 2);
}

namespace {

sigjmp_buf out;

constexpr const char* alone = "SUREFOOT_TEST_IS_ALONE";

}  // namespace

// Other test cases of this program install, so this one starts the program once more for itself.
TEST_CASE("try_handle() says no before any install") {
  if (std::getenv(alone) == nullptr) {
    const process::ending end = process::run([] {
      ::setenv(alone, "1", 1);
      ::execl("/proc/self/exe", "unit", "try_handle() says no before any install", nullptr);
    });
    CHECK(end.status == 0);
    return;
  }
  static surefoot::handled answer = surefoot::handled::yes;
  owner<>::take(SIGSEGV, SA_SIGINFO | SA_NODEFER);
  owner<>::then = [](int signal, siginfo_t* info, void* ucontext) {
    answer = surefoot::try_handle(signal, info, ucontext);
    surefoot::os::surefoot_plain_siglongjmp(out, 1);
  };
  // The engine itself: a primitive would install.
  if (sigsetjmp(out, 1) == 0) (void)surefoot::engine::standard::load<std::uint64_t>(nullptr);
  ::signal(SIGSEGV, SIG_DFL);
  CHECK(ledger[0].calls == 1);
  CHECK(answer == surefoot::handled::no);
}
