// What one fault costs: our engines beside the smallest handlers that come back to the program.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"
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

std::vector<way> without_a_signal(const std::shared_ptr<hole>& bad) {
  const pid_t self = ::getpid();
  return {repeated("MADV_POPULATE_READ", [=] { keep(::madvise(bad->at, 4096, populate_read)); }),
          repeated("process_vm_readv",
                   [=] {
                     char byte = 0;
                     const iovec local{&byte, 1}, remote{bad->at, 1};
                     keep(::process_vm_readv(self, &local, 1, &remote, 1, 0));
                   }),
          repeated("rt_sigprocmask",
                   [=] { keep(::syscall(SYS_rt_sigprocmask, ~0, bad->at, nullptr, 8)); })};
}

// A load by this engine beside one under this handler.
template <class E>
void enter_fault(const char* row, const char* limit, void (*by)(int, siginfo_t*, void*),
                 void (*load)(const volatile void*)) {
  enter({row, 1.05}, "no access", [=] {
    const auto bad = std::make_shared<hole>();
    const auto engine = surefoot::install<E>();
    return ways{repeated("try_load",
                         [=] {
                           const auto* const p = static_cast<const unsigned char*>(bad->at);
                           keep(surefoot::try_load(hide(p), engine).ok());
                         }),
                // The handler comes and goes with the clock stopped.
                {during(
                    limit, [=] { return handler(by); },
                    [=](std::size_t times) {
                      for (; times > 0; --times) load(bad->at);
                    })},
                without_a_signal(bad)};
  });
}

}  // namespace

void enter_faults() {
  enter_fault<surefoot::engine::table>("one fault, table engine", "a handler that skips the load",
                                       skip, bench_stray_load);
  enter_fault<surefoot::engine::jump>("one fault, jump engine", "siglongjmp out of a handler", jump,
                                      load_under_sigsetjmp);
}

}  // namespace bench
