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

// Nothing may come before the jump: no profile, no coverage, no call of an instrumenter, no room for a patch.
#ifdef __clang__
#define SUREFOOT_DETAIL_BARE                                                    \
  gnu::naked, gnu::no_instrument_function, gnu::no_profile_instrument_function, \
      gnu::patchable_function_entry(0, 0)
// Not an address in a table of jumps (-fsanitize=cfi).
#define SUREFOOT_DETAIL_BEGIN_OF(...) __builtin_function_start((__VA_ARGS__))
#else
#define SUREFOOT_DETAIL_BARE                                                    \
  gnu::naked, gnu::no_instrument_function, gnu::no_profile_instrument_function, \
      gnu::patchable_function_entry(0, 0), gnu::no_sanitize_coverage
#define SUREFOOT_DETAIL_BEGIN_OF(...) (&__VA_ARGS__)
#endif

// Each tells the handler, behind the three arguments that the kernel gives it, which one it is. (Where the compiler
// puts an `endbr64` before the first one, there are two. If it put more there than an entry has room for, `.org` would
// not assemble.)
template <auto* Handler, auto* Record>
[[SUREFOOT_DETAIL_BARE, gnu::aligned(64)]] void entry(int, siginfo_t*, void*) {
  asm volatile(".irp number," SUREFOOT_DETAIL_ENTRIES
               "\n"
               "endbr64\n"
               "movl $\\number, %%ecx\n"
               "jmp %P[handler]\n"
               ".balign 16\n"
               ".ascii \"" SUREFOOT_DETAIL_MAGIC
               "\"\n"
               ".long %P[self] + \\number * 64 - .\n"
               ".long %P[record] - .\n"
               ".long \\number\n"
               ".org %P[self] + \\number * 64 + 64\n"
               ".endr\n"
               :
               : [handler] "i"(Handler), [record] "i"(Record),
                 [self] "i"(SUREFOOT_DETAIL_BEGIN_OF(entry<Handler, Record>)));
}

template <auto* Handler, auto* Record>
auto entry_of(unsigned number) noexcept {
  const auto first =
      reinterpret_cast<std::uintptr_t>(SUREFOOT_DETAIL_BEGIN_OF(entry<Handler, Record>));
  return reinterpret_cast<void (*)(int, siginfo_t*, void*)>(first + number * entry_stride);
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
