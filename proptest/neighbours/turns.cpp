// Two of the library in one process, each with its own handler, that take the signals from each other for ever.
// On a machine where images do not know each other each is a foreign owner to the other.
#include "turns.hpp"

#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include "../unit/process.hpp"

namespace {

using process::owner;
using turns::other;

void take_turns(int times) {
  for (int i = 0; i < times; ++i) {
    const int* const null = nullptr;
    if (!surefoot::install() || surefoot::try_load(null).ok()) ::_exit(10);
    if (!other::install() || other::loads(null)) ::_exit(11);
  }
}

}  // namespace

TEST_CASE(
    "two of the library take turns a hundred times, and the owner before both is asked once") {
  const process::ending end = process::run([] {
    (void)other::uninstall();
    owner<0>::take(SIGSEGV);
    owner<0>::then = process::step_over;
    take_turns(100);
    if (!other::is_installed()) ::_exit(12);
    process::stray_load(nullptr);
    (void)surefoot::install();
    process::stray_load(nullptr);
  });
  CHECK(end.status == 0);
  CHECK(end.signal == 0);
  CHECK(process::ledger[0].calls == 2);
}
