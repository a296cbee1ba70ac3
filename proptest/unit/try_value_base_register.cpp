// One load through each register that can be its base. Which of them an access gets is the
// compiler's choice, so here it is forced: x86-64 reports a non-canonical address without saying
// where, and through rbp as another signal (SIGBUS, a stack fault). The handler has to read the
// address from the very register.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
namespace arch = surefoot::arch;

#if defined(__x86_64__)
constexpr int code = 128;  // SI_KERNEL

// Loads 8 bytes from p. True where it faulted, if it has a table entry.
#define LOAD_THROUGH(reg)                                                                \
  struct through_##reg {                                                                 \
    template <bool Tabled>                                                               \
    [[gnu::noinline]] static bool load(const volatile void* p, arch::trap& t) {          \
      bool faulted;                                                                      \
      std::uint64_t loaded;                                                              \
      register const volatile void* base asm(#reg) = p;                                  \
      asm volatile("clc\n" SUREFOOT_X86_ACCESS(0, "movq (%[base]), %[v]", base, 0, 0, 8) \
                       SUREFOOT_X86_PAD                                                  \
                   : [v] "=r"(loaded), SUREFOOT_X86_TRAP(faulted, t)                     \
                   : [base] "r"(base), [tabled] "i"(Tabled)                              \
                   : "memory");                                                          \
      return faulted;                                                                    \
    }                                                                                    \
    static constexpr int signal = SIGSEGV;                                               \
  };

LOAD_THROUGH(rax)
LOAD_THROUGH(rbx)
LOAD_THROUGH(rcx)
LOAD_THROUGH(rdx)
LOAD_THROUGH(rsi)
LOAD_THROUGH(rdi)
LOAD_THROUGH(r8)
LOAD_THROUGH(r9)
LOAD_THROUGH(r10)
LOAD_THROUGH(r11)
LOAD_THROUGH(r12)
LOAD_THROUGH(r13)
LOAD_THROUGH(r14)
LOAD_THROUGH(r15)

// Where functions keep a frame pointer, the compiler does not give rbp away: it is borrowed by hand
// (pop and lea leave the carry flag alone), and so the entry is written by hand as well.
#define SUREFOOT_X86_ACCESS_THROUGH_RBP \
  ".Lsurefoot_%=_0: movq (%%rbp), %%rax\n"                                                  \
  ".if %c[tabled]\n"                                                                        \
  ".pushsection " SUREFOOT_DETAIL_TEXT(SUREFOOT_DETAIL_SECTION) ",\"ao?\",@progbits,"       \
  ".Lsurefoot_%=_0\n"                                                                       \
  ".p2align 2\n"                                                                            \
  ".long .Lsurefoot_%=_0 - .\n"                                                             \
  ".long .Lsurefoot_%=_pad - .\n"                                                           \
  "movq %%rbp, %%rax\n"                                                                     \
  ".byte 0\n"                                                                               \
  ".short 0, 8\n"                                                                           \
  ".popsection\n"                                                                           \
  ".endif\n"
struct through_rbp {
  template <bool Tabled>
  [[gnu::noinline]] static bool load(const volatile void* p, arch::trap& t) {
    bool faulted;
    asm volatile(
        "leaq -128(%%rsp), %%rsp\n"  // not into the red zone
        "pushq %%rbp\n"
        "movq %[p], %%rbp\n"
        "clc\n" SUREFOOT_X86_ACCESS_THROUGH_RBP SUREFOOT_X86_PAD
        "popq %%rbp\n"
        "leaq 128(%%rsp), %%rsp\n"
        : SUREFOOT_X86_TRAP(faulted, t)
        : [p] "r"(p), [tabled] "i"(Tabled)
        : "rax", "memory");
    return faulted;
  }
#if defined(SUREFOOT_TESTS_EMULATED)
  static constexpr int signal = SIGSEGV;  // qemu 7.2 raises no stack fault
#else
  static constexpr int signal = SIGBUS;
#endif
};

