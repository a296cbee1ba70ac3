// What the tests need to know of a machine: a stray access of known length, the registers of a debugger and of
// a signal frame, control state, and which addresses are nobody's.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/user.h>
#include <ucontext.h>
#if defined(__riscv)
#include <asm/ptrace.h>  // user_regs_struct
#endif

#include <cstddef>
#include <cstdint>
#include <surefoot/fault.hpp>

#include "../build.hpp"

namespace machine {

// What __builtin_trap() raises.
#if defined(__x86_64__)
inline constexpr int signal_of_a_trap = SIGILL;
#else
inline constexpr int signal_of_a_trap = SIGTRAP;
#endif

// Far below where the kernel puts mappings by itself; riscv64 may have no more than 38 bits of addresses, and
// ThreadSanitizer lets a program map nothing outside of a few ranges.
#if defined(__riscv)
inline constexpr std::uintptr_t unused_addresses = 0x20'0000'0000;
#else
inline constexpr std::uintptr_t unused_addresses =
    build::is_thread_sanitized ? 0x20'0000'0000 : 0x2000'0000'0000;
#endif

// Emits a function of just these instructions, at its own address. (g++ has no naked functions on aarch64.)
// Once, where link-time optimisation makes one text of all sources.
#define SUREFOOT_TEST_BARE(name, instructions)                                          \
  asm(".ifndef " name "\n.pushsection .text." name ",\"axG\",@progbits," name           \
      ",comdat\n"                                                                       \
      ".weak " name "\n.type " name ", %function\n.balign 16\n" name ":\n" instructions \
      "\n.size " name ", . - " name "\n.popsection\n.endif")

#if defined(__x86_64__)

SUREFOOT_TEST_BARE("surefoot_stray_load", "movzbl (%rdi), %eax\n\tret");
SUREFOOT_TEST_BARE("surefoot_stray_store", "movb %dil, (%rdi)\n\tret");
inline constexpr int stray_length = 3;  // bytes of the instruction that accesses memory

inline std::uintptr_t pc_of(const user_regs_struct& registers) { return registers.rip; }
inline std::uintptr_t sp_of(const user_regs_struct& registers) { return registers.rsp; }
inline auto& pc_of(void* ucontext) {
  return static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_RIP];
}
// Lets the system call that the frame is about fail.
inline void refuse_call(void* ucontext, int error) {
  static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_RAX] = -error;
}

// What tells the processor how to work, but not what it met.
struct control_state {
  std::uint32_t sse = 0;
  std::uint16_t x87 = 0;
  std::uint64_t direction = 0;

  friend bool operator==(const control_state&, const control_state&) = default;
};
inline control_state control_now() {
  constexpr std::uint32_t sse_status = 0x3f;
  control_state c;
  asm volatile("stmxcsr %0" : "=m"(c.sse));
  c.sse &= ~sse_status;
  asm volatile("fnstcw %0" : "=m"(c.x87));
  std::uint64_t flags = 0;
  asm volatile("pushfq\n\tpopq %0" : "=r"(flags));
  c.direction = flags & 0x400;
  return c;
}
inline void make_control_peculiar() {
  std::uint32_t sse = 0;
  asm volatile("stmxcsr %0" : "=m"(sse));
  sse &= ~0x200u;  // a division by zero traps
  asm volatile("ldmxcsr %0" : : "m"(sse));
  std::uint16_t x87 = 0;
  asm volatile("fnstcw %0" : "=m"(x87));
  x87 = static_cast<std::uint16_t>((x87 & ~0x304u) | 0x200u);  // it traps; 53 bits of precision
  asm volatile("fldcw %0" : : "m"(x87));
}

// Changes every register that a function must keep, then loads a byte.
inline void load_with_all_registers_changed(const volatile void* p) {
  asm volatile(
      "movq $-1, %%rbx\n\tmovq %%rbx, %%r12\n\tmovq %%rbx, %%r13\n\t"
      "movq %%rbx, %%r14\n\tmovq %%rbx, %%r15\n\tmovb (%0), %%al"
      :
      : "r"(p)
      : "rax", "rbx", "r12", "r13", "r14", "r15", "memory");
}

