// The interrupted context of a signal on riscv64: the only place that names its registers.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/frame.hpp>
#include <surefoot/arch/generic/probe.hpp>
#include <surefoot/arch/generic/table.hpp>
#include <surefoot/arch/trap.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// The only size of a page here.
constexpr std::size_t page_size() noexcept { return 4096; }

// The finest unit in which an access is refused.
constexpr std::size_t granule() noexcept { return page_size(); }

// All bits of a pointer are address here.
inline constexpr bool has_tags = false;
constexpr std::uintptr_t untagged(std::uintptr_t address) noexcept { return address; }
constexpr std::uintptr_t tagged_like(std::uintptr_t, std::uintptr_t address) noexcept {
  return address;
}

// Addresses with the top bit set belong to the kernel. These and other non-canonical ones are reported
// with their value, as SEGV_MAPERR.
constexpr bool in_kernel_half(std::uint64_t address) noexcept { return (address >> 63) != 0; }

// Is this an address of user space with three levels of page tables (Sv39), and so with more as well?
constexpr bool surely_canonical(std::uint64_t address) noexcept { return (address >> 38) == 0; }

// The address of the thread's control block; `initial-exec` thread-locals lie at fixed distances
// from it. Asked at each call: between two of them a fiber may have come to another thread.
inline std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t p;
  asm volatile("mv %[p], tp" : [p] "=r"(p));
  return p;
}

// The interrupted state, as a signal frame holds it.
class context : public frame {
 public:
  using frame::frame;

  std::uintptr_t program_counter() const noexcept { return uc_->uc_mcontext.__gregs[REG_PC]; }
  std::uintptr_t stack_pointer() const noexcept { return uc_->uc_mcontext.__gregs[REG_SP]; }

  // There is no table, so nobody asks.
  std::uintptr_t access_start(const table_entry&) const noexcept { return 0; }
  void land(const table_entry&, const trap&) noexcept {}

  // Was the access that faulted a store, or an atomic? The frame does not say; the instruction does.
  bool was_store() const noexcept {
    const std::uintptr_t at = program_counter();
    std::uint16_t low = 0, high = 0;
    trap ignored;
    if (access<true>::load(reinterpret_cast<const void*>(at), low, ignored)) return false;
    // Two more bytes only where they are the same instruction's.
    if ((low & 3u) == 3 && access<true>::load(reinterpret_cast<const void*>(at + 2), high, ignored))
      return false;
    return stores(low | static_cast<std::uint32_t>(high) << 16);
  }

  // Does this instruction store? (The RISC-V Instruction Set Manual, volume I: "RV32/64G Instruction Set
  // Listings", "RVC Instruction Set Listings", "Zcb", "Zalasr", "Zicboz".)
  static constexpr bool stores(std::uint32_t code) noexcept {
    const unsigned function = code >> 13 & 7;
    switch (code & 3u) {
      case 0:
        return function >= 5 ||
               (function == 4 && (code >> 11 & 3) == 1);  // c.fsd, c.sw, c.sd; c.sb, c.sh
      case 1: return false;
      case 2: return function >= 5;  // c.fsdsp, c.swsp, c.sdsp
      default: break;
    }
    const unsigned opcode = code & 0x7fu;
    if (opcode == 0x23 || opcode == 0x27) return true;                    // STORE, STORE-FP
    if (opcode == 0x0f) return (code >> 12 & 7) == 2 && code >> 20 == 4;  // cbo.zero
    constexpr unsigned load_reserved = 2, load_acquire = 6;               // of AMO, all else stores
    return opcode == 0x2f && code >> 27 != load_reserved && code >> 27 != load_acquire;
  }

  // Was the thread inside a system call? Then the program counter stands behind `ecall`.
  bool in_system_call() const noexcept {
    std::uint32_t before = 0;
    trap ignored;
    if (access<true>::load(reinterpret_cast<const void*>(program_counter() - 4), before, ignored))
      return false;
    return before == 0x0000'0073;
  }

  // Is this a frame of Valgrind's? Nothing tells here.
  bool is_of_valgrind() const noexcept { return false; }

  // Nothing: delivery leaves the floating-point control register (fcsr) as it was.
  void restore_control_state() const noexcept {}
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
