// Atomic read-modify-writes on aarch64, of 1, 2, 4, 8 and 16 bytes: sequentially consistent, one
// instruction where the processor has it (LSE), else an exclusive pair with acquire and release. Each
// returns true if it faulted; then nothing was stored.
//
// A compare-and-exchange stores in either case, what was there or what is to be, as it does on x86-64:
// its answer is about a store also where the comparison fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/aarch64/probe.hpp>
#include <surefoot/arch/aarch64/table.hpp>
#include <surefoot/arch/trap.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// Two words that one exclusive pair compares and exchanges.
struct pair16 {
  std::uint64_t low;
  std::uint64_t high;
};

inline constexpr bool has_pair_atomics() noexcept { return true; }

template <bool Tabled>
struct atomic_access {
  // exchange: `v` goes in as what to store and comes out as what was there.
  // fetch_add: the same with a sum.
  // compare_exchange: stores `to` where `was` is there; `was` comes out as what was there.
  //
  // `r` is the register's letter, `size` the suffix. An exclusive load fills a whole register, so the
  // comparison is of one that is filled with zeros as well.
#define SUREFOOT_A64_ONE_INSTRUCTION(instruction, width)                                      \
  ".arch_extension lse\n" SUREFOOT_A64_BEGIN SUREFOOT_A64_ACCESS(0, instruction, 1, 0, width) \
      SUREFOOT_A64_PAD
#define SUREFOOT_A64_EXCLUSIVE(r, size, width, change, stored)                                   \
  SUREFOOT_A64_BEGIN                                                                             \
  "1:\n" SUREFOOT_A64_ACCESS(0, "ldaxr" size " %" r "[old], [%x[base]]", 1, 0, width)            \
      change SUREFOOT_A64_ACCESS(1, "stlxr" size " %w[lost], %" r "[" stored "], [%x[base]]", 1, \
                                 0, width) "cbnz %w[lost], 1b\n" SUREFOOT_A64_PAD
#define SUREFOOT_A64_ATOMICS(type, reg_type, r, size, width)                                       \
  [[gnu::always_inline]] static bool exchange(volatile void* p, type& v, trap& t) noexcept {       \
    reg_type old = v;                                                                              \
    if (has_feature(feature_lse)) [[likely]] {                                                     \
      asm volatile(SUREFOOT_A64_ONE_INSTRUCTION(                                                   \
                       "swpal" size " %" r "[old], %" r "[old], [%x[base]]", width)                \
                   : [old] "+&r"(old), SUREFOOT_A64_TRAP(t)                                        \
                   : SUREFOOT_A64_AT(p)                                                            \
                   : "memory");                                                                    \
    } else {                                                                                       \
      std::uint32_t lost;                                                                          \
      const reg_type to = v;                                                                       \
      asm volatile(SUREFOOT_A64_EXCLUSIVE(r, size, width, "", "to")                                \
                   : [old] "=&r"(old), [lost] "=&r"(lost), SUREFOOT_A64_TRAP(t)                    \
                   : [to] "r"(to), SUREFOOT_A64_AT(p)                                              \
                   : "memory");                                                                    \
    }                                                                                              \
    v = static_cast<type>(old);                                                                    \
    return t.info != 0;                                                                            \
  }                                                                                                \
  [[gnu::always_inline]] static bool fetch_add(volatile void* p, type& v, trap& t) noexcept {      \
    reg_type old = v;                                                                              \
    if (has_feature(feature_lse)) [[likely]] {                                                     \
      asm volatile(SUREFOOT_A64_ONE_INSTRUCTION(                                                   \
                       "ldaddal" size " %" r "[old], %" r "[old], [%x[base]]", width)              \
                   : [old] "+&r"(old), SUREFOOT_A64_TRAP(t)                                        \
                   : SUREFOOT_A64_AT(p)                                                            \
                   : "memory");                                                                    \
    } else {                                                                                       \
      std::uint32_t lost;                                                                          \
      const reg_type term = v;                                                                     \
      reg_type sum;                                                                                \
      asm volatile(SUREFOOT_A64_EXCLUSIVE(r, size, width,                                          \
                                          "add %" r "[sum], %" r "[old], %" r "[term]\n", "sum")   \
                   : [old] "=&r"(old), [sum] "=&r"(sum), [lost] "=&r"(lost), SUREFOOT_A64_TRAP(t)  \
                   : [term] "r"(term), SUREFOOT_A64_AT(p)                                          \
                   : "memory");                                                                    \
    }                                                                                              \
    v = static_cast<type>(old);                                                                    \
    return t.info != 0;                                                                            \
  }                                                                                                \
  [[gnu::always_inline]] static bool compare_exchange(volatile void* p, type& was, type to,        \
                                                      bool& swapped, trap& t) noexcept {           \
    const reg_type expected = was, desired = to;                                                   \
    reg_type old = expected;                                                                       \
    if (has_feature(feature_lse)) [[likely]] {                                                     \
      asm volatile(                                                                                \
          SUREFOOT_A64_ONE_INSTRUCTION("casal" size " %" r "[old], %" r "[to], [%x[base]]", width) \
          : [old] "+&r"(old), SUREFOOT_A64_TRAP(t)                                                 \
          : [to] "r"(desired), SUREFOOT_A64_AT(p)                                                  \
          : "memory");                                                                             \
    } else {                                                                                       \
      std::uint32_t lost;                                                                          \
      reg_type stored;                                                                             \
      asm volatile(SUREFOOT_A64_EXCLUSIVE(r, size, width,                                          \
                                          "cmp %" r "[old], %" r "[expected]\n"                    \
                                          "csel %" r "[stored], %" r "[to], %" r "[old], eq\n",    \
                                          "stored")                                                \
                   : [old] "=&r"(old), [stored] "=&r"(stored), [lost] "=&r"(lost),                 \
                     SUREFOOT_A64_TRAP(t)                                                          \
                   : [expected] "r"(expected), [to] "r"(desired), SUREFOOT_A64_AT(p)               \
                   : "memory", "cc");                                                              \
    }                                                                                              \
    swapped = old == expected;                                                                     \
    was = static_cast<type>(old);                                                                  \
    return t.info != 0;                                                                            \
  }
  SUREFOOT_A64_ATOMICS(std::uint8_t, std::uint32_t, "w", "b", 1)
  SUREFOOT_A64_ATOMICS(std::uint16_t, std::uint32_t, "w", "h", 2)
  SUREFOOT_A64_ATOMICS(std::uint32_t, std::uint32_t, "w", "", 4)
  SUREFOOT_A64_ATOMICS(std::uint64_t, std::uint64_t, "x", "", 8)
#undef SUREFOOT_A64_ATOMICS
#undef SUREFOOT_A64_EXCLUSIVE
#undef SUREFOOT_A64_ONE_INSTRUCTION

