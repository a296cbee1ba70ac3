// Searches on x86-64: the steps of engine/search.hpp, with vectors of 16 bytes (SSE2), 32 (AVX2) and 64 (AVX-512). Each
// is one statement of assembly, with registers of its own choice.
//
// A step looks at a number of bytes and sets a bit for each one that is of interest, from the lowest on: find, the
// bytes of one value; compare, those that differ from the byte at the same place of another range (`two` of less than 64
// bytes: those that are equal).
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

// Each finds `bytes`, which is the byte 8 times, or compares with another range; true where it met a fault.
// two: a vector at p and one `apart` behind it, at most Width.
// rows: four vectors at once (of 64 bytes two): a row at p, then at each next address & `aligned`, the last one at
// `last`, which lies behind p. A vector that has bytes of interest ends it: `found` are its bits, and p stands there (of
// 64 bytes: at its row; `first` and `second` are the bits of both); without any, they are 0.
// part: the first n bytes of a vector of 64, 0 to 64, and no other byte. `place` is that of the first byte of interest,
// or n.
// None of them leaves the vectors (vector_choice::leave).
template <std::size_t Width>
struct search_steps;

// clang-format off
// From one row to the next one before [last], and from there to the one at [last]: code of its own, since two more jumps that
// are taken cost a search of 256 bytes a tenth on Zen 4.
#define SUREFOOT_X86_NEXT_ROW(size, along)                                                         \
  "subq $-" #size ", %[p]\n andq %[aligned], %[p]\n" along                                         \
  "cmpq %[last], %[p]\n jb .Lsurefoot_%=_row\n movq %[last], %[p]\n" along
#define SUREFOOT_X86_SAME_IN_OTHER "leaq (%[p],%[distance]), %[from]\n"
// Vectors 1 to 4 have ones where bytes are equal; `chosen` makes flags of such a vector's bits.
#define SUREFOOT_X86_SEARCH_ROWS(width, size, four, last_four, combined, chosen, along)            \
  ".balign 16\n.Lsurefoot_%=_row:\n"                                                               \
  four combined SUREFOOT_X86_MASK(5, bits) chosen "jnz .Lsurefoot_%=_here\n"                       \
  SUREFOOT_X86_NEXT_ROW(size, along)                                                               \
  last_four combined SUREFOOT_X86_MASK(5, bits) chosen "jz .Lsurefoot_%=_on\n"                     \
  ".Lsurefoot_%=_here:\n"                                                                          \
  SUREFOOT_X86_MASK(1, bits) chosen "jnz .Lsurefoot_%=_on\n addq $" #width ", %[p]\n"              \
  SUREFOOT_X86_MASK(2, bits) chosen "jnz .Lsurefoot_%=_on\n addq $" #width ", %[p]\n"              \
  SUREFOOT_X86_MASK(3, bits) chosen "jnz .Lsurefoot_%=_on\n addq $" #width ", %[p]\n"              \
  SUREFOOT_X86_MASK(4, bits) chosen                                                                \
  ".Lsurefoot_%=_on:\n"
#define SUREFOOT_X86_EQUAL_BITS "testl %k[bits], %k[bits]\n"
#define SUREFOOT_X86_OTHER_BITS(ones) "xorl $" #ones ", %k[bits]\n"

