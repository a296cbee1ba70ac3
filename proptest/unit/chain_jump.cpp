// An owner before us may leave its handler by a jump, and the next signal finds its frame at the
// same place. It is a new signal all the same, and begins at the same owner.
#include <setjmp.h>

#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

using process::ledger;
using process::owner;

sigjmp_buf back;
void jump(int, siginfo_t*, void*) { surefoot::os::surefoot_plain_siglongjmp(back, 1); }

// Always the same depth of stack.
void stray_load_and_jump_back() {
  if (sigsetjmp(back, 1) == 0) process::stray_load(nullptr);
}

}  // namespace

TEST_CASE("an owner that leaves by a jump gets the next fault, too") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = process::exit_with_42;
    (void)surefoot::install();
    owner<0>::take(SIGSEGV);
    owner<0>::then = jump;
    (void)surefoot::install();
    for (int i = 0; i < 1000; ++i) stray_load_and_jump_back();
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1000);
  CHECK(ledger[1].calls == 0);
}

TEST_CASE("an owner that leaves by a jump gets the next fault, too, behind another's handler") {
  const process::ending end = process::run([] {
    owner<2>::take(SIGSEGV);
    owner<2>::then = process::exit_with_42;
    (void)surefoot::install();
    owner<1>::take(SIGSEGV);
    owner<1>::then = jump;
    (void)surefoot::install();
    owner<0>::take(SIGSEGV);
    owner<0>::then = owner<0>::chain;
    for (int i = 0; i < 1000; ++i) stray_load_and_jump_back();
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1000);
  CHECK(ledger[1].calls == 1000);
  CHECK(ledger[2].calls == 0);
}

TEST_CASE("an owner that leaves by a jump out of a circle gets the next fault, too") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = jump;
    (void)surefoot::install();
    owner<0>::take(SIGSEGV);
    owner<0>::then = owner<0>::chain;
    (void)surefoot::install();
    for (int i = 0; i < 1000; ++i) stray_load_and_jump_back();
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1000);
  CHECK(ledger[1].calls == 1000);
}

TEST_CASE("after a jump an owner that hands on a copy of the siginfo leads to the same owner") {
  const process::ending end = process::run([] {
    owner<1>::take(SIGSEGV);
    owner<1>::then = jump;
    (void)surefoot::install();
    stray_load_and_jump_back();
    owner<0>::take(SIGSEGV);
    owner<0>::then = [](int signal, siginfo_t* info, void* ucontext) {
      siginfo_t copy = *info;
      owner<0>::chain(signal, &copy, ucontext);
    };
    stray_load_and_jump_back();
  });
  CHECK(end.status == 0);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[1].calls == 2);
}

TEMPLATE_TEST_CASE("our own faults are answered between an owner's jumps", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const process::shared<int> answered;
  const process::ending end = process::run([&] {
    owner<0>::take(SIGSEGV);
    owner<0>::then = jump;
    (void)surefoot::install();
    for (int i = 0; i < 100; ++i) {
      stray_load_and_jump_back();
      const int* const null = nullptr;
      if (!surefoot::try_load(null, TestType{}).ok()) ++*answered;
    }
  });
  CHECK(end.status == 0);
  CHECK(*answered == 100);
  CHECK(ledger[0].calls == 100);
}
