// The inner block of a scan on aarch64: loads that cover each of 64 bytes, for their faults only.
#pragma once

#include <cstddef>
#include <surefoot/arch/aarch64/probe.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct scan_block {
  static constexpr std::size_t size = 64;   // bytes
  static constexpr std::size_t width = 16;  // bytes of one load
};

template <bool Tabled>
[[gnu::always_inline]] inline bool scan(const volatile void* p, trap& t) noexcept {
  asm volatile(SUREFOOT_A64_BEGIN                                           //
                   SUREFOOT_A64_ACCESS(0, "ldr q0, [%x[base]]", 0, 0, 16)   //
               SUREFOOT_A64_ACCESS(1, "ldr q1, [%x[base], 16]", 0, 16, 16)  //
               SUREFOOT_A64_ACCESS(2, "ldr q2, [%x[base], 32]", 0, 32, 16)  //
               SUREFOOT_A64_ACCESS(3, "ldr q3, [%x[base], 48]", 0, 48, 16)  //
               SUREFOOT_A64_PAD
               : SUREFOOT_A64_TRAP(t)
               : SUREFOOT_A64_AT(p)
               : "memory", "v0", "v1", "v2", "v3");
  return t.info != 0;
}

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
