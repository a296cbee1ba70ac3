// A signal handler's entries on x86-64: jumps to the handler, and the headers (arch/header.hpp).
#pragma once

#include <signal.h>

#include <cstdint>
#include <surefoot/arch/header.hpp>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_header = true;
inline constexpr unsigned entries_here = entries;

// Nothing may come before the first instruction: no profile, no coverage, no call of an instrumenter.
#ifdef __clang__
#define SUREFOOT_DETAIL_BARE \
  gnu::naked, gnu::no_instrument_function, gnu::no_profile_instrument_function
#else
#define SUREFOOT_DETAIL_BARE                                                    \
  gnu::naked, gnu::no_instrument_function, gnu::no_profile_instrument_function, \
      gnu::no_sanitize_coverage
#endif

// The address of the first entry. The entries stand behind it in the same function, and only they are asked: what a
// compiler says of a function's address may be one in a table of jumps (-fsanitize=cfi), and what it puts before the
// function's code (-fpatchable-function-entry, endbr64) moves them. Each tells the handler, behind the three arguments that
// the kernel gives it, which one it is; where one has no room, `.org` does not assemble.
template <auto* Handler, auto* Record>
[[SUREFOOT_DETAIL_BARE]] SUREFOOT_OPAQUE std::uintptr_t first_entry() noexcept {
  asm volatile(
      "leaq .Lsurefoot_%=_entries(%%rip), %%rax\n"
      "ret\n"
      ".balign 64, 0xcc\n"
      ".Lsurefoot_%=_entries:\n"
      ".irp number," SUREFOOT_DETAIL_ENTRIES
      "\n"
      "endbr64\n"
      "movl $\\number, %%ecx\n"
      "jmp %P[handler]\n"
      ".balign 16\n"
      ".ascii \"" SUREFOOT_DETAIL_MAGIC
      "\"\n"
      ".long .Lsurefoot_%=_entries + \\number * 64 - .\n"
      ".long %P[record] - .\n"
      ".long \\number\n"
      ".org .Lsurefoot_%=_entries + \\number * 64 + 64\n"
      ".endr\n"
      :
      : [handler] "i"(Handler), [record] "i"(Record));
}

template <auto* Handler, auto* Record>
auto entry_of(unsigned number) noexcept {
  return reinterpret_cast<void (*)(int, siginfo_t*, void*)>(first_entry<Handler, Record>() +
                                                            number * entry_stride);
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
