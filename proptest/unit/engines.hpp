// What the engines have in common in tests, and where they may differ.
#pragma once

#include <surefoot/surefoot.hpp>

#include "memory.hpp"

// For TEMPLATE_TEST_CASE: every engine that makes accesses.
#define SUREFOOT_ALL_ENGINES \
  surefoot::engine::table, surefoot::engine::jump, surefoot::engine::kernel
// Those that offer atomics.
#define SUREFOOT_SIGNAL_ENGINES surefoot::engine::table, surefoot::engine::jump

namespace memory {

// Does an engine that may see less report this fault as it should? A signal engine tells all of it;
// the kernel engine has no signal, and may say `unknown`.
template <class E>
bool reports(const surefoot::fault& met, const surefoot::fault& expected) {
  if constexpr (!surefoot::detail::same<E, surefoot::engine::kernel>) {
    return met == expected;
  } else {
    if (met.kind != expected.kind && met.kind != surefoot::cause::unknown) return false;
    return met == surefoot::fault{expected.address, met.kind, expected.during, 0, 0, met.extent};
  }
}
template <class E>
bool reports(const surefoot::progress& met, const surefoot::progress& expected) {
  return met.done == expected.done && met.left == expected.left &&
         reports<E>(met.stopped_by, expected.stopped_by);
}

}  // namespace memory
