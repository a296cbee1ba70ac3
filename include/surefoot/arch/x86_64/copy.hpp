// Copies on x86-64: the inner block of a walk (here of engine::jump), 64 bytes through four SSE registers, which
// every x86-64 has; and the steps of engine/steps.hpp, with registers of 1 to 64 bytes.
//
// What is loaded is loaded before any of it is stored, so that a fault on the load side leaves the
// destination alone, and so that a destination below its source may overlap it. Stores ascend: when one
// faults, all those before it are done and none after it was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/block.hpp>
#include <surefoot/arch/x86_64/probe.hpp>
#include <surefoot/arch/x86_64/vector.hpp>
#include <surefoot/range.hpp>

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

inline constexpr bool has_steps = true;

// Steps on n bytes: Count accesses of one width at their beginning and Count at their end, which may overlap (n
// is from Count to twice Count widths), or a row of four (n is their length). Each is one statement of
// assembly, with registers of its own choice: so no function has to be compiled for another processor than its
// program is. Those of 16 bytes and more use vectors. Each copies from a source, or fills with `bytes`, which is
// the byte 8 times.
template <std::size_t Width>
struct steps;

template <>
struct steps<1> {
  [[gnu::always_inline]] static bool one(volatile void* dst, const volatile void* src,
                                         trap& t) noexcept {
    std::uint8_t byte;
    return access<true>::load(src, byte, t) || access<true>::store(dst, byte, t);
  }
  [[gnu::always_inline]] static bool one(volatile void* dst, std::uint64_t bytes,
                                         trap& t) noexcept {
    return access<true>::store(dst, static_cast<std::uint8_t>(bytes), t);
  }
};

