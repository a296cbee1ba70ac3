// A signal handler's entry on x86-64, with the header by which images and versions find each other.
//
// The header is frozen: whoever finds a foreign handler's address looks, within the first 64 bytes
// from it, at each multiple of 16 for the 16 bytes of `header_magic`; after them stands the
// distance (4 bytes, from itself) to that image's record (signal/image.hpp). It lies behind a jump
// and is never executed.
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

template <auto* Handler, auto* Record>
[[gnu::naked]] void entry(int, siginfo_t*, void*) {
  asm volatile(
      "jmp %P[handler]\n"
      ".balign 16\n"
      ".ascii \"" SUREFOOT_DETAIL_MAGIC
      "\"\n"
      ".long %P[record] - .\n"
      :
      : [handler] "i"(Handler), [record] "i"(Record));
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
