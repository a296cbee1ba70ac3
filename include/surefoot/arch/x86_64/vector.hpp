// How wide the vectors of this processor are: asked once, at run time, so that no program needs to be compiled
// for another processor than the first x86-64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

// The clobbers of whatever uses vectors and leaves them.
#define SUREFOOT_X86_ALL_VECTORS                                                           \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

// Those of vectors of 64 bytes, which take the registers that no code without AVX-512 knows: so they need not be
// left. A compiler that has no AVX-512 knows no names for them; the functions that use them are SUREFOOT_OPAQUE.
#ifdef __AVX512F__
#define SUREFOOT_X86_UPPER_VECTORS                                                            \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", \
      "xmm26", "xmm27", "k1", "k2"
#else
#define SUREFOOT_X86_UPPER_VECTORS
#endif

// Makes vector 0 (of 64 bytes: 20) of the byte that stands 8 times in an operand.
#define SUREFOOT_X86_REPEAT_16(operand) "movq %[" #operand "], %%xmm0\n punpcklqdq %%xmm0, %%xmm0\n"
#define SUREFOOT_X86_REPEAT_32(operand) \
  "vmovq %[" #operand "], %%xmm0\n vpbroadcastq %%xmm0, %%ymm0\n"
#define SUREFOOT_X86_REPEAT_64(operand) "vpbroadcastq %[" #operand "], %%zmm20\n"

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct vector_choice {
  // In bytes: 16 (SSE2, which every x86-64 has), 32 (AVX2) or 64 (AVX-512); 0: not asked yet.
  static inline constinit std::uint8_t width = 0;
  // Is `rep stosb` fast (ERMS)? Known once the width is.
  static inline constinit bool fast_strings = false;

  // Bytes of two rows of a search, the longest ones; and before which place in its page a range has to begin of which
  // those are to lie in that page: 0 where there are no vectors of 64 bytes (so one comparison asks for both).
  static constexpr std::uint32_t two_rows = 256;
  static inline constinit std::uint32_t two_rows_before = 0;

  static std::uint8_t known_width() noexcept { return __atomic_load_n(&width, __ATOMIC_RELAXED); }
  // Two instructions: a compiler would make one more of it.
  [[gnu::always_inline]] static bool has_two_rows_from(std::uint32_t place) noexcept {
    asm goto("cmpl %[before], %[place]\n jae %l[no]"
             :
             : [before] "m"(two_rows_before), [place] "r"(place)
             : "cc"
             : no);
    return true;
  no:
    return false;
  }
  static bool has_fast_strings() noexcept {
    return __atomic_load_n(&fast_strings, __ATOMIC_RELAXED);
  }

  // 64 where the processor also has VBMI2 (Ice Lake and Zen 4 on): those before lower their clock for it. The
  // operating system must keep the registers, too (XCR0). Costs microseconds in a virtual machine; once.
  [[gnu::cold, gnu::noinline]] static void ask_width() noexcept {
    constexpr std::uint32_t osxsave = 1u << 27, avx2 = 1u << 5, avx512 = 1u << 16 | 1u << 30,
                            bmi2 = 1u << 8, vbmi2 = 1u << 6, erms = 1u << 9;
    constexpr std::uint32_t ymm_kept = 0x06, zmm_kept = 0xe6;
    const auto keeps = [](std::uint32_t which) noexcept {
      std::uint32_t low, high;
      asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      return (low & which) == which;
    };
    std::uint8_t widest = 16;
    if (cpuid(0).a >= 7) {
      const leaf features = cpuid(7);
      const bool keeps_any = (cpuid(1).c & osxsave) != 0;
      if (keeps_any && (features.b & avx2) != 0 && keeps(ymm_kept)) widest = 32;
      if (widest == 32 && (features.b & (avx512 | bmi2)) == (avx512 | bmi2) &&
          (features.c & vbmi2) != 0 && keeps(zmm_kept))
        widest = 64;
      __atomic_store_n(&fast_strings, (features.b & erms) != 0, __ATOMIC_RELAXED);
    }
    choose(widest);
  }
  static void choose(std::uint8_t widest) noexcept {
    __atomic_store_n(&two_rows_before, widest == 64 ? 4096 - two_rows + 1 : 0, __ATOMIC_RELAXED);
    __atomic_store_n(&width, widest, __ATOMIC_RELAXED);
  }

  // After vectors of 32 bytes: without it SSE instructions that follow are slow.
  template <std::size_t Width>
  [[gnu::always_inline]] static void leave() noexcept {
    if constexpr (Width == 32) asm volatile("vzeroupper" : : : SUREFOOT_X86_ALL_VECTORS);
  }

 private:
  struct leaf {
    std::uint32_t a, b, c, d;
  };
  static leaf cpuid(std::uint32_t which) noexcept {
    leaf l{which, 0, 0, 0};
    asm volatile("cpuid" : "+a"(l.a), "=b"(l.b), "+c"(l.c), "=d"(l.d));
    return l;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
