// A signal handler's entry on x86-64: a jump to the handler, and the header (arch/header.hpp).
#pragma once

#include <signal.h>

#include <surefoot/arch/header.hpp>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_header = true;

// Nothing may come before the jump: no profile, no coverage, no call of an instrumenter.
#ifdef __clang__
#define SUREFOOT_DETAIL_BARE \
  gnu::naked, gnu::no_instrument_function, gnu::no_profile_instrument_function
#else
#define SUREFOOT_DETAIL_BARE                                                    \
  gnu::naked, gnu::no_instrument_function, gnu::no_profile_instrument_function, \
      gnu::no_sanitize_coverage
#endif

template <auto* Handler, auto* Record>
[[SUREFOOT_DETAIL_BARE, gnu::aligned(64)]] void entry(int, siginfo_t*, void*) {
  asm volatile(
      "jmp %P[handler]\n"
      ".balign 16\n"
      ".ascii \"" SUREFOOT_DETAIL_MAGIC
      "\"\n"
      ".long %P[self] - .\n"
      ".long %P[record] - .\n"
      :
      : [handler] "i"(Handler), [record] "i"(Record), [self] "i"(&entry<Handler, Record>));
}

template <auto* Handler, auto* Record>
auto entry_of() noexcept {
  return &entry<Handler, Record>;
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
