// A copy of the headers in which each access that has an entry in the table has a mark in front of it:
// an instruction that does nothing, with two numbers in it. The linker knows nothing of marks, and what
// it leaves of the machine code has them: so they tell which entries there have to be.
//
// compile.sh makes that copy, and includes this file before everything else.
#pragma once

#include <cstring>

// clang-format off
#if defined(__x86_64__)
// nopl 0x0f075afe(%rax)
#define SUREFOOT_TEST_MARK "\n.if %c[tabled]\n.byte 0x0f, 0x1f, 0x80, 0xfe, 0x5a, 0x07, 0x0f\n.endif\n"
#elif defined(__aarch64__)
// movz xzr, #0x5afe; movz xzr, #0x0f07
#define SUREFOOT_TEST_MARK "\n.if %c[tabled]\n.inst 0xd28b5fdf, 0xd281e0ff\n.endif\n"
#endif
// clang-format on

namespace program {

// The bytes of a mark, each inverted: the code that looks for them holds none.
#if defined(__x86_64__)
inline constexpr unsigned char not_a_mark[] = {0xf0, 0xe0, 0x7f, 0x01, 0xa5, 0xf8, 0xf0};
#elif defined(__aarch64__)
inline constexpr unsigned char not_a_mark[] = {0x20, 0xa0, 0x74, 0x2d, 0x00, 0x1f, 0x7e, 0x2d};
#endif
inline constexpr std::size_t mark_length = sizeof not_a_mark;

inline bool is_mark(const unsigned char* at) {
  for (std::size_t i = 0; i < mark_length; ++i)
    if (at[i] !=
        static_cast<unsigned char>(~static_cast<const volatile unsigned char&>(not_a_mark[i])))
      return false;
  return true;
}

}  // namespace program