// clang-format off
#define SUREFOOT_X86_READ(n, move, to, base, at, width)                                            \
  SUREFOOT_X86_ACCESS(n, move " " #at "(%[" #base "]), " to, base, 0, at, width)
#define SUREFOOT_X86_WRITE(n, move, from, base, at, width)                                         \
  SUREFOOT_X86_ACCESS(n, move " " from ", " #at "(%[" #base "])", base, 1, at, width)
// At the end, behind other stores of the step (table_entry::writes).
#define SUREFOOT_X86_WRITE_LAST(n, move, from, base, at, width)                                    \
  SUREFOOT_X86_ACCESS(n, move " " from ", " #at "(%[" #base "])", base, 3, at, width)

#define SUREFOOT_X86_NARROW_STEPS(width, load, loaded, store, stored)                              \
  template <>                                                                                      \
  struct steps<width> {                                                                            \
    [[gnu::always_inline]] static bool ends(volatile void* dst, const volatile void* src,          \
                                                 std::size_t n, trap& t) noexcept {                \
      std::uint64_t a, b;                                                                          \
      bool faulted;                                                                                \
      asm volatile("clc\n"                                                                         \
                   SUREFOOT_X86_READ(0, load, loaded "[a]", src, 0, width)                         \
                   SUREFOOT_X86_READ(1, load, loaded "[b]", src_end, 0, width)                     \
                   SUREFOOT_X86_WRITE(2, store, stored "[a]", dst, 0, width)                       \
                   SUREFOOT_X86_WRITE_LAST(3, store, stored "[b]", dst_end, 0, width)              \
                   SUREFOOT_X86_PAD                                                                \
                   : [a] "=&r"(a), [b] "=&r"(b), SUREFOOT_X86_TRAP(faulted, t)                     \
                   : [src] "r"(src), [src_end] "r"(detail::forward(src, n - width)),               \
                     [dst] "r"(dst), [dst_end] "r"(detail::forward(dst, n - width)),               \
                     [tabled] "i"(1)                                                               \
                   : "memory");                                                                    \
      return faulted;                                                                              \
    }                                                                                              \
    [[gnu::always_inline]] static bool ends(volatile void* dst, std::uint64_t bytes,               \
                                                 std::size_t n, trap& t) noexcept {                \
      bool faulted;                                                                                \
      asm volatile("clc\n"                                                                         \
                   SUREFOOT_X86_WRITE(0, store, stored "[bytes]", dst, 0, width)                   \
                   SUREFOOT_X86_WRITE_LAST(1, store, stored "[bytes]", dst_end, 0, width)          \
                   SUREFOOT_X86_PAD                                                                \
                   : SUREFOOT_X86_TRAP(faulted, t)                                                 \
                   : [bytes] "r"(bytes), [dst] "r"(dst),                                           \
                     [dst_end] "r"(detail::forward(dst, n - width)), [tabled] "i"(1)               \
                   : "memory");                                                                    \
      return faulted;                                                                              \
    }                                                                                              \
  };
SUREFOOT_X86_NARROW_STEPS(2, "movzwl", "%k", "movw", "%w")
SUREFOOT_X86_NARROW_STEPS(4, "movl", "%k", "movl", "%k")
SUREFOOT_X86_NARROW_STEPS(8, "movq", "%q", "movq", "%q")
#undef SUREFOOT_X86_NARROW_STEPS

// Two or four accesses of a kind (READ, WRITE, WRITE_LAST) in a row, numbers n0 and following, with registers r0 and
// following.
#define SUREFOOT_X86_TWO(access, n0, n1, move, kind, r0, r1, base, width)                          \
  access(n0, move, kind #r0, base, 0, width)                                                       \
  access(n1, move, kind #r1, base, width, width)
#define SUREFOOT_X86_FOUR(access, n0, n1, n2, n3, move, kind, r0, r1, r2, r3, base, width)         \
  SUREFOOT_X86_TWO(access, n0, n1, move, kind, r0, r1, base, width)                                \
  access(n2, move, kind #r2, base, 2 * width, width)                                               \
  access(n3, move, kind #r3, base, 3 * width, width)

// The statements of a step, from its accesses and from what leaves the vectors (which keeps the carry flag); a
// fill makes the vector that it stores before.
#define SUREFOOT_X86_COPY_STEP(name, count, width, leave, accesses)                                \
  [[gnu::always_inline]] static bool name(volatile void* dst, const volatile void* src,            \
                                          std::size_t n, trap& t) noexcept {                       \
    bool faulted;                                                                                  \
    asm volatile("clc\n" accesses SUREFOOT_X86_PAD leave                                           \
                 : SUREFOOT_X86_TRAP(faulted, t)                                                   \
                 : [src] "r"(src), [src_end] "r"(detail::forward(src, n - count * width)),         \
                   [dst] "r"(dst), [dst_end] "r"(detail::forward(dst, n - count * width)),         \
                   [tabled] "i"(1)                                                                 \
                 : "memory", SUREFOOT_X86_ALL_VECTORS);                                            \
    return faulted;                                                                                \
  }
#define SUREFOOT_X86_FILL_STEP(name, count, width, leave, make, accesses)                          \
  [[gnu::always_inline]] static bool name(volatile void* dst, std::uint64_t bytes, std::size_t n,  \
                                          trap& t) noexcept {                                      \
    bool faulted;                                                                                  \
    asm volatile(make "clc\n" accesses SUREFOOT_X86_PAD leave                                      \
                 : SUREFOOT_X86_TRAP(faulted, t)                                                   \
                 : [bytes] "r"(bytes), [dst] "r"(dst),                                             \
                   [dst_end] "r"(detail::forward(dst, n - count * width)), [tabled] "i"(1)         \
                 : "memory", SUREFOOT_X86_ALL_VECTORS);                                            \
    return faulted;                                                                                \
  }
#define SUREFOOT_X86_WIDE_STEPS(width, move, kind, leave, make)                                    \
  template <>                                                                                      \
  struct steps<width> {                                                                            \
    SUREFOOT_X86_COPY_STEP(ends, 1, width, leave,                                                  \
        SUREFOOT_X86_READ(0, move, kind "0", src, 0, width)                                        \
        SUREFOOT_X86_READ(1, move, kind "1", src_end, 0, width)                                    \
        SUREFOOT_X86_WRITE(2, move, kind "0", dst, 0, width)                                       \
        SUREFOOT_X86_WRITE_LAST(3, move, kind "1", dst_end, 0, width))                             \
    SUREFOOT_X86_COPY_STEP(two_at_ends, 2, width, leave,                                           \
        SUREFOOT_X86_TWO(SUREFOOT_X86_READ, 0, 1, move, kind, 0, 1, src, width)                    \
        SUREFOOT_X86_TWO(SUREFOOT_X86_READ, 2, 3, move, kind, 2, 3, src_end, width)                \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE, 4, 5, move, kind, 0, 1, dst, width)                   \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE_LAST, 6, 7, move, kind, 2, 3, dst_end, width))         \
    SUREFOOT_X86_COPY_STEP(four_at_ends, 4, width, leave,                                          \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 0, 1, 2, 3, move, kind, 0, 1, 2, 3, src, width)       \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 4, 5, 6, 7, move, kind, 4, 5, 6, 7, src_end, width)   \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 8, 9, 10, 11, move, kind, 0, 1, 2, 3, dst, width)    \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE_LAST, 12, 13, 14, 15, move, kind, 4, 5, 6, 7, dst_end, width))\
    SUREFOOT_X86_COPY_STEP(row, 4, width, "",                                                      \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 0, 1, 2, 3, move, kind, 0, 1, 2, 3, src, width)       \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 4, 5, 6, 7, move, kind, 0, 1, 2, 3, dst, width))     \
    SUREFOOT_X86_FILL_STEP(ends, 1, width, leave, make,                                            \
        SUREFOOT_X86_WRITE(0, move, kind "0", dst, 0, width)                                       \
        SUREFOOT_X86_WRITE_LAST(1, move, kind "0", dst_end, 0, width))                             \
    SUREFOOT_X86_FILL_STEP(two_at_ends, 2, width, leave, make,                                     \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE, 0, 1, move, kind, 0, 0, dst, width)                   \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE_LAST, 2, 3, move, kind, 0, 0, dst_end, width))         \
    SUREFOOT_X86_FILL_STEP(four_at_ends, 4, width, leave, make,                                    \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 0, 1, 2, 3, move, kind, 0, 0, 0, 0, dst, width)      \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE_LAST, 4, 5, 6, 7, move, kind, 0, 0, 0, 0, dst_end, width))\
    SUREFOOT_X86_FILL_STEP(row, 4, width, "", make,                                                \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 0, 1, 2, 3, move, kind, 0, 0, 0, 0, dst, width))     \
  };
