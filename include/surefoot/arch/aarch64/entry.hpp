// A signal handler's entry on aarch64: a branch to the handler, and the header (arch/header.hpp).
//
// g++ has no naked functions on this machine, so the entry is a piece of assembly that a function
// emits beside itself. Its name carries the version and the options; each image has one of its own.
#pragma once

#include <signal.h>

#include <surefoot/arch/header.hpp>
#include <surefoot/arch/section.hpp>
#include <surefoot/config.hpp>

#define SUREFOOT_DETAIL_ENTRY SUREFOOT_DETAIL_TABLE(surefoot_entry, SUREFOOT_DETAIL_VERSIONED)

extern "C" [[gnu::visibility("hidden")]] void SUREFOOT_DETAIL_ENTRY(int, siginfo_t*, void*);

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_header = true;

// Precondition: called with one Handler and one Record only, in all of the image. `bti c` (a `nop` on
// older processors): where branches are checked, the kernel enters a handler as one.
template <auto* Handler, auto* Record>
[[gnu::noinline]] auto entry_of() noexcept {
  asm volatile(
      ".ifndef %c[self]\n"
      ".pushsection .text.%c[self],\"axG\",@progbits,%c[self],comdat\n"
      ".weak %c[self]\n"
      ".hidden %c[self]\n"
      ".type %c[self], %%function\n"
      ".balign 64\n"
      "%c[self]:\n"
      "hint 34\n"
      "b %c[handler]\n"
      ".balign 16\n"
      ".ascii \"" SUREFOOT_DETAIL_MAGIC
      "\"\n"
      ".long %c[self] - .\n"
      ".long %c[record] - .\n"
      ".size %c[self], . - %c[self]\n"
      ".popsection\n"
      ".endif\n"
      :
      : [handler] "S"(Handler), [record] "S"(Record), [self] "S"(&SUREFOOT_DETAIL_ENTRY));
  return &SUREFOOT_DETAIL_ENTRY;
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
