// The interrupted context of a signal on aarch64: the only place that names its registers.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/aarch64/probe.hpp>
#include <surefoot/arch/aarch64/table.hpp>
#include <surefoot/arch/frame.hpp>
#include <surefoot/arch/trap.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// The finest unit of permissions. The kernel's pages may be larger (16 or 64 KiB): then some probes are
// more than needed.
constexpr std::size_t page_size() noexcept { return 4096; }

// The finest unit in which an access is refused: that of memory tags (MTE).
constexpr std::size_t granule() noexcept { return 16; }

// Bit 55 says whose half it is, whatever the eight bits above it are. The kernel's half is reported with
// its address, as SEGV_MAPERR or SEGV_ACCERR.
constexpr bool in_kernel_half(std::uint64_t address) noexcept { return (address >> 55 & 1) != 0; }

// Is this an address of user space with four levels of page tables, and so with five as well?
constexpr bool surely_canonical(std::uint64_t address) noexcept {
  return (address << 8 >> 8 >> 48) == 0;
}

// The upper eight bits of a pointer are no part of the address, in user space: a tag, which may be that
// of its memory (MTE). `untagged` is what the kernel's lists call it; `tagged_like` gives an address,
// which the kernel may have cut some of these bits from, those of the pointer that the access was made
// through (Documentation/arch/arm64/tagged-pointers.rst).
inline constexpr bool has_tags = true;
constexpr std::uintptr_t untagged(std::uintptr_t address) noexcept {
  return static_cast<std::uintptr_t>(static_cast<std::intptr_t>(address << 8) >> 8);
}
constexpr std::uintptr_t tagged_like(std::uintptr_t pointer, std::uintptr_t address) noexcept {
  constexpr std::uintptr_t tag = std::uintptr_t{0xff} << 56;
  return (pointer & tag) | (address & ~tag);
}

// The address of the thread's control block; `initial-exec` thread-locals lie at fixed distances
// from it. Asked at each call: between two of them a fiber may have come to another thread.
inline std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t p;
  asm volatile("mrs %[p], tpidr_el0" : [p] "=r"(p));
  return p;
}

// The interrupted state, as a signal frame holds it.
class context : public frame {
 public:
  using frame::frame;

  std::uintptr_t program_counter() const noexcept { return uc_->uc_mcontext.pc; }
  std::uintptr_t stack_pointer() const noexcept { return uc_->uc_mcontext.sp; }

  // Where the access of this entry begins.
  std::uintptr_t access_start(const table_entry& e) const noexcept {
    return uc_->uc_mcontext.regs[e.base_register()] + e.displacement;
  }

  // Lets the interrupted code go on at the landing pad, as an access that faulted.
  void land(const table_entry& e, const trap& t) noexcept {
    uc_->uc_mcontext.regs[e.info_register()] = t.info;
    uc_->uc_mcontext.regs[e.address_register()] = t.address;
    uc_->uc_mcontext.pc = e.landing_pad_address();
  }

  // Was the access that faulted a store? Of a data abort the frame keeps the syndrome, which says so
  // (qemu's user mode leaves it out: then no).
  bool was_store() const noexcept {
    const unsigned char* const at = record(0x45535201);  // ESR_MAGIC
    if (at == nullptr) return false;
    std::uint64_t syndrome = 0;
    __builtin_memcpy(&syndrome, at + 8, sizeof syndrome);
    constexpr std::uint64_t data_abort = 0x24, by_store = 1u << 6;
    return (syndrome >> 26 & 0x3f) == data_abort && (syndrome & by_store) != 0;
  }

  // Was the thread inside a system call? Then the program counter stands behind `svc 0`.
  bool in_system_call() const noexcept {
    std::uint32_t before = 0;
    trap ignored;
    if (access<true>::load(reinterpret_cast<const void*>(program_counter() - 4), before, ignored))
      return false;
    return before == 0xd4000001;
  }

  // Is this a frame of Valgrind's? Nothing tells here.
  bool is_of_valgrind() const noexcept { return false; }

  // Loads the control state that a jump keeps for its target: the floating-point control register,
  // whether tags are checked (TCO, which delivery clears), and the rights of protection keys (POR_EL0,
  // which it resets; Linux 6.12 with FEAT_S1POE).
  void restore_control_state() const noexcept {
    if (const unsigned char* const at = record(0x46508001)) {  // FPSIMD_MAGIC: fpsr, fpcr
      std::uint32_t control = 0;
      __builtin_memcpy(&control, at + 12, sizeof control);
      asm volatile("msr fpcr, %x[control]" : : [control] "r"(std::uint64_t{control}));
    }
    constexpr std::uint64_t tag_check_override = 1u << 25;
    if ((uc_->uc_mcontext.pstate & tag_check_override) != 0)
      asm volatile(".inst 0xd503419f" : : : "memory");         // msr tco, 1
    if (const unsigned char* const at = record(0x504f4530)) {  // POE_MAGIC
      std::uint64_t rights = 0;
      __builtin_memcpy(&rights, at + 8, sizeof rights);
      asm volatile("msr s3_3_c10_c2_4, %x[rights]\nisb" : : [rights] "r"(rights) : "memory");
    }
  }

 private:
  // A record of the frame (asm/sigcontext.h): its magic and its size, each of 4 bytes, then what it
  // keeps. Null where the frame has none.
  const unsigned char* record(std::uint32_t magic) const noexcept {
    const unsigned char* const all = uc_->uc_mcontext.__reserved;
    for (std::size_t at = 0; at + 16 <= sizeof uc_->uc_mcontext.__reserved;) {
      std::uint32_t head[2] = {};
      __builtin_memcpy(head, all + at, sizeof head);
      if (head[0] == magic) return all + at;
      if (head[0] == 0 || head[1] < sizeof head) break;
      at += head[1];
    }
    return nullptr;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