// Accesses to the range that is looked at, and to the other one.
#define SUREFOOT_X86_LOOK(n, instruction, base, at, width)                                         \
  SUREFOOT_X86_ACCESS_TO("%l[met]", n, instruction, "%[" #base "]", 4, at, width)
#define SUREFOOT_X86_LOOK_AT_OTHER(n, instruction, base, at, width)                                \
  SUREFOOT_X86_ACCESS_TO("%l[met]", n, instruction, "%[" #base "]", 6, at, width)
// The statement of a step, with its operands. After a fault nobody knows its outputs: clang before 16 does not. With
// outputs g++ 12 takes only `volatile` for it.
#define SUREFOOT_X86_SEARCH(text, clobbers, outputs, ...)                                          \
  asm volatile goto(text : outputs : [tabled] "i"(1), [t] "c"(&t), __VA_ARGS__                     \
                    : "memory" clobbers : met);                                                    \
  return false;                                                                                    \
  met:                                                                                             \
  return true
#define SUREFOOT_X86_OUT(operand, value) [operand] "=&r"(value)
#define SUREFOOT_X86_BOTH_OUT SUREFOOT_X86_OUT(first, first), SUREFOOT_X86_OUT(second, second)
// Goes along in a loop.
#define SUREFOOT_X86_ALONG(operand, value) [operand] "+&r"(value)
#define SUREFOOT_X86_BOTH_OUT_AND_ROW SUREFOOT_X86_BOTH_OUT, SUREFOOT_X86_ALONG(p, p)
#define SUREFOOT_X86_BOTH_OUT_AND_ROWS SUREFOOT_X86_BOTH_OUT_AND_ROW, SUREFOOT_X86_ALONG(from, q)
#define SUREFOOT_X86_ROW_INPUTS [last] "r"(last), [aligned] "r"(aligned)
#define SUREFOOT_X86_THEN(base) [base] "r"(base), [base##_then] "r"(detail::address(base) + apart)
#define SUREFOOT_X86_LOWER , SUREFOOT_X86_ALL_VECTORS
#define SUREFOOT_X86_SEARCH_STEPS(width, size, ones)                                               \
  template <>                                                                                      \
  struct search_steps<width> {                                                                     \
    using bits = std::uint32_t;                                                                    \
    [[gnu::always_inline]] static bool two(const volatile void* p, std::size_t apart,              \
                                           std::uint64_t bytes, bits& first, bits& second,         \
                                           trap& t) noexcept {                                     \
      SUREFOOT_X86_SEARCH(                                                                         \
        SUREFOOT_X86_REPEAT_##width(from)                                                          \
        SUREFOOT_X86_EQUAL(0, 1, p, 0) SUREFOOT_X86_EQUAL(1, 2, p_then, 0)                         \
        SUREFOOT_X86_MASK(1, first) SUREFOOT_X86_MASK(2, second), SUREFOOT_X86_LOWER,              \
        SUREFOOT_X86_BOTH_OUT, SUREFOOT_X86_THEN(p), [from] "r"(bytes));                           \
    }                                                                                              \
    [[gnu::always_inline]] static bool two(const volatile void* p, std::size_t apart,              \
                                           const volatile void* q, bits& first, bits& second,      \
                                           trap& t) noexcept {                                     \
      SUREFOOT_X86_SEARCH(                                                                         \
        "nop\n"                                                                                    \
        SUREFOOT_X86_EQUAL_TO(0, 1, 1, p, q, 0) SUREFOOT_X86_EQUAL_TO(2, 3, 2, p_then, q_then, 0)  \
        SUREFOOT_X86_MASK(1, first) SUREFOOT_X86_MASK(2, second), SUREFOOT_X86_LOWER,              \
        SUREFOOT_X86_BOTH_OUT, SUREFOOT_X86_THEN(p), SUREFOOT_X86_THEN(q));                        \
    }                                                                                              \
    [[gnu::always_inline]] static bool rows(const volatile void*& p, const volatile void* last,    \
                                            std::uint64_t aligned, std::uint64_t bytes,            \
                                            std::uint64_t& found, trap& t) noexcept {              \
      SUREFOOT_X86_SEARCH(                                                                         \
        SUREFOOT_X86_REPEAT_##width(from)                                                          \
        SUREFOOT_X86_SEARCH_ROWS(width, size,                                                      \
            SUREFOOT_X86_EQUAL(0, 1, p, 0) SUREFOOT_X86_EQUAL(1, 2, p, width)                      \
            SUREFOOT_X86_EQUAL(2, 3, p, 2 * width) SUREFOOT_X86_EQUAL(3, 4, p, 3 * width),         \
            SUREFOOT_X86_EQUAL(4, 1, p, 0) SUREFOOT_X86_EQUAL(5, 2, p, width)                      \
            SUREFOOT_X86_EQUAL(6, 3, p, 2 * width) SUREFOOT_X86_EQUAL(7, 4, p, 3 * width),         \
            SUREFOOT_X86_COMBINED(or), SUREFOOT_X86_EQUAL_BITS, ""),                               \
        SUREFOOT_X86_LOWER, SUREFOOT_X86_FOUND, SUREFOOT_X86_ROW_INPUTS, [from] "r"(bytes));       \
    }                                                                                              \
    [[gnu::always_inline]] static bool rows(const volatile void*& p, const volatile void* last,    \
                                            std::uint64_t aligned, const volatile void* q,         \
                                            std::uint64_t& found, trap& t) noexcept {              \
      const std::uint64_t distance = detail::address(q) - detail::address(p);                      \
      SUREFOOT_X86_SEARCH("nop\n"                                                                  \
        SUREFOOT_X86_SEARCH_ROWS(width, size,                                                      \
            SUREFOOT_X86_EQUAL_TO(0, 1, 1, p, from, 0)                                             \
            SUREFOOT_X86_EQUAL_TO(2, 3, 2, p, from, width)                                         \
            SUREFOOT_X86_EQUAL_TO(4, 5, 3, p, from, 2 * width)                                     \
            SUREFOOT_X86_EQUAL_TO(6, 7, 4, p, from, 3 * width),                                    \
            SUREFOOT_X86_EQUAL_TO(8, 9, 1, p, from, 0)                                             \
            SUREFOOT_X86_EQUAL_TO(10, 11, 2, p, from, width)                                       \
            SUREFOOT_X86_EQUAL_TO(12, 13, 3, p, from, 2 * width)                                   \
            SUREFOOT_X86_EQUAL_TO(14, 15, 4, p, from, 3 * width),                                  \
            SUREFOOT_X86_COMBINED(and), SUREFOOT_X86_OTHER_BITS(ones),                             \
            SUREFOOT_X86_SAME_IN_OTHER),                                                           \
        SUREFOOT_X86_LOWER, SUREFOOT_X86_FOUND_IN_BOTH, SUREFOOT_X86_ROW_INPUTS,                   \
        [distance] "r"(distance));                                                                 \
    }                                                                                              \
  };
#define SUREFOOT_X86_FOUND SUREFOOT_X86_OUT(bits, found), SUREFOOT_X86_ALONG(p, p)
#define SUREFOOT_X86_FOUND_IN_BOTH SUREFOOT_X86_FOUND, SUREFOOT_X86_ALONG(from, q)

#define SUREFOOT_X86_EQUAL(n, r, base, at)                                                         \
  SUREFOOT_X86_LOOK(n, "movups " #at "(%[" #base "]), %%xmm" #r, base, at, 16)                     \
  "pcmpeqb %%xmm0, %%xmm" #r "\n"
#define SUREFOOT_X86_EQUAL_TO(n, m, r, base, other, at)                                            \
  SUREFOOT_X86_LOOK(n, "movups " #at "(%[" #base "]), %%xmm" #r, base, at, 16)                     \
  SUREFOOT_X86_LOOK_AT_OTHER(m, "movups " #at "(%[" #other "]), %%xmm0", other, at, 16)            \
  "pcmpeqb %%xmm0, %%xmm" #r "\n"
#define SUREFOOT_X86_MASK(r, to) "pmovmskb %%xmm" #r ", %k[" #to "]\n"
#define SUREFOOT_X86_COMBINED(by)                                                                  \
  "movaps %%xmm1, %%xmm5\n movaps %%xmm3, %%xmm6\n p" #by " %%xmm2, %%xmm5\n"                      \
  "p" #by " %%xmm4, %%xmm6\n p" #by " %%xmm6, %%xmm5\n"
SUREFOOT_X86_SEARCH_STEPS(16, 64, 0xffff)
#undef SUREFOOT_X86_COMBINED
#undef SUREFOOT_X86_MASK
#undef SUREFOOT_X86_EQUAL_TO
#undef SUREFOOT_X86_EQUAL

#define SUREFOOT_X86_EQUAL(n, r, base, at)                                                         \
  SUREFOOT_X86_LOOK(n, "vpcmpeqb " #at "(%[" #base "]), %%ymm0, %%ymm" #r, base, at, 32)
#define SUREFOOT_X86_EQUAL_TO(n, m, r, base, other, at)                                            \
  SUREFOOT_X86_LOOK(n, "vmovups " #at "(%[" #base "]), %%ymm" #r, base, at, 32)                    \
  SUREFOOT_X86_LOOK_AT_OTHER(m, "vpcmpeqb " #at "(%[" #other "]), %%ymm" #r ", %%ymm" #r, other, at, 32)
#define SUREFOOT_X86_MASK(r, to) "vpmovmskb %%ymm" #r ", %k[" #to "]\n"
#define SUREFOOT_X86_COMBINED(by)                                                                  \
  "vp" #by " %%ymm1, %%ymm2, %%ymm5\n vp" #by " %%ymm3, %%ymm4, %%ymm6\n"                          \
  "vp" #by " %%ymm5, %%ymm6, %%ymm5\n"
SUREFOOT_X86_SEARCH_STEPS(32, 128, 0xffffffff)
#undef SUREFOOT_X86_COMBINED
#undef SUREFOOT_X86_MASK
#undef SUREFOOT_X86_EQUAL_TO
#undef SUREFOOT_X86_EQUAL
#undef SUREFOOT_X86_FOUND_IN_BOTH
#undef SUREFOOT_X86_FOUND
#undef SUREFOOT_X86_SEARCH_STEPS
#undef SUREFOOT_X86_OTHER_BITS
#undef SUREFOOT_X86_EQUAL_BITS
#undef SUREFOOT_X86_SEARCH_ROWS

// Vectors of 64 bytes: mask k1 or k2 of what is of interest in the one at `base`.
#define SUREFOOT_X86_EQUAL(n, mask, base, at)                                                      \
  SUREFOOT_X86_LOOK(n, "vpcmpeqb " #at "(%[" #base "]), %%zmm16, %%" #mask, base, at, 64)
#define SUREFOOT_X86_DIFFERENT(n, m, mask, base, other, at)                                        \
  SUREFOOT_X86_LOOK(n, "vmovdqu64 " #at "(%[" #base "]), %%zmm16", base, at, 64)                   \
  SUREFOOT_X86_LOOK_AT_OTHER(m, "vpcmpneqb " #at "(%[" #other "]), %%zmm16, %%" #mask, other, at, 64)
#define SUREFOOT_X86_BOTH_MASKS "kmovq %%k1, %[first]\n kmovq %%k2, %[second]\n"
#define SUREFOOT_X86_WIDE_ROWS(two, last_two, along)                                               \
  ".balign 16\n.Lsurefoot_%=_row:\n" two "kortestq %%k1, %%k2\n jnz .Lsurefoot_%=_here\n"          \
  SUREFOOT_X86_NEXT_ROW(128, along) last_two ".Lsurefoot_%=_here:\n" SUREFOOT_X86_BOTH_MASKS
#define SUREFOOT_X86_CHOOSE_PART "bzhiq %[n], %[all], %[place]\n kmovq %[place], %%k2\n"
// The bits are of those bytes of the part that are of no interest: so the first one that is not set says it all.
#define SUREFOOT_X86_PLACE_IN_PART                                                                 \
  "kmovq %%k1, %[place]\n notq %[place]\n tzcntq %[place], %[place]\n"
template <>
struct search_steps<64> {
  using bits = std::uint64_t;
  [[gnu::always_inline]] static bool rows(const volatile void*& p, const volatile void* last,
                                          std::uint64_t aligned, std::uint64_t bytes, bits& first,
                                          bits& second, trap& t) noexcept {
    SUREFOOT_X86_SEARCH(
      "vpbroadcastq %[bytes], %%zmm16\n"
      SUREFOOT_X86_WIDE_ROWS(
          SUREFOOT_X86_EQUAL(0, k1, p, 0) SUREFOOT_X86_EQUAL(1, k2, p, 64),
          SUREFOOT_X86_EQUAL(2, k1, p, 0) SUREFOOT_X86_EQUAL(3, k2, p, 64), ""),
      SUREFOOT_X86_UPPER_VECTORS, SUREFOOT_X86_BOTH_OUT_AND_ROW,
      SUREFOOT_X86_ROW_INPUTS, [bytes] "r"(bytes));
  }
  [[gnu::always_inline]] static bool rows(const volatile void*& p, const volatile void* last,
                                          std::uint64_t aligned, const volatile void* q, bits& first,
                                          bits& second, trap& t) noexcept {
    const std::uint64_t distance = detail::address(q) - detail::address(p);
    SUREFOOT_X86_SEARCH(
      "nop\n"
      SUREFOOT_X86_WIDE_ROWS(
          SUREFOOT_X86_DIFFERENT(0, 1, k1, p, from, 0) SUREFOOT_X86_DIFFERENT(2, 3, k2, p, from, 64),
          SUREFOOT_X86_DIFFERENT(4, 5, k1, p, from, 0) SUREFOOT_X86_DIFFERENT(6, 7, k2, p, from, 64),
          SUREFOOT_X86_SAME_IN_OTHER),
      SUREFOOT_X86_UPPER_VECTORS, SUREFOOT_X86_BOTH_OUT_AND_ROWS, SUREFOOT_X86_ROW_INPUTS,
      [distance] "r"(distance));
  }
  [[gnu::always_inline]] static bool two(const volatile void* p, std::size_t apart,
                                         std::uint64_t bytes, bits& first, bits& second,
                                         trap& t) noexcept {
    SUREFOOT_X86_SEARCH(
      "vpbroadcastq %[bytes], %%zmm16\n"
      SUREFOOT_X86_EQUAL(0, k1, p, 0) SUREFOOT_X86_EQUAL(1, k2, p_then, 0) SUREFOOT_X86_BOTH_MASKS,
      SUREFOOT_X86_UPPER_VECTORS, SUREFOOT_X86_BOTH_OUT, SUREFOOT_X86_THEN(p), [bytes] "r"(bytes));
  }
  [[gnu::always_inline]] static bool two(const volatile void* p, std::size_t apart,
                                         const volatile void* q, bits& first, bits& second,
                                         trap& t) noexcept {
    SUREFOOT_X86_SEARCH(
      "nop\n"
      SUREFOOT_X86_DIFFERENT(0, 1, k1, p, q, 0) SUREFOOT_X86_DIFFERENT(2, 3, k2, p_then, q_then, 0)
      SUREFOOT_X86_BOTH_MASKS,
      SUREFOOT_X86_UPPER_VECTORS, SUREFOOT_X86_BOTH_OUT, SUREFOOT_X86_THEN(p), SUREFOOT_X86_THEN(q));
  }
  [[gnu::always_inline]] static bool part(const volatile void* p, std::size_t n,
                                          std::uint64_t bytes, std::size_t& place, trap& t) noexcept {
    SUREFOOT_X86_SEARCH(
      SUREFOOT_X86_CHOOSE_PART "vpbroadcastq %[bytes], %%zmm16\n"
      SUREFOOT_X86_LOOK(0, "vpcmpneqb (%[p]), %%zmm16, %%k1%{%%k2%}", p, 0, 64)
      SUREFOOT_X86_PLACE_IN_PART, SUREFOOT_X86_UPPER_VECTORS, SUREFOOT_X86_OUT(place, place),
      [p] "r"(p), [n] "r"(n), [all] "r"(~bits{0}), [bytes] "r"(bytes));
  }
  [[gnu::always_inline]] static bool part(const volatile void* p, std::size_t n,
                                          const volatile void* q, std::size_t& place, trap& t) noexcept {
    SUREFOOT_X86_SEARCH(
      SUREFOOT_X86_CHOOSE_PART
      SUREFOOT_X86_LOOK(0, "vmovdqu8 (%[p]), %%zmm16%{%%k2%}%{z%}", p, 0, 64)
      SUREFOOT_X86_LOOK_AT_OTHER(1, "vpcmpeqb (%[q]), %%zmm16, %%k1%{%%k2%}", q, 0, 64)
      SUREFOOT_X86_PLACE_IN_PART, SUREFOOT_X86_UPPER_VECTORS, SUREFOOT_X86_OUT(place, place),
      [p] "r"(p), [n] "r"(n), [all] "r"(~bits{0}), [q] "r"(q));
  }
};
#undef SUREFOOT_X86_PLACE_IN_PART
#undef SUREFOOT_X86_CHOOSE_PART
#undef SUREFOOT_X86_WIDE_ROWS
#undef SUREFOOT_X86_BOTH_MASKS
#undef SUREFOOT_X86_DIFFERENT
#undef SUREFOOT_X86_EQUAL
#undef SUREFOOT_X86_SAME_IN_OTHER
#undef SUREFOOT_X86_NEXT_ROW
#undef SUREFOOT_X86_LOWER
#undef SUREFOOT_X86_THEN
#undef SUREFOOT_X86_ROW_INPUTS
#undef SUREFOOT_X86_BOTH_OUT_AND_ROWS
#undef SUREFOOT_X86_BOTH_OUT_AND_ROW
#undef SUREFOOT_X86_ALONG
#undef SUREFOOT_X86_BOTH_OUT

// Two words of one width at the ends of n bytes, which may overlap; of one range, or of two.
template <std::size_t Width>
struct word_ends;

#define SUREFOOT_X86_ENDS(base, width) [base] "r"(base), [base##_end] "r"(detail::address(base) + n - width)
#define SUREFOOT_X86_WORDS(a, b) SUREFOOT_X86_OUT(a, a), SUREFOOT_X86_OUT(b, b)
#define SUREFOOT_X86_WORDS_OF_BOTH SUREFOOT_X86_WORDS(a, b), SUREFOOT_X86_WORDS(c, d)
#define SUREFOOT_X86_WORD_ENDS(width, load, part)                                                  \
  template <>                                                                                      \
  struct word_ends<width> {                                                                        \
    [[gnu::always_inline]] static bool load_ends(const volatile void* p, std::size_t n,            \
                                                 std::uint64_t& a, std::uint64_t& b,               \
                                                 trap& t) noexcept {                               \
      SUREFOOT_X86_SEARCH("nop\n"                                                                  \
                          SUREFOOT_X86_LOOK(0, load " (%[p]), " part "[a]", p, 0, width)           \
                          SUREFOOT_X86_LOOK(1, load " (%[p_end]), " part "[b]", p_end, 0, width),  \
                          , SUREFOOT_X86_WORDS(a, b), SUREFOOT_X86_ENDS(p, width));                \
    }                                                                                              \
    [[gnu::always_inline]] static bool load_ends_of_both(                                          \
        const volatile void* p, const volatile void* q, std::size_t n, std::uint64_t& a,           \
        std::uint64_t& b, std::uint64_t& c, std::uint64_t& d, trap& t) noexcept {                  \
      SUREFOOT_X86_SEARCH("nop\n"                                                                  \
          SUREFOOT_X86_LOOK(0, load " (%[p]), " part "[a]", p, 0, width)                           \
          SUREFOOT_X86_LOOK_AT_OTHER(1, load " (%[q]), " part "[c]", q, 0, width)                  \
          SUREFOOT_X86_LOOK(2, load " (%[p_end]), " part "[b]", p_end, 0, width)                   \
          SUREFOOT_X86_LOOK_AT_OTHER(3, load " (%[q_end]), " part "[d]", q_end, 0, width),         \
          , SUREFOOT_X86_WORDS_OF_BOTH, SUREFOOT_X86_ENDS(p, width), SUREFOOT_X86_ENDS(q, width)); \
    }                                                                                              \
  };
SUREFOOT_X86_WORD_ENDS(1, "movzbl", "%k")
SUREFOOT_X86_WORD_ENDS(2, "movzwl", "%k")
SUREFOOT_X86_WORD_ENDS(4, "movl", "%k")
SUREFOOT_X86_WORD_ENDS(8, "movq", "%q")
#undef SUREFOOT_X86_WORD_ENDS
#undef SUREFOOT_X86_WORDS_OF_BOTH
#undef SUREFOOT_X86_WORDS
#undef SUREFOOT_X86_ENDS
#undef SUREFOOT_X86_OUT
#undef SUREFOOT_X86_SEARCH
#undef SUREFOOT_X86_LOOK_AT_OTHER
#undef SUREFOOT_X86_LOOK
// clang-format on

// What engine/search.hpp works with.
struct searches : vector_choice {
  template <std::size_t Width>
  using steps = search_steps<Width>;
  template <std::size_t Width>
  using words = word_ends<Width>;

  // The place of the lowest bit; there is one. (Of what __builtin_ctzll() returns g++ 12 extends the sign.)
  [[gnu::always_inline]] static std::size_t first_of(std::uint64_t bits) noexcept {
    std::size_t place;
    asm("rep bsfq %[bits], %[place]" : [place] "=r"(place) : [bits] "r"(bits) : "cc");
    return place;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
