// Asynchronous checks: what a thread is told late (SEGV_MTEAERR, without an address) is nobody's fault that we
// know of, and goes to the owner before.
#pragma once

#include "../unit/process.hpp"
#include "tagged.hpp"

namespace late {

inline constexpr int segv_mteaerr = 8;

// Runs body() in a child with asynchronous checks. Its answer is to be true, and every signal that comes is to
// reach the owner before, and to tell of a late check; there is one at least.
template <class Body>
void check_forwarded(Body body) {
  struct seen {
    bool fine;
    unsigned late, other;
  };
  const process::shared<seen> told;
  static seen* counts;
  counts = &*told;
  const process::ending end = process::run([&] {
    process::owner<>::take(SIGSEGV);
    process::owner<>::take(SIGBUS);
    process::owner<>::then = [](int, siginfo_t* info, void*) {
      ++(info->si_code == segv_mteaerr ? counts->late : counts->other);
    };
    (void)surefoot::install();
    const tagged::checks on(tagged::tag_checks::asynchronous);
    told->fine = body();
  });
  CHECK(end.status == 0);
  CHECK(told->fine);
  CHECK(told->late > 0);
  CHECK(told->other == 0);
}

}  // namespace late
