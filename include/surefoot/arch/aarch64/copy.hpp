// The inner block of a copy on aarch64: 64 bytes through four SIMD registers, which every aarch64 with
// floating point has, so nothing has to be chosen at run time.
//
// A block is loaded whole before any of it is stored, so that a fault on the load side leaves the
// destination alone, and so that a destination below its source may overlap it. Stores ascend: when one
// faults, all those before it are done and none after it was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/aarch64/probe.hpp>
#include <surefoot/arch/block.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// A store that crosses into a bad granule may change bytes before it.
inline constexpr bool stores_are_whole = false;

// There are no steps of vectors (engine/steps.hpp).
inline constexpr bool has_steps = false;
struct vectors;

template <bool Tabled>
struct block_access {
  [[gnu::always_inline]] static bool load(const volatile void* p, block& b, trap& t) noexcept {
    asm volatile(
        SUREFOOT_A64_BEGIN                                              //
            SUREFOOT_A64_ACCESS(0, "ldr %q[a], [%x[base]]", 0, 0, 16)   //
        SUREFOOT_A64_ACCESS(1, "ldr %q[b], [%x[base], 16]", 0, 16, 16)  //
        SUREFOOT_A64_ACCESS(2, "ldr %q[c], [%x[base], 32]", 0, 32, 16)  //
        SUREFOOT_A64_ACCESS(3, "ldr %q[d], [%x[base], 48]", 0, 48, 16)  //
        SUREFOOT_A64_PAD
        : [a] "=w"(b.part[0]), [b] "=w"(b.part[1]), [c] "=w"(b.part[2]), [d] "=w"(b.part[3]),
          SUREFOOT_A64_TRAP(t)
        : SUREFOOT_A64_AT(p)
        : "memory");
    return t.info != 0;
  }
  [[gnu::always_inline]] static bool store(volatile void* p, const block& b, trap& t) noexcept {
    asm volatile(SUREFOOT_A64_BEGIN                                              //
                     SUREFOOT_A64_ACCESS(0, "str %q[a], [%x[base]]", 1, 0, 16)   //
                 SUREFOOT_A64_ACCESS(1, "str %q[b], [%x[base], 16]", 1, 16, 16)  //
                 SUREFOOT_A64_ACCESS(2, "str %q[c], [%x[base], 32]", 1, 32, 16)  //
                 SUREFOOT_A64_ACCESS(3, "str %q[d], [%x[base], 48]", 1, 48, 16)  //
                 SUREFOOT_A64_PAD
                 : SUREFOOT_A64_TRAP(t)
                 : [a] "w"(b.part[0]), [b] "w"(b.part[1]), [c] "w"(b.part[2]), [d] "w"(b.part[3]),
                   SUREFOOT_A64_AT(p)
                 : "memory");
    return t.info != 0;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
