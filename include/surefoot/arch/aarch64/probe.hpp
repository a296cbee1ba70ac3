// Single accesses on aarch64: loads and stores of 1, 2, 4, 8 and 16 bytes, the write probe, and the look
// at a memory tag.
//
// Each returns true if it faulted; then `t` says why and at which byte, and nothing was loaded. Nothing
// was stored either, as long as a store does not cross a granule of 16 bytes: one that does may leave a
// torn part (measured for `str q` across into a bad page). `Tabled` says whether the access has an entry
// in the exception table; without one, a fault has to be caught by a guard.
//
// All of this is assembly on purpose: a sanitizer must not look at these accesses, a compiler must not
// move or widen them, and UBSan would stop at a null pointer before the access.
#pragma once

#include <sys/auxv.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/aarch64/table.hpp>
#include <surefoot/arch/block.hpp>
#include <surefoot/arch/trap.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// Bytes of the narrowest read-modify-write: what touches a byte touches this multiple of it.
inline constexpr std::size_t narrowest_atomic = 1;

// What this processor has beyond ARMv8.0, as the kernel tells it (asm/hwcap.h). Asked once.
inline constinit unsigned char known_features = 0;
inline constexpr unsigned char features_asked = 1, feature_lse = 2, feature_mte = 4;

inline bool has_feature(unsigned char which) noexcept {
  unsigned char known = __atomic_load_n(&known_features, __ATOMIC_RELAXED);
  if (known == 0) {
    constexpr unsigned long hwcap_atomics = 1ul << 8, hwcap2_mte = 1ul << 18;
    known = features_asked;
    if ((::getauxval(AT_HWCAP) & hwcap_atomics) != 0) known |= feature_lse;
    if ((::getauxval(AT_HWCAP2) & hwcap2_mte) != 0) known |= feature_mte;
    __atomic_store_n(&known_features, known, __ATOMIC_RELAXED);
  }
  return (known & which) != 0;
}

// Has this processor memory tags?
inline bool tags_are_here() noexcept { return has_feature(feature_mte); }

template <bool Tabled>
struct access {
#define SUREFOOT_A64_LOAD(type, loaded_as, instruction, reg, width)                            \
  [[gnu::always_inline]] static bool load(const volatile void* p, type& v, trap& t) noexcept { \
    loaded_as loaded;                                                                          \
    asm volatile(SUREFOOT_A64_BEGIN SUREFOOT_A64_ACCESS(0, instruction ", [%x[base]]", 0, 0,   \
                                                        width) SUREFOOT_A64_PAD                \
                 : [v] "=" reg(loaded), SUREFOOT_A64_TRAP(t)                                   \
                 : SUREFOOT_A64_AT(p)                                                          \
                 : "memory");                                                                  \
    v = static_cast<type>(loaded);                                                             \
    return t.info != 0;                                                                        \
  }
#define SUREFOOT_A64_STORE(type, instruction, reg, width)                                    \
  [[gnu::always_inline]] static bool store(volatile void* p, type v, trap& t) noexcept {     \
    asm volatile(SUREFOOT_A64_BEGIN SUREFOOT_A64_ACCESS(0, instruction ", [%x[base]]", 1, 0, \
                                                        width) SUREFOOT_A64_PAD              \
                 : SUREFOOT_A64_TRAP(t)                                                      \
                 : [v] reg(v), SUREFOOT_A64_AT(p)                                            \
                 : "memory");                                                                \
    return t.info != 0;                                                                      \
  }
  SUREFOOT_A64_LOAD(std::uint8_t, std::uint32_t, "ldrb %w[v]", "r", 1)
  SUREFOOT_A64_LOAD(std::uint16_t, std::uint32_t, "ldrh %w[v]", "r", 2)
  SUREFOOT_A64_LOAD(std::uint32_t, std::uint32_t, "ldr %w[v]", "r", 4)
  SUREFOOT_A64_LOAD(std::uint64_t, std::uint64_t, "ldr %x[v]", "r", 8)
  SUREFOOT_A64_LOAD(vector16, vector16, "ldr %q[v]", "w", 16)
  SUREFOOT_A64_STORE(std::uint8_t, "strb %w[v]", "r", 1)
  SUREFOOT_A64_STORE(std::uint16_t, "strh %w[v]", "r", 2)
  SUREFOOT_A64_STORE(std::uint32_t, "str %w[v]", "r", 4)
  SUREFOOT_A64_STORE(std::uint64_t, "str %x[v]", "r", 8)
  SUREFOOT_A64_STORE(vector16, "str %q[v]", "w", 16)
#undef SUREFOOT_A64_LOAD
#undef SUREFOOT_A64_STORE

  // The read probe: one byte.
  [[gnu::always_inline]] static bool probe_read(const volatile void* p, trap& t) noexcept {
    std::uint8_t ignored;
    return load(p, ignored, t);
  }

  // The write probe: stores the byte that is there, in one atomic read-modify-write, so that no
  // concurrent writer's change is lost. One instruction where there is one, else an exclusive pair.
  [[gnu::always_inline]] static bool probe_write(volatile void* p, trap& t) noexcept {
    std::uint32_t byte;
    if (has_feature(feature_lse)) [[likely]] {
      asm volatile(".arch_extension lse\n" SUREFOOT_A64_BEGIN SUREFOOT_A64_ACCESS(
                       0, "ldsetb wzr, %w[byte], [%x[base]]", 1, 0, 1) SUREFOOT_A64_PAD
                   : [byte] "=r"(byte), SUREFOOT_A64_TRAP(t)
                   : SUREFOOT_A64_AT(p)
                   : "memory");
    } else {
      std::uint32_t lost;
      asm volatile(SUREFOOT_A64_BEGIN                                                       //
                   "1:\n"                                                                   //
                   SUREFOOT_A64_ACCESS(0, "ldxrb %w[byte], [%x[base]]", 1, 0, 1)            //
                   SUREFOOT_A64_ACCESS(1, "stxrb %w[lost], %w[byte], [%x[base]]", 1, 0, 1)  //
                   "cbnz %w[lost], 1b\n"                                                    //
                   SUREFOOT_A64_PAD
                   : [byte] "=&r"(byte), [lost] "=&r"(lost), SUREFOOT_A64_TRAP(t)
                   : SUREFOOT_A64_AT(p)
                   : "memory");
    }
    return t.info != 0;
  }
  [[gnu::always_inline]] static bool probe_write(const volatile void* p, trap& t) noexcept {
    return probe_write(const_cast<volatile void*>(p), t);
  }

  // Loads the tag of the granule at p: `seen` is p with that tag instead of its own. Not a tag-checked
  // access; it faults where a load would for another reason. The tag of memory without PROT_MTE is 0.
  // Precondition: tags_are_here().
  [[gnu::always_inline]] static bool load_tag(const volatile void* p, std::uintptr_t& seen,
                                              trap& t) noexcept {
    // `ldg x16, [x17]`, as a number: by its name it wants -march=armv8.5-a+memtag. It accesses the granule,
    // and a fault of it is reported at its beginning.
    register std::uintptr_t tagged asm("x16") = reinterpret_cast<std::uintptr_t>(p);
    register const std::uintptr_t from asm("x17") = tagged & ~std::uintptr_t{15};
    asm volatile(SUREFOOT_A64_BEGIN SUREFOOT_A64_ACCESS(0, ".inst 0xd9600230", 0, 0, 16)
                     SUREFOOT_A64_PAD
                 : [tagged] "+r"(tagged), SUREFOOT_A64_TRAP(t)
                 : SUREFOOT_A64_AT(from)
                 : "memory");
    seen = tagged;
    return t.info != 0;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
