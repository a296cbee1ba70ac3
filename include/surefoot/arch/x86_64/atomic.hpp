// Atomic read-modify-writes on x86-64, of 1, 2, 4, 8 and 16 bytes: sequentially consistent, as
// every locked instruction is. Each returns true if it faulted; then nothing was stored.
//
// Some of these instructions leave the carry flag set, so it is cleared between them and the
// landing pad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/trap.hpp>
#include <surefoot/arch/x86_64/probe.hpp>
#include <surefoot/arch/x86_64/table.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// Two words that one instruction compares and exchanges.
struct pair16 {
  std::uint64_t low;
  std::uint64_t high;
};

// Has this processor cmpxchg16b? Asked once.
inline constinit unsigned char pair_atomics = 0;  // 0: not asked, 1: no, 2: yes

inline bool has_pair_atomics() noexcept {
  unsigned char known = __atomic_load_n(&pair_atomics, __ATOMIC_RELAXED);
  if (known == 0) {
    std::uint32_t a = 1, b = 0, c = 0, d = 0;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    known = (c & (1u << 13)) != 0 ? 2 : 1;
    __atomic_store_n(&pair_atomics, known, __ATOMIC_RELAXED);
  }
  return known == 2;
}

template <bool Tabled>
struct atomic_access {
  // exchange: `v` goes in as what to store and comes out as what was there.
  // fetch_add: the same with a sum.
  // compare_exchange: stores `to` where `was` is there; `was` comes out as what was there.
#define SUREFOOT_X86_ATOMICS(type, suffix, reg, width)                                                \
  [[gnu::always_inline]] static bool exchange(volatile void* p, type& v, trap& t) noexcept {          \
    bool faulted;                                                                                     \
    asm volatile("clc\n" SUREFOOT_X86_ACCESS(0, "xchg" suffix " %[v], (%[base])", base, 1, 0,         \
                                             width) SUREFOOT_X86_PAD                                  \
                 : [v] "+" reg(v), SUREFOOT_X86_TRAP(faulted, t)                                      \
                 : [base] "r"(p), [tabled] "i"(Tabled)                                                \
                 : "memory");                                                                         \
    return faulted;                                                                                   \
  }                                                                                                   \
  [[gnu::always_inline]] static bool fetch_add(volatile void* p, type& v, trap& t) noexcept {         \
    bool faulted;                                                                                     \
    asm volatile("nop\n" SUREFOOT_X86_ACCESS(0, "lock xadd" suffix " %[v], (%[base])", base, 1, 0,    \
                                             width) "clc\n" SUREFOOT_X86_PAD                          \
                 : [v] "+" reg(v), SUREFOOT_X86_TRAP(faulted, t)                                      \
                 : [base] "r"(p), [tabled] "i"(Tabled)                                                \
                 : "memory");                                                                         \
    return faulted;                                                                                   \
  }                                                                                                   \
  [[gnu::always_inline]] static bool compare_exchange(volatile void* p, type& was, type to,           \
                                                      bool& swapped, trap& t) noexcept {              \
    bool faulted;                                                                                     \
    asm volatile(                                                                                   \
        "nop\n" SUREFOOT_X86_ACCESS(0, "lock cmpxchg" suffix " %[to], (%[base])", base, 1, 0, width)        \
        "sete %[swapped]\n"                                                                         \
        "clc\n" SUREFOOT_X86_PAD                                                                    \
        : [was] "+a"(was), [swapped] "=&q"(swapped), SUREFOOT_X86_TRAP(faulted, t)                  \
        : [to] reg(to), [base] "r"(p), [tabled] "i"(Tabled)                                         \
        : "memory"); \
    return faulted;                                                                                   \
  }
  SUREFOOT_X86_ATOMICS(std::uint8_t, "b", "q", 1)
  SUREFOOT_X86_ATOMICS(std::uint16_t, "w", "r", 2)
  SUREFOOT_X86_ATOMICS(std::uint32_t, "l", "r", 4)
  SUREFOOT_X86_ATOMICS(std::uint64_t, "q", "r", 8)
#undef SUREFOOT_X86_ATOMICS

  // RDX is an operand here and the trap's address as well: after a fault `was.high` is not a value.
  // Precondition: has_pair_atomics().
  [[gnu::always_inline]] static bool compare_exchange(volatile void* p, pair16& was, pair16 to,
                                                      bool& swapped, trap& t) noexcept {
    bool faulted;
    asm volatile("nop\n" SUREFOOT_X86_ACCESS(0, "lock cmpxchg16b (%[base])", base, 1, 0, 16)
                 "sete %[swapped]\n"
                 "clc\n" SUREFOOT_X86_PAD
                 : "+a"(was.low), "+d"(was.high), [swapped] "=&q"(swapped), "=@ccc"(faulted),
                   "=&S"(t.info)
                 : "b"(to.low), "c"(to.high), [base] "r"(p), [tabled] "i"(Tabled)
                 : "memory");
    t.address = was.high;
    return faulted;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
