// A signal handler's entry on x86-64, with the header by which images and versions find each other.
//
// The header is frozen: whoever finds a foreign handler's address looks, within the 64 bytes from
// it, at each multiple of 16 for the 16 bytes of `header_magic`; after them stand two distances of
// 4 bytes, each from itself: to the handler's entry, which must be the address that was found
// (another function's header may follow within those bytes), and to that image's record
// (signal/image.hpp). It lies behind a jump and is never executed. It never crosses a page: the
// page of a handler can be read.
#pragma once

#include <signal.h>

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

#define SUREFOOT_DETAIL_MAGIC "surefoot.image.1"
inline constexpr char header_magic[17] = SUREFOOT_DETAIL_MAGIC;
inline constexpr std::uintptr_t header_reach = 64;

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

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
