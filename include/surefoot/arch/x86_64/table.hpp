// The exception table on x86-64: how an access says where it may fault, and how that is read again.
//
// Each access is one instruction with one memory operand of the form displacement(base). Around it the
// carry flag says what happened: it is clear before the instruction (which leaves the flags alone, or clears it
// itself); a signal handler moves the program counter to the landing pad, which sets it. The good path of an
// access is therefore two instructions longer than a plain one, `clc` and `jc`; no register is set up, nothing
// is written. (The handler could set the flag itself, and did: but Valgrind 3.19 drops the flags of a signal's
// frame. What the pad costs is that no unwinder knows its two instructions.)
//
// On a fault RSI holds trap::info and RDX holds trap::address. Every access names both as outputs.
//
// Where a whole function is about its accesses even that is much, beside what they take themselves. Those leave it all
// to the handler (SUREFOOT_X86_ACCESS_TO, entry_traps_to_memory): it stores the trap where RCX points, and lets the
// code go on at a label of its own, with all registers as they were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/section.hpp>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// One entry of the table, 16 bytes. The distances are from the fields themselves, so that the table
// needs no relocation. The base register is told by the assembler: the bytes of `movq base, %rax`
// are always three.
struct table_entry {
  std::int32_t instruction;
  std::int32_t landing_pad;
  std::uint8_t base_move[3];
  std::uint8_t flags;  // entry_writes and more (trap.hpp)
  std::uint16_t displacement;
  std::uint16_t width;  // bytes accessed

  std::uintptr_t instruction_address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(&instruction) +
           static_cast<std::uintptr_t>(instruction);
  }
  std::uintptr_t landing_pad_address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(&landing_pad) +
           static_cast<std::uintptr_t>(landing_pad);
  }
  // The number of the base register in the machine's own encoding: REX.R and ModRM.reg.
  unsigned base_register() const noexcept {
    return ((base_move[0] & 4u) << 1) | ((base_move[2] >> 3) & 7u);
  }
};
static_assert(sizeof(table_entry) == 16);
inline constexpr bool has_table = true;

// No access is the first instruction of its statement: a compiler may jump there, and Valgrind takes what faults behind
// an unconditional jump for the jump.
//
// Assembly text of the instruction number `n` of an access, with its entry. Operands: [tabled], a
// constant, says whether there is an entry; [base] is the base register. `o` ties the entry to the
// function's section (without it lld drops the table under --gc-sections), `?` puts it into that
// section's COMDAT group.
#define SUREFOOT_X86_ACCESS(n, instruction, base, flags, displacement, width)                      \
  SUREFOOT_X86_ACCESS_TO(".Lsurefoot_%=_pad", n, instruction, "%[" #base "]", flags, displacement, \
                         width)
// The same, to go on at another label; `base` is the register's text.
#define SUREFOOT_X86_ACCESS_TO(label, n, instruction, base, flags, displacement, width) \
  ".Lsurefoot_%=_" #n ": " instruction                                                    \
  "\n.if %c[tabled]\n"                                                                    \
  ".pushsection " SUREFOOT_DETAIL_TEXT(SUREFOOT_DETAIL_SECTION) ",\"ao?\",@progbits,"     \
  ".Lsurefoot_%=_" #n "\n"                                                                \
  ".p2align 2\n"                                                                          \
  ".long .Lsurefoot_%=_" #n " - .\n"                                                      \
  ".long " label " - .\n"                                                                 \
  "movq " base ", %%rax\n"                                                            \
  ".byte " #flags "\n"                                                                    \
  ".short " #displacement ", " #width "\n"                                                \
  ".popsection\n"                                                                         \
  ".endif\n"
// Where an access goes on, and its landing pad, behind the section's other code: the good path does not pass it.
#define SUREFOOT_X86_PAD     \
  ".Lsurefoot_%=_on:\n"      \
  ".if %c[tabled]\n"         \
  ".subsection 1\n"          \
  ".Lsurefoot_%=_pad: stc\n" \
  "jmp .Lsurefoot_%=_on\n"   \
  ".previous\n"              \
  ".endif\n"
// The outputs that every access has: the registers in which signals::unpack() wants them.
#define SUREFOOT_X86_TRAP(faulted, t) "=@ccc"(faulted), "=S"((t).info), "=d"((t).address)

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
