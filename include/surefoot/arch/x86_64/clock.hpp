// A clock that is read without a system call: the time stamp counter, 1 to 4 ticks a nanosecond.
#pragma once

#include <cstdint>
#include <surefoot/arch/trap.hpp>
#include <surefoot/arch/x86_64/table.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_clock = true;

// Now; 0 where the process may not know: prctl(PR_SET_TSC, PR_TSC_SIGSEGV) makes a fault of the
// instruction, which therefore has an entry in the exception table, also inside a guard. (Its base is
// nothing: such a fault has no address.)
//
// It waits for nothing before it, and so does not count how long a load takes that is still under way:
// memory that is there is not slow because it is not in a cache. A fault it does count.
inline std::uint64_t ticks() noexcept {
  bool faulted;
  std::uint32_t low;
  trap t;
  asm volatile("clc\n" SUREFOOT_X86_ACCESS(0, "rdtsc", base, 0, 0, 1) SUREFOOT_X86_PAD
               : [low] "=a"(low), SUREFOOT_X86_TRAP(faulted, t)
               : [base] "r"(std::uint64_t{0}), [tabled] "i"(true)
               : "memory");
  return faulted ? 0 : std::uint64_t{t.address} << 32 | low;  // the upper half is in RDX
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
