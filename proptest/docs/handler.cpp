// The examples of handler.hpp.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: install gives an engine that needs no test on the way in") {
  //! [install]
  const engine::installed<engine::standard> ready = install();
  REQUIRE(ready);  // else it must not be passed on
  const kit::minefield field({tile::read_write, tile::hole});
  REQUIRE(try_load<char>(field.begin_of(0), ready).ok());
  REQUIRE_FALSE(try_load<char>(field.begin_of(1), ready).ok());
  //! [install]
}

TEST_CASE("example: installed and uninstall say which signals are ours") {
  REQUIRE(install());
  //! [installed]
  REQUIRE(installed().both());
  struct sigaction theirs {};
  theirs.sa_handler = SIG_DFL;
  REQUIRE(sigaction(SIGSEGV, &theirs, nullptr) == 0);  // another owner comes
  REQUIRE_FALSE(installed().segv);
  REQUIRE(install());  // and is displaced
  REQUIRE(installed().both());
  //! [installed]

  //! [for_each_signal]
  const for_each_signal ours = installed();
  REQUIRE(ours.segv);
  REQUIRE(ours.bus);
  REQUIRE(ours.both());
  //! [for_each_signal]

  //! [uninstall]
  REQUIRE(uninstall().both());
  REQUIRE_FALSE(installed().segv);
  REQUIRE_FALSE(try_load<int>(static_cast<const void*>(nullptr)).ok());  // installs again
  REQUIRE(installed().both());
  //! [uninstall]
}

TEST_CASE("example: a host keeps its own handler and asks try_handle") {
  REQUIRE(install());
  struct sigaction before {};
  //! [install_hosted]
  struct sigaction own {};
  own.sa_sigaction = [](int signal, siginfo_t* info, void* ucontext) {
    if (try_handle(signal, info, ucontext) == handled::yes) return;
    std::abort();  // what the host does with its own faults
  };
  own.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  REQUIRE(sigaction(SIGSEGV, &own, &before) == 0);
  const auto ready = install(hosted);  // a hosted_t: no signal is taken
  REQUIRE_FALSE(installed().segv);
  const kit::minefield field({tile::hole});
  REQUIRE(try_load<int>(field.data(), ready).stopped_by.kind == cause::unmapped);
  //! [install_hosted]
  REQUIRE(sigaction(SIGSEGV, &before, nullptr) == 0);
}

TEST_CASE("example: ready_this_thread lets faults reach the handler") {
  //! [ready_this_thread]
  sigset_t faults;
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &faults, nullptr) == 0);  // now a fault would kill
  const for_each_signal was_blocked = ready_this_thread();
  REQUIRE(was_blocked.segv);
  REQUIRE_FALSE(was_blocked.bus);
  const kit::minefield field({tile::hole});
  REQUIRE_FALSE(try_load<int>(field.data()).ok());
  //! [ready_this_thread]
}

TEST_CASE("example: pin keeps an image loaded") {
  //! [pin]
  // In a shared object that installs, before its first use; not in a signal handler.
  REQUIRE(pin() == pinned::yes);
  //! [pin]
}

TEST_CASE("example: a scheduler of fibers switches guards with stacks") {
  const kit::minefield field({tile::hole});
  const volatile unsigned char* const hole = field.data();
  //! [exchange_guard]
  const result<int> fiber = guarded([hole]() noexcept -> int {
    const guard_chain mine = exchange_guard({});  // to a new fiber: no guard covers it
    if (mine.innermost == nullptr) return 1;
    const guard_chain of_the_other = exchange_guard(mine);  // and back to this one
    if (of_the_other.innermost != nullptr) return 2;
    return *hole;
  });
  REQUIRE(fiber.stopped_by.address == hole);
  //! [exchange_guard]
}

}  // namespace
