// Single accesses on x86-64: loads and stores of 1, 2, 4, 8 and 16 bytes, and the write probe.
//
// Each returns true if it faulted; then `t` says why and at which byte, and nothing was loaded or
// stored (an x86 store that crosses into a bad page changes no byte: measured for 8, 16 and 64
// bytes). `Tabled` says whether the access has an entry in the exception table; without one, a
// fault has to be caught by a guard.
//
// All of this is assembly on purpose: a sanitizer must not look at these accesses, a compiler must
// not move or widen them, and UBSan would stop at a null pointer before the access.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/block.hpp>
#include <surefoot/arch/trap.hpp>
#include <surefoot/arch/x86_64/table.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// Bytes of the narrowest read-modify-write: what touches a byte touches this multiple of it.
inline constexpr std::size_t narrowest_atomic = 1;

// Has this processor memory tags?
constexpr bool tags_are_here() noexcept { return false; }

template <bool Tabled>
struct access {
#define SUREFOOT_X86_LOAD(type, loaded_as, instruction, reg, width)                                \
  [[gnu::always_inline]] static bool load(const volatile void* p, type& v, trap& t) noexcept {     \
    bool faulted;                                                                                  \
    loaded_as loaded;                                                                              \
    asm volatile("clc\n" SUREFOOT_X86_ACCESS(0, instruction " (%[base]), %[v]", base, 0, 0, width) \
                     SUREFOOT_X86_PAD                                                              \
                 : [v] "=" reg(loaded), SUREFOOT_X86_TRAP(faulted, t)                              \
                 : [base] "r"(p), [tabled] "i"(Tabled)                                             \
                 : "memory");                                                                      \
    v = static_cast<type>(loaded);                                                                 \
    return faulted;                                                                                \
  }
#define SUREFOOT_X86_STORE(type, instruction, reg, width)                                          \
  [[gnu::always_inline]] static bool store(volatile void* p, type v, trap& t) noexcept {           \
    bool faulted;                                                                                  \
    asm volatile("clc\n" SUREFOOT_X86_ACCESS(0, instruction " %[v], (%[base])", base, 1, 0, width) \
                     SUREFOOT_X86_PAD                                                              \
                 : SUREFOOT_X86_TRAP(faulted, t)                                                   \
                 : [v] reg(v), [base] "r"(p), [tabled] "i"(Tabled)                                 \
                 : "memory");                                                                      \
    return faulted;                                                                                \
  }
  // Narrow loads fill a whole register: no wait for its former upper part.
  SUREFOOT_X86_LOAD(std::uint8_t, std::uint32_t, "movzbl", "r", 1)
  SUREFOOT_X86_LOAD(std::uint16_t, std::uint32_t, "movzwl", "r", 2)
  SUREFOOT_X86_LOAD(std::uint32_t, std::uint32_t, "movl", "r", 4)
  SUREFOOT_X86_LOAD(std::uint64_t, std::uint64_t, "movq", "r", 8)
  SUREFOOT_X86_LOAD(vector16, vector16, "movups", "x", 16)
  SUREFOOT_X86_STORE(std::uint8_t, "movb", "q", 1)
  SUREFOOT_X86_STORE(std::uint16_t, "movw", "r", 2)
  SUREFOOT_X86_STORE(std::uint32_t, "movl", "r", 4)
  SUREFOOT_X86_STORE(std::uint64_t, "movq", "r", 8)
  SUREFOOT_X86_STORE(vector16, "movups", "x", 16)
#undef SUREFOOT_X86_LOAD
#undef SUREFOOT_X86_STORE

  // The read probe: one byte.
  [[gnu::always_inline]] static bool probe_read(const volatile void* p, trap& t) noexcept {
    std::uint8_t ignored;
    return load(p, ignored, t);
  }

  // The write probe: stores the byte that is there, in one atomic read-modify-write, so that no
  // concurrent writer's change is lost. `or` clears the carry flag itself.
  [[gnu::always_inline]] static bool probe_write(const volatile void* p, trap& t) noexcept {
    bool faulted;
    asm volatile("nop\n" SUREFOOT_X86_ACCESS(0, "lock orb $0, (%[base])", base, 1, 0, 1)
                     SUREFOOT_X86_PAD
                 : SUREFOOT_X86_TRAP(faulted, t)
                 : [base] "r"(p), [tabled] "i"(Tabled)
                 : "memory");
    return faulted;
  }

  // The tag of the memory at p, in p; there is none here.
  static bool load_tag(const volatile void* p, std::uintptr_t& seen, trap&) noexcept {
    seen = reinterpret_cast<std::uintptr_t>(p);
    return false;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
