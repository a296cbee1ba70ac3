// The exception table on aarch64: how an access says where it may fault, and how that is read again.
//
// Each access is one instruction with one memory operand of the form [base, #displacement], followed by
// a landing pad. Before it a register is set to 0; the signal handler puts trap::info there, which never
// is, when it moves the program counter to the pad. The good path of an access is therefore two
// instructions longer than a plain one, `mov` and `cbnz`; nothing is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/section.hpp>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// One entry of the table, 16 bytes. The distances are from the fields themselves, so that the table
// needs no relocation. The registers are told by the assembler: they are the operands of an `add` that
// nobody executes.
struct table_entry {
  std::int32_t instruction;
  std::int32_t landing_pad;
  std::uint32_t registers;  // add info, address, base
  std::uint8_t flags;       // entry_writes, or none (trap.hpp)
  std::uint8_t width;       // bytes accessed
  std::uint16_t displacement;

  std::uintptr_t instruction_address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(&instruction) +
           static_cast<std::uintptr_t>(instruction);
  }
  std::uintptr_t landing_pad_address() const noexcept {
    return reinterpret_cast<std::uintptr_t>(&landing_pad) +
           static_cast<std::uintptr_t>(landing_pad);
  }
  // The numbers of the registers that take trap::info and trap::address, and of the base.
  unsigned info_register() const noexcept { return registers & 31; }
  unsigned address_register() const noexcept { return registers >> 5 & 31; }
  unsigned base_register() const noexcept { return registers >> 16 & 31; }
};
static_assert(sizeof(table_entry) == 16);
inline constexpr bool has_table = true;

// Assembly text of the instruction number `n` of an access, with its entry. Operands: [tabled], a
// constant, says whether there is an entry; [base] is the base register; [info] and [address] are the
// trap's. `o` ties the entry to the function's section (without it lld drops the table under
// --gc-sections), `?` puts it into that section's COMDAT group.
#define SUREFOOT_A64_ACCESS(n, instruction, flags, displacement, width) \
  ".Lsurefoot_%=_" #n ": " instruction                                                \
  "\n.if %c[tabled]\n"                                                                \
  ".pushsection " SUREFOOT_DETAIL_TEXT(SUREFOOT_DETAIL_SECTION) ",\"ao?\",@progbits," \
  ".Lsurefoot_%=_" #n "\n"                                                            \
  ".p2align 2\n"                                                                      \
  ".long .Lsurefoot_%=_" #n " - .\n"                                                  \
  ".long .Lsurefoot_%=_pad - .\n"                                                     \
  "add %x[info], %x[address], %x[base]\n"                                             \
  ".byte " #flags ", " #width "\n"                                                   \
  ".short " #displacement "\n"                                                        \
  ".popsection\n"                                                                     \
  ".endif\n"
// What stands before the first instruction of an access, and behind the last.
#define SUREFOOT_A64_BEGIN "mov %x[info], xzr\n"
#define SUREFOOT_A64_PAD ".Lsurefoot_%=_pad:\n"
// The operands that every access has.
#define SUREFOOT_A64_TRAP(t) [info] "=&r"((t).info), [address] "=r"((t).address)
#define SUREFOOT_A64_AT(p) [base] "r"(p), [tabled] "i"(Tabled)

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
