#include "one_fault.hpp"

#include <setjmp.h>
#include <signal.h>
#include <sigsegv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <surefoot/surefoot.hpp>

#include "libc.hpp"
#include "memory.hpp"

namespace bench {

namespace {

// One load, at an address of its own.
asm(R"(
  .pushsection .text
  .type bench_stray_load, %function
bench_stray_load:
  movzbl (%rdi), %eax
bench_stray_load_end:
  ret
  .size bench_stray_load, . - bench_stray_load
  .popsection
)");
extern "C" void bench_stray_load(const volatile void*);
extern "C" const char bench_stray_load_end[];

// A handler of SIGSEGV for as long as this lives.
class handler {
 public:
  explicit handler(void (*by)(int, siginfo_t*, void*)) {
    struct sigaction action {};
    action.sa_sigaction = by;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGSEGV, &action, &before_);
  }
  ~handler() { ::sigaction(SIGSEGV, &before_, nullptr); }
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;

 private:
  struct sigaction before_ {};
};

// Goes on behind the load.
void skip(int, siginfo_t*, void* ucontext) {
  static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_RIP] =
      static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&bench_stray_load_end));
}

// Leaves by a jump, with the state that the kernel's return would have restored: the signal mask and the
// control words of SSE and the x87.
sigjmp_buf back;
void jump(int, siginfo_t*, void* ucontext) {
  const auto* const uc = static_cast<const ucontext_t*>(ucontext);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &uc->uc_sigmask, nullptr, 8);
  asm volatile("ldmxcsr %0" : : "m"(uc->uc_mcontext.fpregs->mxcsr));
  asm volatile("fldcw %0" : : "m"(uc->uc_mcontext.fpregs->cwd));
  siglongjmp(back, 1);
}

[[gnu::noinline]] void load_under_sigsetjmp(const volatile void* p) {
  if (sigsetjmp(back, 0) == 0) bench_stray_load(p);
}

struct hole {
  hole() : at(::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~hole() { ::munmap(at, 4096); }
  hole(const hole&) = delete;
  hole& operator=(const hole&) = delete;

  void* at;
};

// GNU libsigsegv, for as long as this lives: its handler leaves to where the load began.
class libsigsegv {
 public:
  libsigsegv() {
    ::sigaction(SIGSEGV, nullptr, &before_);
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    ::sigsegv_install_handler([](void*, int) {
      // Left to the user, who has a copy of the mask (as in libsigsegv's own tests).
      ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
      return ::sigsegv_leave_handler([](void*, void*, void*) { siglongjmp(back, 1); }, nullptr,
                                     nullptr, nullptr);
    });
  }
  // It would leave SIGSEGV to the default action.
  ~libsigsegv() {
    ::sigsegv_deinstall_handler();
    ::sigaction(SIGSEGV, &before_, nullptr);
  }
  libsigsegv(const libsigsegv&) = delete;
  libsigsegv& operator=(const libsigsegv&) = delete;

 private:
  static inline sigset_t mask_;
  struct sigaction before_ {};
};

using bad_memory = std::shared_ptr<hole>;

// The load, each time, while what make() returns lives.
template <class Make>
way loading(const char* name, Make make, void (*load)(const volatile void*),
            const bad_memory& bad) {
  return during(name, make, [=](std::size_t times) {
    for (; times > 0; --times) load(bad->at);
  });
}

template <class E>
way try_loading(const char* name, E engine, const bad_memory& bad) {
  return repeated(name, [=] {
    const auto* const p = static_cast<const unsigned char*>(bad->at);
    keep(surefoot::try_load(hide(p), engine).ok());
  });
}

std::vector<way> others(const bad_memory& bad) {
  const pid_t self = ::getpid();
  const auto pipe = std::make_shared<pipe_pair>();
  return {
      loading(
          "libsigsegv", [] { return libsigsegv(); }, load_under_sigsetjmp, bad),
      try_loading("try_load, kernel engine", surefoot::install<surefoot::engine::kernel>(), bad),
      repeated("MADV_POPULATE_READ", [=] { keep(::madvise(bad->at, page, populate_read)); }),
      repeated("process_vm_readv",
               [=] {
                 char byte = 0;
                 const iovec local{&byte, 1}, remote{bad->at, 1};
                 keep(::process_vm_readv(self, &local, 1, &remote, 1, 0));
               }),
      repeated("write to a pipe",
               [=] {
                 char byte = 0;
                 keep(pipe->copy(&byte, bad->at, 1));
               }),
      repeated("rt_sigprocmask",
               [=] { keep(::syscall(SYS_rt_sigprocmask, ~0, bad->at, nullptr, 8)); })};
}

// A load by this engine beside one under this handler.
template <class E>
ways one_fault(const char* limit, void (*by)(int, siginfo_t*, void*),
               void (*load)(const volatile void*)) {
  const auto bad = std::make_shared<hole>();
  return {try_loading("try_load", surefoot::install<E>(), bad),
          {loading(
              limit, [=] { return handler(by); }, load, bad)},
          others(bad)};
}

}  // namespace

ways one_fault_by_table() {
  return one_fault<surefoot::engine::table>("a handler that skips the load", skip,
                                            bench_stray_load);
}

ways one_fault_by_jump() {
  return one_fault<surefoot::engine::jump>("siglongjmp out of a handler", jump,
                                           load_under_sigsetjmp);
}

std::string with_table_entries() {
  return "no access, " +
         std::to_string(surefoot::arch::table_end() - surefoot::arch::table_begin()) +
         " table entries";
}

}  // namespace bench
