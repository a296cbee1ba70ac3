// A signal handler's entries on aarch64: branches to the handler, and the headers (arch/header.hpp).
//
// g++ has no naked functions on this machine, so they are a piece of assembly that a function
// emits beside itself. Their name carries the version and the options; each image has one of its own.
#pragma once

#include <signal.h>

#include <cstdint>
#include <surefoot/arch/header.hpp>
#include <surefoot/arch/section.hpp>
#include <surefoot/config.hpp>

#define SUREFOOT_DETAIL_ENTRY SUREFOOT_DETAIL_TABLE(surefoot_entry, SUREFOOT_DETAIL_VERSIONED)

extern "C" [[gnu::visibility("hidden")]] void SUREFOOT_DETAIL_ENTRY(int, siginfo_t*, void*);

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_header = true;
inline constexpr unsigned entries_here = entries;

// Each tells the handler, behind its three arguments, which one it is.
//
// Precondition: called with one Handler and one Record only, in all of the image. `bti c` (a `nop` on
// older processors): where branches are checked, the kernel enters a handler as one.
template <auto* Handler, auto* Record>
[[gnu::noinline]] auto entry_of(unsigned number) noexcept {
  asm volatile(
      ".ifndef %c[self]\n"
      ".pushsection .text.%c[self],\"axG\",@progbits,%c[self],comdat\n"
      ".weak %c[self]\n"
      ".hidden %c[self]\n"
      ".type %c[self], %%function\n"
      ".balign 64\n"
      "%c[self]:\n"
      ".irp number," SUREFOOT_DETAIL_ENTRIES
      "\n"
      "hint 34\n"
      "mov w3, #\\number\n"
      "b %c[handler]\n"
      ".balign 16\n"
      ".ascii \"" SUREFOOT_DETAIL_MAGIC
      "\"\n"
      ".long %c[self] + \\number * 64 - .\n"
      ".long %c[record] - .\n"
      ".long \\number\n"
      ".balign 64\n"
      ".endr\n"
      ".size %c[self], . - %c[self]\n"
      ".popsection\n"
      ".endif\n"
      :
      : [handler] "S"(Handler), [record] "S"(Record), [self] "S"(&SUREFOOT_DETAIL_ENTRY));
  const auto first = reinterpret_cast<std::uintptr_t>(&SUREFOOT_DETAIL_ENTRY);
  return reinterpret_cast<void (*)(int, siginfo_t*, void*)>(first + number * entry_stride);
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
