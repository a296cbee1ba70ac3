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
// is from Count to twice Count widths), or a row of four. Each is one statement of
// assembly, with registers of its own choice: so no function has to be compiled for another processor than its
// program is. Those of 16 bytes and more use vectors. Each copies from a source, or fills with `bytes`, which is
// the byte 8 times; `look` loads a row only. A good step is its accesses and two additions: a fault has a way out of its
// own (table.hpp).
template <std::size_t Width>
struct steps;

// clang-format off
#define SUREFOOT_X86_STEP(text, clobbers, ...)                                                     \
  asm goto(text : : [tabled] "i"(1), [t] "c"(&t), __VA_ARGS__ : "memory" clobbers : met);          \
  return false;                                                                                    \
  met:                                                                                             \
  return true
// Where the accesses at the ends begin: R9 of the source, R10 of the destination.
#define SUREFOOT_X86_END(side, reg, rest) "leaq -" #rest "(%[" #side "],%[n]), %%" reg "\n"
#define SUREFOOT_X86_AND(clobber) , clobber

#define SUREFOOT_X86_READ(n, move, to, base, at, width)                                            \
  SUREFOOT_X86_ACCESS_TO("%l[met]", n, move " " #at "(" base "), " to, base, 4, at, width)
#define SUREFOOT_X86_WRITE(n, move, from, base, at, width)                                         \
  SUREFOOT_X86_ACCESS_TO("%l[met]", n, move " " from ", " #at "(" base ")", base, 5, at, width)
// At the end, behind other stores of the step (entry_is_second).
#define SUREFOOT_X86_WRITE_LAST(n, move, from, base, at, width)                                    \
  SUREFOOT_X86_ACCESS_TO("%l[met]", n, move " " from ", " #at "(" base ")", base, 7, at, width)

template <>
struct steps<1> {
  [[gnu::always_inline]] static bool one(volatile void* dst, const volatile void* src,
                                         trap& t) noexcept {
    SUREFOOT_X86_STEP("nop\n" SUREFOOT_X86_READ(0, "movzbl", "%%eax", "%[src]", 0, 1)
                      SUREFOOT_X86_WRITE(1, "movb", "%%al", "%[dst]", 0, 1),
                      SUREFOOT_X86_AND("rax"), [src] "r"(src), [dst] "r"(dst));
  }
  [[gnu::always_inline]] static bool one(volatile void* dst, std::uint64_t bytes,
                                         trap& t) noexcept {
    SUREFOOT_X86_STEP("nop\n" SUREFOOT_X86_WRITE(0, "movb", "%b[bytes]", "%[dst]", 0, 1), ,
                      [bytes] "q"(bytes), [dst] "r"(dst));
  }
};

// RAX and R8 hold what is copied.
#define SUREFOOT_X86_NARROW_STEPS(width, load, to_a, to_b, store, a, b, kind)                      \
  template <>                                                                                      \
  struct steps<width> {                                                                            \
    [[gnu::always_inline]] static bool ends(volatile void* dst, const volatile void* src,          \
                                            std::size_t n, trap& t) noexcept {                     \
      SUREFOOT_X86_STEP(SUREFOOT_X86_END(src, "r9", width) SUREFOOT_X86_END(dst, "r10", width)     \
                        SUREFOOT_X86_READ(0, load, to_a, "%[src]", 0, width)                            \
                        SUREFOOT_X86_READ(1, load, to_b, "%%r9", 0, width)                        \
                        SUREFOOT_X86_WRITE(2, store, a, "%[dst]", 0, width)                             \
                        SUREFOOT_X86_WRITE_LAST(3, store, b, "%%r10", 0, width),                   \
                        SUREFOOT_X86_AND("rax") SUREFOOT_X86_AND("r8") SUREFOOT_X86_AND("r9")      \
                            SUREFOOT_X86_AND("r10"),                                               \
                        [src] "r"(src), [dst] "r"(dst), [n] "r"(n));                               \
    }                                                                                              \
    [[gnu::always_inline]] static bool ends(volatile void* dst, std::uint64_t bytes,               \
                                            std::size_t n, trap& t) noexcept {                     \
      SUREFOOT_X86_STEP(SUREFOOT_X86_END(dst, "r10", width)                                        \
                        SUREFOOT_X86_WRITE(0, store, kind "[bytes]", "%[dst]", 0, width)                \
                        SUREFOOT_X86_WRITE_LAST(1, store, kind "[bytes]", "%%r10", 0, width),      \
                        SUREFOOT_X86_AND("r10"), [bytes] "r"(bytes), [dst] "r"(dst), [n] "r"(n));  \
    }                                                                                              \
  };
SUREFOOT_X86_NARROW_STEPS(2, "movzwl", "%%eax", "%%r8d", "movw", "%%ax", "%%r8w", "%w")
SUREFOOT_X86_NARROW_STEPS(4, "movl", "%%eax", "%%r8d", "movl", "%%eax", "%%r8d", "%k")
SUREFOOT_X86_NARROW_STEPS(8, "movq", "%%rax", "%%r8", "movq", "%%rax", "%%r8", "%q")
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

// The steps, from their accesses, what leaves the vectors, and what a fill makes before: the vector that it stores.
#define SUREFOOT_X86_AND_ALL , SUREFOOT_X86_ALL_VECTORS
#define SUREFOOT_X86_AND_UPPER SUREFOOT_X86_UPPER_VECTORS
#define SUREFOOT_X86_COPY_STEP(name, count, width, vectors, leave, accesses)                       \
  [[gnu::always_inline]] static bool name(volatile void* dst, const volatile void* src,            \
                                          std::size_t n, trap& t) noexcept {                       \
    SUREFOOT_X86_STEP(                                                                             \
        SUREFOOT_X86_END(src, "r9", count * width) SUREFOOT_X86_END(dst, "r10", count * width)     \
        accesses leave,                                                                            \
        SUREFOOT_X86_AND("r9") SUREFOOT_X86_AND("r10") SUREFOOT_X86_AND_##vectors,                 \
        [src] "r"(src), [dst] "r"(dst), [n] "r"(n));                                               \
  }
#define SUREFOOT_X86_FILL_STEP(name, count, width, vectors, leave, make, accesses)                 \
  [[gnu::always_inline]] static bool name(volatile void* dst, std::uint64_t bytes, std::size_t n,  \
                                          trap& t) noexcept {                                      \
    SUREFOOT_X86_STEP(SUREFOOT_X86_END(dst, "r10", count * width) make accesses leave,             \
                      SUREFOOT_X86_AND("r10") SUREFOOT_X86_AND_##vectors, [bytes] "r"(bytes),      \
                      [dst] "r"(dst), [n] "r"(n));                                                 \
  }
// A row has no ends.
#define SUREFOOT_X86_COPY_ROW(vectors, accesses)                                                   \
  [[gnu::always_inline]] static bool row(volatile void* dst, const volatile void* src,             \
                                         trap& t) noexcept {                                       \
    SUREFOOT_X86_STEP("nop\n" accesses, SUREFOOT_X86_AND_##vectors, [src] "r"(src),                \
                      [dst] "r"(dst));                                                             \
  }
#define SUREFOOT_X86_FILL_ROW(vectors, make, accesses)                                             \
  [[gnu::always_inline]] static bool row(volatile void* dst, std::uint64_t bytes,                  \
                                         trap& t) noexcept {                                       \
    SUREFOOT_X86_STEP(make accesses, SUREFOOT_X86_AND_##vectors, [bytes] "r"(bytes),               \
                      [dst] "r"(dst));                                                             \
  }
#define SUREFOOT_X86_WIDE_STEPS(width, move, kind, vectors, leave, make)                           \
  template <>                                                                                      \
  struct steps<width> {                                                                            \
    [[gnu::always_inline]] static bool look(const volatile void* src, trap& t) noexcept {          \
      SUREFOOT_X86_STEP("nop\n"                                                                    \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 0, 1, 2, 3, move, kind, 0, 1, 2, 3, "%[src]", width),      \
        SUREFOOT_X86_AND_##vectors, [src] "r"(src));                                               \
    }                                                                                              \
    SUREFOOT_X86_COPY_STEP(ends, 1, width, vectors, leave,                                         \
        SUREFOOT_X86_READ(0, move, kind "0", "%[src]", 0, width)                                        \
        SUREFOOT_X86_READ(1, move, kind "1", "%%r9", 0, width)                                    \
        SUREFOOT_X86_WRITE(2, move, kind "0", "%[dst]", 0, width)                                       \
        SUREFOOT_X86_WRITE_LAST(3, move, kind "1", "%%r10", 0, width))                             \
    SUREFOOT_X86_COPY_STEP(two_at_ends, 2, width, vectors, leave,                                  \
        SUREFOOT_X86_TWO(SUREFOOT_X86_READ, 0, 1, move, kind, 0, 1, "%[src]", width)                    \
        SUREFOOT_X86_TWO(SUREFOOT_X86_READ, 2, 3, move, kind, 2, 3, "%%r9", width)                \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE, 4, 5, move, kind, 0, 1, "%[dst]", width)                   \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE_LAST, 6, 7, move, kind, 2, 3, "%%r10", width))         \
    SUREFOOT_X86_COPY_STEP(four_at_ends, 4, width, vectors, leave,                                 \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 0, 1, 2, 3, move, kind, 0, 1, 2, 3, "%[src]", width)       \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 4, 5, 6, 7, move, kind, 4, 5, 6, 7, "%%r9", width)   \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 8, 9, 10, 11, move, kind, 0, 1, 2, 3, "%[dst]", width)    \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE_LAST, 12, 13, 14, 15, move, kind, 4, 5, 6, 7, "%%r10", width))\
    SUREFOOT_X86_COPY_ROW(vectors,                                                                 \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_READ, 0, 1, 2, 3, move, kind, 0, 1, 2, 3, "%[src]", width)       \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 4, 5, 6, 7, move, kind, 0, 1, 2, 3, "%[dst]", width))     \
    SUREFOOT_X86_FILL_STEP(ends, 1, width, vectors, leave, make,                                   \
        SUREFOOT_X86_WRITE(0, move, kind "0", "%[dst]", 0, width)                                       \
        SUREFOOT_X86_WRITE_LAST(1, move, kind "0", "%%r10", 0, width))                             \
    SUREFOOT_X86_FILL_STEP(two_at_ends, 2, width, vectors, leave, make,                            \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE, 0, 1, move, kind, 0, 0, "%[dst]", width)                   \
        SUREFOOT_X86_TWO(SUREFOOT_X86_WRITE_LAST, 2, 3, move, kind, 0, 0, "%%r10", width))         \
    SUREFOOT_X86_FILL_STEP(four_at_ends, 4, width, vectors, leave, make,                           \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 0, 1, 2, 3, move, kind, 0, 0, 0, 0, "%[dst]", width)      \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE_LAST, 4, 5, 6, 7, move, kind, 0, 0, 0, 0, "%%r10", width))\
    SUREFOOT_X86_FILL_ROW(vectors, make,                                                           \
        SUREFOOT_X86_FOUR(SUREFOOT_X86_WRITE, 0, 1, 2, 3, move, kind, 0, 0, 0, 0, "%[dst]", width))     \
  };