SUREFOOT_X86_WIDE_STEPS(16, "movups", "%%xmm", "", SUREFOOT_X86_REPEAT_16(bytes))
SUREFOOT_X86_WIDE_STEPS(32, "vmovups", "%%ymm", "vzeroupper\n", SUREFOOT_X86_REPEAT_32(bytes))
SUREFOOT_X86_WIDE_STEPS(64, "vmovups", "%%zmm", "vzeroupper\n", SUREFOOT_X86_REPEAT_64(bytes))
#undef SUREFOOT_X86_WIDE_STEPS
#undef SUREFOOT_X86_FILL_STEP
#undef SUREFOOT_X86_COPY_STEP
#undef SUREFOOT_X86_FOUR
#undef SUREFOOT_X86_TWO
#undef SUREFOOT_X86_WRITE_LAST
#undef SUREFOOT_X86_WRITE
#undef SUREFOOT_X86_READ
// clang-format on

// What engine/steps.hpp works with.
struct vectors : vector_choice {
  template <std::size_t Width>
  using steps = arch::steps<Width>;

  // A whole fill, by the processor's own loop. `at` is where it stands when a fault ends it: exactly, for SIGSEGV
  // and SIGBUS, as measured on an AMD EPYC (Zen 4). Where it stood further back, by less than the width of the
  // entry, the rest would be stored again.
  [[gnu::always_inline]] static bool fill_by_string(volatile void*& at, std::uint64_t bytes,
                                                    std::size_t n, trap& t) noexcept {
    bool faulted;
    asm volatile("clc\n" SUREFOOT_X86_ACCESS(0, "rep stosb", at, 1, 0, 4096) SUREFOOT_X86_PAD
                 : [at] "+D"(at), "+c"(n), SUREFOOT_X86_TRAP(faulted, t)
                 : "a"(bytes), [tabled] "i"(1)
                 : "memory");
    return faulted;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
