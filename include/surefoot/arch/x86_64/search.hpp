// Searches on x86-64: the steps of engine/search.hpp, with vectors of 16 bytes (SSE2) and 32 (AVX2). Each is one
// statement of assembly, with registers of its own choice.
//
// A step looks at a number of bytes and sets a bit for each one that is of interest, from the lowest on: find, the
// bytes of one value; compare, those that differ from the byte at the same place of another range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/trap.hpp>
#include <surefoot/arch/x86_64/table.hpp>
#include <surefoot/arch/x86_64/vector.hpp>
#include <surefoot/config.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

inline constexpr bool has_searches = true;

// one: Width bytes. some: the same again and again, up to `end`, which lies a multiple of that behind p. rows: the same
// with four vectors at once, for many. A vector that has bytes of interest ends it: `bits` are its bits, and p stands
// there (without: bits is 0, and p at `end`; after a fault, p stands at the vector or the row). Each finds `bytes`,
// which is the byte 8 times, or compares with another range.
// None of them leaves the vectors (vector_choice::leave).
template <std::size_t Width>
struct search_steps;

// clang-format off
// Vectors 1 to 4 have ones where bytes are equal; `chosen` makes flags of such a vector's bits, and clears the
// carry flag, as whatever comes last has to.
#define SUREFOOT_X86_SEARCH_ROWS(width, four, combined, chosen, along)                             \
  ".balign 16\n.Lsurefoot_%=_row:\n"                                                               \
  four combined SUREFOOT_X86_MASK(5) chosen "jnz .Lsurefoot_%=_here\n"                             \
  "addq $4*" #width ", %[p]\n" along                                                               \
  "cmpq %[p], %[end]\n jne .Lsurefoot_%=_row\n"                                                    \
  "xorl %k[bits], %k[bits]\n jmp .Lsurefoot_%=_pad\n"                                              \
  ".Lsurefoot_%=_here:\n"                                                                          \
  SUREFOOT_X86_MASK(1) chosen "jnz .Lsurefoot_%=_pad\n addq $" #width ", %[p]\n"                   \
  SUREFOOT_X86_MASK(2) chosen "jnz .Lsurefoot_%=_pad\n addq $" #width ", %[p]\n"                   \
  SUREFOOT_X86_MASK(3) chosen "jnz .Lsurefoot_%=_pad\n addq $" #width ", %[p]\n"                   \
  SUREFOOT_X86_MASK(4) chosen
#define SUREFOOT_X86_SEARCH_SOME(width, vector, chosen, along)                                     \
  ".Lsurefoot_%=_next:\n"                                                                          \
  vector SUREFOOT_X86_MASK(1) chosen "jnz .Lsurefoot_%=_pad\n"                                     \
  "addq $" #width ", %[p]\n" along                                                                 \
  "cmpq %[p], %[end]\n jne .Lsurefoot_%=_next\n"
#define SUREFOOT_X86_EQUAL_BITS "testl %k[bits], %k[bits]\n"
#define SUREFOOT_X86_OTHER_BITS(ones) "xorl $" #ones ", %k[bits]\n"

// The statement of a step. Its operands: [p] and, for a comparison, [from] go along in a loop, and are outputs then.
#define SUREFOOT_X86_SEARCH(arguments, text, outputs, ...)                                         \
  [[gnu::always_inline]] static bool arguments {                                                   \
    bool faulted;                                                                                  \
    asm volatile(text SUREFOOT_X86_PAD                                                             \
                 : [bits] "=&r"(bits), SUREFOOT_X86_TRAP(faulted, t) outputs                       \
                 : [tabled] "i"(1), __VA_ARGS__                                                    \
                 : "memory", SUREFOOT_X86_ALL_VECTORS);                                            \
    return faulted;                                                                                \
  }