// The first address above the user's half: 2^47, or 2^56 where page tables have five levels. Memory beyond the
// first is only for those who ask for it there.
inline std::uintptr_t end_of_user_half() {
  constexpr std::uintptr_t of_four = std::uintptr_t{1} << 47, of_five = std::uintptr_t{1} << 56;
  void* const p =
      ::mmap(reinterpret_cast<void*>(of_four), 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  if (p != MAP_FAILED) ::munmap(p, 4096);
  return at >= of_four && at < of_five ? of_five : of_four;
}

// Outside of the canonical form: reported without an address, as SIGBUS where the base register was rbp.
inline const std::uintptr_t non_canonical[] = {end_of_user_half(),    0x0123'4567'89ab'cdef,
                                               0x4000'0000'0000'0000, 0x7fff'ffff'ffff'f000,
                                               0x8000'0000'0000'0000, ~end_of_user_half()};
inline constexpr bool non_canonical_has_address = false;
inline bool is_non_canonical(const surefoot::fault& f, const volatile void* p,
                             surefoot::access_kind during) {
  constexpr int si_kernel = 128;
  return (f.signal == SIGSEGV || f.signal == SIGBUS) && f.code == si_kernel &&
         f == surefoot::fault{p, surefoot::cause::bad_address, during, f.signal, f.code, 0};
}

#elif defined(__aarch64__)

SUREFOOT_TEST_BARE("surefoot_stray_load", "ldrb w0, [x0]\n\tret");
SUREFOOT_TEST_BARE("surefoot_stray_store", "strb w0, [x0]\n\tret");
inline constexpr int stray_length = 4;

inline std::uintptr_t pc_of(const user_regs_struct& registers) { return registers.pc; }
inline std::uintptr_t sp_of(const user_regs_struct& registers) { return registers.sp; }
inline auto& pc_of(void* ucontext) { return static_cast<ucontext_t*>(ucontext)->uc_mcontext.pc; }
inline void refuse_call(void* ucontext, int error) {
  static_cast<ucontext_t*>(ucontext)->uc_mcontext.regs[0] = std::uint64_t{0} - unsigned(error);
}

struct control_state {
  std::uint64_t floating = 0;

  friend bool operator==(const control_state&, const control_state&) = default;
};
inline control_state control_now() {
  control_state c;
  asm volatile("mrs %0, fpcr" : "=r"(c.floating));
  return c;
}
inline void make_control_peculiar() {
  constexpr std::uint64_t flush_to_zero = 1u << 24, default_nan = 1u << 25;
  asm volatile("msr fpcr, %0" : : "r"(control_now().floating | flush_to_zero | default_nan));
}

inline void load_with_all_registers_changed(const volatile void* p) {
  asm volatile(
      "mov x19, -1\n\tmov x20, x19\n\tmov x21, x19\n\tmov x22, x19\n\tmov x23, x19\n\t"
      "mov x24, x19\n\tmov x25, x19\n\tmov x26, x19\n\tmov x27, x19\n\tmov x28, x19\n\t"
      "fmov d8, x19\n\tfmov d9, x19\n\tfmov d15, x19\n\tldrb w0, [%0]"
      :
      : "r"(p)
      : "x0", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "d8", "d9",
        "d15", "memory");
}

// Beyond the addresses of 48 bits, with and without a tag: reported as what is not mapped, with its address.
inline constexpr std::uintptr_t non_canonical[] = {0x0001'0000'0000'0000, 0x0123'4567'89ab'cdef,
                                                   0x4040'0000'0000'0000, 0x7f7f'ffff'fff0'0000};
inline constexpr bool non_canonical_has_address = true;
inline bool is_non_canonical(const surefoot::fault& f, const volatile void* p,
                             surefoot::access_kind during) {
  return f == surefoot::fault{p, surefoot::cause::unmapped, during, SIGSEGV, SEGV_MAPERR, 0};
}

#elif defined(__riscv)

SUREFOOT_TEST_BARE("surefoot_stray_load", "lbu a0, 0(a0)\n\tret");
SUREFOOT_TEST_BARE("surefoot_stray_store", "sb a0, 0(a0)\n\tret");
inline constexpr int stray_length = 4;

inline std::uintptr_t pc_of(const user_regs_struct& registers) { return registers.pc; }
inline std::uintptr_t sp_of(const user_regs_struct& registers) { return registers.sp; }
inline auto& pc_of(void* ucontext) {
  return static_cast<ucontext_t*>(ucontext)->uc_mcontext.__gregs[REG_PC];
}
inline void refuse_call(void* ucontext, int error) {
  static_cast<ucontext_t*>(ucontext)->uc_mcontext.__gregs[REG_A0] =
      std::uint64_t{0} - static_cast<unsigned>(error);
}

// The rounding mode, which is fesetround()'s: there is nothing else.
struct control_state {
  std::uint64_t rounding = 0;

  friend bool operator==(const control_state&, const control_state&) = default;
};
inline control_state control_now() {
  control_state c;
  asm volatile("frrm %0" : "=r"(c.rounding));
  return c;
}
inline void make_control_peculiar() {}

inline void load_with_all_registers_changed(const volatile void* p) {
  asm volatile(
      "li s1, -1\n\tli s2, -1\n\tli s3, -1\n\tli s4, -1\n\tli s5, -1\n\tli s6, -1\n\t"
      "li s7, -1\n\tli s8, -1\n\tli s9, -1\n\tli s10, -1\n\tli s11, -1\n\t"
      "fmv.d.x fs0, s1\n\tfmv.d.x fs1, s1\n\tfmv.d.x fs11, s1\n\tlbu a0, 0(%0)"
      :
      : "r"(p)
      : "a0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "fs0", "fs1",
        "fs11", "memory");
}

// Beyond the addresses of any number of page tables: reported as what is not mapped, with its address.
inline constexpr std::uintptr_t non_canonical[] = {0x0100'0000'0000'0000, 0x0123'4567'89ab'cdef,
                                                   0x4000'0000'0000'0000, 0x7fff'ffff'ffff'f000};
inline constexpr bool non_canonical_has_address = true;
inline bool is_non_canonical(const surefoot::fault& f, const volatile void* p,
                             surefoot::access_kind during) {
  return f == surefoot::fault{p, surefoot::cause::unmapped, during, SIGSEGV, SEGV_MAPERR, 0};
}

#endif

extern "C" {
void surefoot_stray_load(const volatile void*);
void surefoot_stray_store(volatile void*);  // of the address's lowest byte
}

// In the kernel's half.
inline constexpr std::uintptr_t kernel_half[] = {0xffff'8000'0000'0000, 0xffff'8880'0000'0123,
                                                 0xffff'ffff'8100'0000};

// Are system calls made by qemu's user mode? It grants any advice and does nothing. (Asked before main(): a
// child of fork waits for ever for what another thread was just finding out.)
inline const bool is_made_by_user_mode = [] {
  static unsigned char page[4096] __attribute__((aligned(4096)));
  return ::madvise(page, sizeof page, 0x7fff) == 0;
}();
inline bool is_user_mode_emulation() { return is_made_by_user_mode; }

}  // namespace machine