SUREFOOT_X86_WIDE_STEPS(16, "movups", "%%xmm", ALL, "", SUREFOOT_X86_REPEAT_16(bytes))
SUREFOOT_X86_WIDE_STEPS(32, "vmovups", "%%ymm", ALL, "vzeroupper\n", SUREFOOT_X86_REPEAT_32(bytes))
// zmm20 and following.
SUREFOOT_X86_WIDE_STEPS(64, "vmovups", "%%zmm2", UPPER, "", SUREFOOT_X86_REPEAT_64(bytes))
#undef SUREFOOT_X86_WIDE_STEPS
#undef SUREFOOT_X86_FILL_STEP
#undef SUREFOOT_X86_COPY_STEP
#undef SUREFOOT_X86_FILL_ROW
#undef SUREFOOT_X86_COPY_ROW
#undef SUREFOOT_X86_FOUR
#undef SUREFOOT_X86_TWO
#undef SUREFOOT_X86_WRITE_LAST
#undef SUREFOOT_X86_WRITE
#undef SUREFOOT_X86_READ
#undef SUREFOOT_X86_AND_UPPER
#undef SUREFOOT_X86_AND_ALL
#undef SUREFOOT_X86_AND
#undef SUREFOOT_X86_END
#undef SUREFOOT_X86_STEP
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