#define SUREFOOT_X86_ALONG(operand, value) , [operand] "+&r"(value)
#define SUREFOOT_X86_RESULT std::uint64_t& bits, trap& t
#define SUREFOOT_X86_SEARCH_STEPS(width, ones)                                                     \
  template <>                                                                                      \
  struct search_steps<width> {                                                                     \
    SUREFOOT_X86_SEARCH(                                                                           \
        one(const volatile void* p, std::uint64_t bytes, SUREFOOT_X86_RESULT) noexcept,            \
        SUREFOOT_X86_REPEAT_##width(from) "clc\n"                                                  \
        SUREFOOT_X86_EQUAL(0, 1, 0) SUREFOOT_X86_MASK(1),                                          \
        , [p] "r"(p), [from] "r"(bytes))                                                           \
    SUREFOOT_X86_SEARCH(                                                                           \
        one(const volatile void* p, const volatile void* q, SUREFOOT_X86_RESULT) noexcept,         \
        "clc\n" SUREFOOT_X86_EQUAL_TO(0, 1, 1, 0)                                                  \
        SUREFOOT_X86_MASK(1) SUREFOOT_X86_OTHER_BITS(ones),                                        \
        , [p] "r"(p), [from] "r"(q))                                                               \
    SUREFOOT_X86_SEARCH(                                                                           \
        some(const volatile void*& p, const volatile void* end, std::uint64_t bytes,               \
             SUREFOOT_X86_RESULT) noexcept,                                                        \
        SUREFOOT_X86_REPEAT_##width(from) "clc\n"                                                  \
        SUREFOOT_X86_SEARCH_SOME(width, SUREFOOT_X86_EQUAL(0, 1, 0), SUREFOOT_X86_EQUAL_BITS, ""), \
        SUREFOOT_X86_ALONG(p, p), [end] "r"(end), [from] "r"(bytes))                               \
    SUREFOOT_X86_SEARCH(                                                                           \
        some(const volatile void*& p, const volatile void* end, const volatile void* q,            \
             SUREFOOT_X86_RESULT) noexcept,                                                        \
        "clc\n"                                                                                    \
        SUREFOOT_X86_SEARCH_SOME(width, SUREFOOT_X86_EQUAL_TO(0, 1, 1, 0),                         \
                                 SUREFOOT_X86_OTHER_BITS(ones), "addq $" #width ", %[from]\n"),    \
        SUREFOOT_X86_ALONG(p, p) SUREFOOT_X86_ALONG(from, q), [end] "r"(end))                      \
    SUREFOOT_X86_SEARCH(                                                                           \
        rows(const volatile void*& p, const volatile void* end, std::uint64_t bytes,               \
             SUREFOOT_X86_RESULT) noexcept,                                                        \
        SUREFOOT_X86_REPEAT_##width(from) "clc\n"                                                  \
        SUREFOOT_X86_SEARCH_ROWS(width,                                                            \
            SUREFOOT_X86_EQUAL(0, 1, 0) SUREFOOT_X86_EQUAL(1, 2, width)                            \
            SUREFOOT_X86_EQUAL(2, 3, 2 * width) SUREFOOT_X86_EQUAL(3, 4, 3 * width),               \
            SUREFOOT_X86_COMBINED(or), SUREFOOT_X86_EQUAL_BITS, ""),                               \
        SUREFOOT_X86_ALONG(p, p), [end] "r"(end), [from] "r"(bytes))                               \
    SUREFOOT_X86_SEARCH(                                                                           \
        rows(const volatile void*& p, const volatile void* end, const volatile void* q,            \
             SUREFOOT_X86_RESULT) noexcept,                                                        \
        "clc\n"                                                                                    \
        SUREFOOT_X86_SEARCH_ROWS(width,                                                            \
            SUREFOOT_X86_EQUAL_TO(0, 1, 1, 0) SUREFOOT_X86_EQUAL_TO(2, 3, 2, width)                \
            SUREFOOT_X86_EQUAL_TO(4, 5, 3, 2 * width) SUREFOOT_X86_EQUAL_TO(6, 7, 4, 3 * width),   \
            SUREFOOT_X86_COMBINED(and), SUREFOOT_X86_OTHER_BITS(ones),                             \
            "addq $4*" #width ", %[from]\n"),                                                      \
        SUREFOOT_X86_ALONG(p, p) SUREFOOT_X86_ALONG(from, q), [end] "r"(end))                      \
  };

#define SUREFOOT_X86_EQUAL(n, r, at)                                                               \
  SUREFOOT_X86_ACCESS(n, "movups " #at "(%[p]), %%xmm" #r, p, 0, at, 16)                           \
  "pcmpeqb %%xmm0, %%xmm" #r "\n"
#define SUREFOOT_X86_EQUAL_TO(n, m, r, at)                                                         \
  SUREFOOT_X86_ACCESS(n, "movups " #at "(%[p]), %%xmm" #r, p, 0, at, 16)                           \
  SUREFOOT_X86_ACCESS(m, "movups " #at "(%[from]), %%xmm0", from, 2, at, 16)                       \
  "pcmpeqb %%xmm0, %%xmm" #r "\n"
#define SUREFOOT_X86_MASK(r) "pmovmskb %%xmm" #r ", %k[bits]\n"
#define SUREFOOT_X86_COMBINED(by)                                                                  \
  "movaps %%xmm1, %%xmm5\n movaps %%xmm3, %%xmm6\n p" #by " %%xmm2, %%xmm5\n"                      \
  "p" #by " %%xmm4, %%xmm6\n p" #by " %%xmm6, %%xmm5\n"
SUREFOOT_X86_SEARCH_STEPS(16, 0xffff)
#undef SUREFOOT_X86_COMBINED
#undef SUREFOOT_X86_MASK
#undef SUREFOOT_X86_EQUAL_TO
#undef SUREFOOT_X86_EQUAL

#define SUREFOOT_X86_EQUAL(n, r, at)                                                               \
  SUREFOOT_X86_ACCESS(n, "vpcmpeqb " #at "(%[p]), %%ymm0, %%ymm" #r, p, 0, at, 32)
#define SUREFOOT_X86_EQUAL_TO(n, m, r, at)                                                         \
  SUREFOOT_X86_ACCESS(n, "vmovups " #at "(%[p]), %%ymm" #r, p, 0, at, 32)                          \
  SUREFOOT_X86_ACCESS(m, "vpcmpeqb " #at "(%[from]), %%ymm" #r ", %%ymm" #r, from, 2, at, 32)
#define SUREFOOT_X86_MASK(r) "vpmovmskb %%ymm" #r ", %k[bits]\n"
#define SUREFOOT_X86_COMBINED(by)                                                                  \
  "vp" #by " %%ymm1, %%ymm2, %%ymm5\n vp" #by " %%ymm3, %%ymm4, %%ymm6\n"                          \
  "vp" #by " %%ymm5, %%ymm6, %%ymm5\n"
SUREFOOT_X86_SEARCH_STEPS(32, -1)
#undef SUREFOOT_X86_COMBINED
#undef SUREFOOT_X86_MASK
#undef SUREFOOT_X86_EQUAL_TO
#undef SUREFOOT_X86_EQUAL
#undef SUREFOOT_X86_SEARCH_STEPS
#undef SUREFOOT_X86_OTHER_BITS
#undef SUREFOOT_X86_EQUAL_BITS
#undef SUREFOOT_X86_SEARCH_SOME
#undef SUREFOOT_X86_SEARCH_ROWS
#undef SUREFOOT_X86_RESULT
#undef SUREFOOT_X86_ALONG
#undef SUREFOOT_X86_SEARCH
// clang-format on

// Two words of one width at the ends of n bytes, which may overlap; of one range, or of two.
template <std::size_t Width>
struct word_ends;

// clang-format off
#define SUREFOOT_X86_WORD_ENDS(width, load, part)                                                  \
  template <>                                                                                      \
  struct word_ends<width> {                                                                        \
    [[gnu::always_inline]] static bool load_ends(const volatile void* p, std::size_t n,            \
                                                 std::uint64_t& a, std::uint64_t& b,               \
                                                 trap& t) noexcept {                               \
      bool faulted;                                                                                \
      asm volatile("clc\n"                                                                         \
                   SUREFOOT_X86_ACCESS(0, load " (%[p]), " part "[a]", p, 0, 0, width)             \
                   SUREFOOT_X86_ACCESS(1, load " (%[end]), " part "[b]", end, 0, 0, width)         \
                   SUREFOOT_X86_PAD                                                                \
                   : [a] "=&r"(a), [b] "=&r"(b), SUREFOOT_X86_TRAP(faulted, t)                     \
                   : [p] "r"(p), [end] "r"(detail::forward(p, n - width)), [tabled] "i"(1)         \
                   : "memory");                                                                    \
      return faulted;                                                                              \
    }                                                                                              \
    [[gnu::always_inline]] static bool load_ends_of_both(                                          \
        const volatile void* p, const volatile void* q, std::size_t n, std::uint64_t& a,           \
        std::uint64_t& b, std::uint64_t& c, std::uint64_t& d, trap& t) noexcept {                  \
      bool faulted;                                                                                \
      asm volatile("clc\n"                                                                         \
                   SUREFOOT_X86_ACCESS(0, load " (%[p]), " part "[a]", p, 0, 0, width)             \
                   SUREFOOT_X86_ACCESS(1, load " (%[q]), " part "[c]", q, 2, 0, width)             \
                   SUREFOOT_X86_ACCESS(2, load " (%[p_end]), " part "[b]", p_end, 0, 0, width)     \
                   SUREFOOT_X86_ACCESS(3, load " (%[q_end]), " part "[d]", q_end, 2, 0, width)     \
                   SUREFOOT_X86_PAD                                                                \
                   : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d),                       \
                     SUREFOOT_X86_TRAP(faulted, t)                                                 \
                   : [p] "r"(p), [q] "r"(q), [p_end] "r"(detail::forward(p, n - width)),           \
                     [q_end] "r"(detail::forward(q, n - width)), [tabled] "i"(1)                   \
                   : "memory");                                                                    \
      return faulted;                                                                              \
    }                                                                                              \
  };
SUREFOOT_X86_WORD_ENDS(1, "movzbl", "%k")
SUREFOOT_X86_WORD_ENDS(2, "movzwl", "%k")
SUREFOOT_X86_WORD_ENDS(4, "movl", "%k")
SUREFOOT_X86_WORD_ENDS(8, "movq", "%q")
#undef SUREFOOT_X86_WORD_ENDS
// clang-format on

// What engine/search.hpp works with.
struct searches : vector_choice {
  template <std::size_t Width>
  using steps = search_steps<Width>;
  template <std::size_t Width>
  using words = word_ends<Width>;
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
