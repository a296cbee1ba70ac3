// The inner block of a scan on x86-64: loads that cover each of 64 bytes, for their faults only.
#pragma once

#include <cstddef>
#include <surefoot/arch/x86_64/probe.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct scan_block {
  static constexpr std::size_t size = 64;   // bytes
  static constexpr std::size_t width = 16;  // bytes of one load
};

template <bool Tabled>
[[gnu::always_inline]] inline bool scan(const volatile void* p, trap& t) noexcept {
  bool faulted;
  asm volatile("clc\n"                                                                //
               SUREFOOT_X86_ACCESS(0, "movups (%[base]), %%xmm0", base, 0, 0, 16)     //
               SUREFOOT_X86_ACCESS(1, "movups 16(%[base]), %%xmm1", base, 0, 16, 16)  //
               SUREFOOT_X86_ACCESS(2, "movups 32(%[base]), %%xmm2", base, 0, 32, 16)  //
               SUREFOOT_X86_ACCESS(3, "movups 48(%[base]), %%xmm3", base, 0, 48, 16)  //
               SUREFOOT_X86_PAD
               : SUREFOOT_X86_TRAP(faulted, t)
               : [base] "r"(p), [tabled] "i"(Tabled)
               : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
  return faulted;
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