  // An exclusive pair on every processor: its two loads are one access only where the store after them
  // succeeds.
  [[gnu::always_inline]] static bool compare_exchange(volatile void* p, pair16& was, pair16 to,
                                                      bool& swapped, trap& t) noexcept {
    const pair16 expected = was;
    std::uint64_t low, high;
    std::uint32_t lost;
    asm volatile(SUREFOOT_A64_BEGIN                                                               //
                 "1:\n"                                                                           //
                 SUREFOOT_A64_ACCESS(0, "ldaxp %x[was_low], %x[was_high], [%x[base]]", 1, 0, 16)  //
                 "cmp %x[was_low], %x[low]\n"
                 "ccmp %x[was_high], %x[high], 0, eq\n"
                 "csel %x[to_low], %x[new_low], %x[was_low], eq\n"
                 "csel %x[to_high], %x[new_high], %x[was_high], eq\n"  //
                 SUREFOOT_A64_ACCESS(1, "stlxp %w[lost], %x[to_low], %x[to_high], [%x[base]]", 1, 0,
                                     16)  //
                 "cbnz %w[lost], 1b\n"    //
                 SUREFOOT_A64_PAD
                 : [was_low] "=&r"(was.low), [was_high] "=&r"(was.high), [to_low] "=&r"(low),
                   [to_high] "=&r"(high), [lost] "=&r"(lost), SUREFOOT_A64_TRAP(t)
                 : [low] "r"(expected.low), [high] "r"(expected.high), [new_low] "r"(to.low),
                   [new_high] "r"(to.high), SUREFOOT_A64_AT(p)
                 : "memory", "cc");
    swapped = was.low == expected.low && was.high == expected.high;
    return t.info != 0;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
