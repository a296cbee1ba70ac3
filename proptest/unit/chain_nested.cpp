// What happens inside the owner before us, while it handles a fault that we handed to it.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

using process::ledger;
using process::owner;

int* answered = nullptr;

template <class E>
void use_the_library(int signal, siginfo_t* info, void* ucontext) {
  const int* const null = nullptr;
  if (!surefoot::try_load(null, E{}).ok()) ++*answered;
  if (!surefoot::guarded([]() noexcept { process::stray_load(nullptr); }).ok()) ++*answered;
  process::step_over(signal, info, ucontext);
}

}  // namespace

TEMPLATE_TEST_CASE("the owner before may use the library in its handler", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::shared<int> counted;
  answered = &*counted;
  const process::ending end = process::run([] {
    owner<>::take(SIGSEGV, SA_SIGINFO | SA_NODEFER);
    owner<>::then = use_the_library<TestType>;
    (void)surefoot::install();
    process::stray_load(nullptr);
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 2);
  CHECK(*counted == 4);
}

TEMPLATE_TEST_CASE("the owner before may use the library once its thread is ready for faults", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::shared<int> counted;
  answered = &*counted;
  const process::ending end = process::run([] {
    owner<>::take(SIGSEGV);
    owner<>::then = [](int signal, siginfo_t* info, void* ucontext) {
      (void)surefoot::ready_this_thread();
      use_the_library<TestType>(signal, info, ucontext);
    };
    (void)surefoot::install();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(*counted == 2);
}

TEST_CASE("a stray fault in the owner before reaches it again, where it has SA_NODEFER") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::exit_with_42;
    (void)surefoot::install();
    owner<0>::take(SIGSEGV, SA_SIGINFO | SA_NODEFER);
    owner<0>::then = [](int signal, siginfo_t* info, void* ucontext) {
      if (ledger[0].calls == 1) process::stray_load(nullptr);
      process::step_over(signal, info, ucontext);
    };
    (void)surefoot::install();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 2);
  CHECK(ledger[1].calls == 0);
}

TEST_CASE("a stray fault in the owner before kills, where it has the signal blocked") {
  const process::ending end = process::run([] {
    owner<>::take(SIGSEGV);
    owner<>::then = [](int, siginfo_t*, void*) { process::stray_load(nullptr); };
    (void)surefoot::install();
    process::stray_load(nullptr);
  });
  CHECK(end.signal == SIGSEGV);
  CHECK(ledger[0].calls == 1);
}
