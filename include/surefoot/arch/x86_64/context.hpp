// The interrupted context of a signal on x86-64: the only place that names its registers.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/frame.hpp>
#include <surefoot/arch/trap.hpp>
#include <surefoot/arch/x86_64/probe.hpp>
#include <surefoot/arch/x86_64/table.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// The page is the unit of permissions here, whatever larger pages the kernel uses behind it.
constexpr std::size_t page_size() noexcept { return 4096; }

// The finest unit in which an access is refused, but for poison, which the kernel widens to a page.
constexpr std::size_t granule() noexcept { return page_size(); }

// All bits of a pointer are address here.
inline constexpr bool has_tags = false;
constexpr std::uintptr_t untagged(std::uintptr_t address) noexcept { return address; }
constexpr std::uintptr_t tagged_like(std::uintptr_t, std::uintptr_t address) noexcept {
  return address;
}

// Addresses with the top bit set belong to the kernel. Unlike other non-canonical addresses they
// are reported with their value, as SEGV_MAPERR or SEGV_ACCERR.
constexpr bool in_kernel_half(std::uint64_t address) noexcept { return (address >> 63) != 0; }

// Is this an address of user space with four levels of page tables, and so with five as well?
constexpr bool surely_canonical(std::uint64_t address) noexcept { return (address >> 47) == 0; }

// The address of the thread's control block; `initial-exec` thread-locals lie at fixed distances
// from it. Asked at each call: between two of them a fiber may have come to another thread.
inline std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t p;
  asm volatile("movq %%fs:0, %[p]" : [p] "=r"(p));
  return p;
}

// Where the extended area of a signal frame keeps the protection key rights, in bytes from its
// start; 0: not asked yet. The processor knows; asking it costs microseconds in a virtual machine.
inline constinit std::uint32_t keys_at = 0;

inline std::uint32_t protection_keys_offset() noexcept {
  std::uint32_t at = __atomic_load_n(&keys_at, __ATOMIC_RELAXED);
  if (at == 0) {
    std::uint32_t a = 13, b = 0, c = 9, d = 0;  // XSAVE state, component 9
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    at = b;
    __atomic_store_n(&keys_at, at, __ATOMIC_RELAXED);
  }
  return at;
}

// The interrupted state, as a signal frame holds it.
class context : public frame {
 public:
  using frame::frame;

  std::uintptr_t program_counter() const noexcept { return greg(REG_RIP); }
  std::uintptr_t stack_pointer() const noexcept { return greg(REG_RSP); }

  // Where the access of this entry begins.
  std::uintptr_t access_start(const table_entry& e) const noexcept {
    static constexpr unsigned char order[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return greg(order[e.base_register()]) + e.displacement;
  }

  // Lets the interrupted code go on at the landing pad, as an access that faulted.
  void land(const table_entry& e, const trap& t) noexcept {
    greg(REG_RIP, e.landing_pad_address());
    if ((e.flags & entry_traps_to_memory) != 0) {
      allow_what_was_allowed();  // its stack may have a protection key
      *reinterpret_cast<trap*>(greg(REG_RCX)) = t;
      return;
    }
    greg(REG_RSI, t.info);
    greg(REG_RDX, t.address);
  }

  // Was the access that faulted a store? For page faults only, which say so in their error code.
  bool was_store() const noexcept { return greg(REG_TRAPNO) == 14 && (greg(REG_ERR) & 2) != 0; }

  // Was the thread inside a system call? Then the program counter stands behind `syscall` (or `int
  // $0x80`).
  bool in_system_call() const noexcept {
    std::uint16_t before = 0;
    trap ignored;
    if (access<true>::load(reinterpret_cast<const void*>(program_counter() - 2), before, ignored))
      return false;
    return before == 0x050f || before == 0x80cd;
  }

  // Is this a frame of Valgrind's? It leaves what stands for the floating-point state unwritten: as the stack was. It
  // knows no code segment either, where a processor in user mode has one always.
  bool is_of_valgrind() const noexcept { return (greg(REG_CSGSFS) & 0xffff) == 0; }

  // Loads the control state that a jump keeps for its target: the SSE and x87 control words, and
  // the protection key rights, which signal delivery resets. (Valgrind's does not.)
  void restore_control_state() const noexcept {
    const auto* const fp = floating_point_state();
    if (fp == nullptr) return;
    asm volatile("ldmxcsr %[mxcsr]" : : [mxcsr] "m"(fp->mxcsr));
    asm volatile("fldcw %[control]" : : [control] "m"(fp->cwd));
    std::uint32_t rights = 0;
    if (has_rights(rights)) load_rights(rights);
  }

 private:
  // Null where there is none.
  fpregset_t floating_point_state() const noexcept {
    return is_of_valgrind() ? nullptr : uc_->uc_mcontext.fpregs;
  }
  // The protection key rights of the interrupted code; false where there are none.
  bool has_rights(std::uint32_t& rights) const noexcept {
    const auto* fp = reinterpret_cast<const unsigned char*>(floating_point_state());
    if (fp == nullptr) return false;
    // struct _fpx_sw_bytes at 464 (asm/sigcontext.h): a magic, a size, then the features saved; the
    // header of the extended area at 512 begins with those that are not in their initial state.
    constexpr std::uint64_t keys = 1u << 9;
    std::uint32_t magic = 0;
    std::uint64_t saved = 0, in_use = 0;
    __builtin_memcpy(&magic, fp + 464, sizeof magic);
    __builtin_memcpy(&saved, fp + 472, sizeof saved);
    if (magic != 0x46505853 || (saved & keys) == 0) return false;
    __builtin_memcpy(&in_use, fp + 512, sizeof in_use);
    rights = 0;
    if ((in_use & keys) != 0)
      __builtin_memcpy(&rights, fp + protection_keys_offset(), sizeof rights);
    return true;
  }
  static void load_rights(std::uint32_t rights) noexcept {
    asm volatile(".byte 0x0f, 0x01, 0xef" : : "a"(rights), "c"(0), "d"(0) : "memory");  // wrpkru
  }

  // Adds to the rights of this handler, which are those of key 0, what the interrupted code had. A set bit denies; the
  // kernel's return puts back the interrupted code's own.
  void allow_what_was_allowed() const noexcept {
    std::uint32_t rights = 0;
    if (!has_rights(rights)) return;
    std::uint32_t ours, zero;
    asm volatile(".byte 0x0f, 0x01, 0xee" : "=a"(ours), "=d"(zero) : "c"(0));  // rdpkru
    if ((ours & ~rights) != 0) load_rights(ours & rights);
  }

  std::uint64_t greg(int which) const noexcept {
    return static_cast<std::uint64_t>(uc_->uc_mcontext.gregs[which]);
  }
  void greg(int which, std::uint64_t to) noexcept {
    uc_->uc_mcontext.gregs[which] = static_cast<greg_t>(to);
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
