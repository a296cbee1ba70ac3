// The inner block of a copy on x86-64: 64 bytes through four SSE registers. SSE2 is part of every
// x86-64, so nothing has to be chosen at run time.
//
// A block is loaded whole before any of it is stored, so that a fault on the load side leaves the
// destination alone, and so that a destination below its source may overlap it. Stores ascend: when
// one faults, all those before it are done and none after it was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/block.hpp>
#include <surefoot/arch/x86_64/probe.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// A store that crosses into a bad page changes no byte (measured for 8, 16 and 64 bytes).
inline constexpr bool stores_are_whole = true;

template <bool Tabled>
struct block_access {
  [[gnu::always_inline]] static bool load(const volatile void* p, block& b, trap& t) noexcept {
    bool faulted;
    asm volatile(
        "clc\n"                                                              //
        SUREFOOT_X86_ACCESS(0, "movups (%[base]), %[a]", base, 0, 0, 16)     //
        SUREFOOT_X86_ACCESS(1, "movups 16(%[base]), %[b]", base, 0, 16, 16)  //
        SUREFOOT_X86_ACCESS(2, "movups 32(%[base]), %[c]", base, 0, 32, 16)  //
        SUREFOOT_X86_ACCESS(3, "movups 48(%[base]), %[d]", base, 0, 48, 16)  //
        SUREFOOT_X86_PAD
        : [a] "=x"(b.part[0]), [b] "=x"(b.part[1]), [c] "=x"(b.part[2]), [d] "=x"(b.part[3]),
          SUREFOOT_X86_TRAP(faulted, t)
        : [base] "r"(p), [tabled] "i"(Tabled)
        : "memory");
    return faulted;
  }
  [[gnu::always_inline]] static bool store(volatile void* p, const block& b, trap& t) noexcept {
    bool faulted;
    asm volatile("clc\n"                                                              //
                 SUREFOOT_X86_ACCESS(0, "movups %[a], (%[base])", base, 1, 0, 16)     //
                 SUREFOOT_X86_ACCESS(1, "movups %[b], 16(%[base])", base, 1, 16, 16)  //
                 SUREFOOT_X86_ACCESS(2, "movups %[c], 32(%[base])", base, 1, 32, 16)  //
                 SUREFOOT_X86_ACCESS(3, "movups %[d], 48(%[base])", base, 1, 48, 16)  //
                 SUREFOOT_X86_PAD
                 : SUREFOOT_X86_TRAP(faulted, t)
                 : [a] "x"(b.part[0]), [b] "x"(b.part[1]), [c] "x"(b.part[2]), [d] "x"(b.part[3]),
                   [base] "r"(p), [tabled] "i"(Tabled)
                 : "memory");
    return faulted;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