#define EVERY_BASE                                                                             \
  through_rax, through_rbx, through_rcx, through_rdx, through_rsi, through_rdi, through_rbp,   \
      through_r8, through_r9, through_r10, through_r11, through_r12, through_r13, through_r14, \
      through_r15

#elif defined(__aarch64__)
constexpr int code = SEGV_MAPERR;

#define LOAD_THROUGH(reg)                                                                      \
  struct through_##reg {                                                                       \
    template <bool Tabled>                                                                     \
    [[gnu::noinline]] static bool load(const volatile void* p, arch::trap& t) {                \
      std::uint64_t loaded;                                                                    \
      register const volatile void* base asm(#reg) = p;                                        \
      asm volatile(SUREFOOT_A64_BEGIN SUREFOOT_A64_ACCESS(0, "ldr %x[v], [%x[base]]", 0, 0, 8) \
                       SUREFOOT_A64_PAD                                                        \
                   : [v] "=r"(loaded), SUREFOOT_A64_TRAP(t)                                    \
                   : SUREFOOT_A64_AT(base)                                                     \
                   : "memory");                                                                \
      return t.info != 0;                                                                      \
    }                                                                                          \
    static constexpr int signal = SIGSEGV;                                                     \
  };

LOAD_THROUGH(x0)
LOAD_THROUGH(x1)
LOAD_THROUGH(x7)
LOAD_THROUGH(x8)
LOAD_THROUGH(x15)
LOAD_THROUGH(x16)
LOAD_THROUGH(x17)
LOAD_THROUGH(x18)
LOAD_THROUGH(x19)
LOAD_THROUGH(x24)
LOAD_THROUGH(x28)
LOAD_THROUGH(x30)

#define EVERY_BASE                                                                       \
  through_x0, through_x1, through_x7, through_x8, through_x15, through_x16, through_x17, \
      through_x18, through_x19, through_x24, through_x28, through_x30

#endif

struct answer {
  bool faulted;
  fault met;
};

// With an entry in the table.
template <class Register>
answer load_tabled(const volatile void* p) {
  (void)surefoot::install();
  arch::trap t{};
  if (!Register::template load<true>(p, t)) return {false, {}};
  return {true, surefoot::signals::unpack(t.info, t.address, access_kind::read)};
}

// Without one, in a guard.
template <class Register>
answer load_guarded(const volatile void* p) {
  const auto result = surefoot::guarded([p]() noexcept {
    arch::trap t{};
    (void)Register::template load<false>(p, t);
  });
  return {!result.ok(), result.stopped_by};
}

TEMPLATE_TEST_CASE("a non-canonical address is named through each base register", "", EVERY_BASE) {
  const cause kind = machine::non_canonical_has_address ? cause::unmapped : cause::bad_address;
  for (const std::uintptr_t a : {memory::non_canonical[0], memory::non_canonical[1]}) {
    const void* const p = memory::at(a);
    const answer tabled = load_tabled<TestType>(p);
    REQUIRE(tabled.faulted);
    CHECK(tabled.met == fault{p, kind, access_kind::read, TestType::signal, code, 0});
    // A guard knows no more than the machine says.
    const answer guarded = load_guarded<TestType>(p);
    REQUIRE(guarded.faulted);
    CHECK(guarded.met == fault{machine::non_canonical_has_address ? p : nullptr, kind,
                               access_kind::read, TestType::signal, code, 0});
  }
}

TEMPLATE_TEST_CASE("a load through each base register is refused where it crosses into a bad page",
                   "", EVERY_BASE) {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{kind::good, bad};
    for (const std::size_t before : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
      const fault expected = memory::fault_of(bad, access_kind::read, land.page(1));
      const answer tabled = load_tabled<TestType>(land.page(1) - before);
      REQUIRE(tabled.faulted);
      CHECK(tabled.met == expected);
      const answer guarded = load_guarded<TestType>(land.page(1) - before);
      REQUIRE(guarded.faulted);
      CHECK(guarded.met == expected);
    }
    CHECK_FALSE(load_tabled<TestType>(land.page(1) - 8).faulted);
    CHECK_FALSE(load_guarded<TestType>(land.page(1) - 8).faulted);
  }
}

}  // namespace
