// unwinder: walks the frame pointers of a corrupted stack, from inside a SIGSEGV handler.
//
// A crash handler reads memory of which it knows only that something is wrong with it. Where its handler was
// registered without SA_NODEFER the signal is blocked meanwhile, and the kernel kills a process that faults with
// the signal blocked, whoever would have caught it. Right: engine::kernel in there, which needs no signal; the
// kernel makes each load. Before us or after us in the chain of handlers, it works in all of them.
//
//   unwinder [DEPTH]         how deep the stack is before it is corrupted (3)
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <surefoot/surefoot.hpp>

namespace {

// What stands where a frame pointer points to.
struct frame {
  const frame* caller;
  const void* return_address;
};

struct report {
  unsigned frames = 0;
  surefoot::cause end = surefoot::cause::none;
};

template <class E>
report unwind(const frame* at, E engine) {
  constexpr unsigned most = 1000;  // a circle has an end as well
  report all;
  while (all.frames < most) {
    const surefoot::result<frame> here = surefoot::try_load(at, engine);
    all.end = here.stopped_by.kind;
    if (!here.ok()) break;
    ++all.frames;
    at = here.value().caller;
  }
  return all;
}

const frame* frame_of(const ucontext_t& interrupted) {
#if defined(__x86_64__)
  return reinterpret_cast<const frame*>(interrupted.uc_mcontext.gregs[REG_RBP]);
#elif defined(__aarch64__)
  return reinterpret_cast<const frame*>(interrupted.uc_mcontext.regs[29]);
#else
#error "unwinder: which register is the frame pointer?"
#endif
}

bool with_kernel = true;
int report_to = -1;

void handler(int signal, siginfo_t* info, void* context) {
  // Registered after the library, faults of its own accesses come here first.
  if (surefoot::try_handle(signal, info, context) == surefoot::handled::yes) return;
  const frame* const innermost = frame_of(*static_cast<const ucontext_t*>(context));
  const report all = with_kernel ? unwind(innermost, surefoot::engine::kernel{})
                                 : unwind(innermost, surefoot::engine::table{});
  ::_exit(::write(report_to, &all, sizeof all) == static_cast<ssize_t>(sizeof all) ? 0 : 1);
}

// Frames of which the outermost has its caller nowhere, and a load from there. By pointer: no loop.
unsigned descend(unsigned depth, unsigned to_corrupt, void* nowhere);
unsigned (*volatile deeper)(unsigned, unsigned, void*) = descend;
unsigned descend(unsigned depth, unsigned to_corrupt, void* nowhere) {
  if (depth == to_corrupt) *static_cast<void* volatile*>(__builtin_frame_address(0)) = nowhere;
  if (depth == 0) return *static_cast<volatile unsigned*>(nowhere);
  return deeper(depth - 1, to_corrupt, nowhere) + depth;
}

struct registration {
  const char* name;
  bool before_us;
  int flags;
};

[[noreturn]] void crash(const registration& how, unsigned depth) {
  void* const nowhere = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | how.flags;
  if (how.before_us) ::sigaction(SIGSEGV, &action, nullptr);
  if (!surefoot::install()) ::_exit(1);
  if (!how.before_us) ::sigaction(SIGSEGV, &action, nullptr);
  ::_exit(deeper(depth - 1, depth - 1, nowhere) == 0 ? 1 : 2);
}

// What the handler of a process of its own reports; or how the process was killed before it could.
bool crashes(const registration& how, unsigned depth, bool kernel, report& all, bool& killed) {
  int ends[2];
  if (::pipe(ends) != 0) return std::perror("unwinder: pipe"), false;
  with_kernel = kernel;
  report_to = ends[1];
  const pid_t process = ::fork();
  if (process == 0) crash(how, depth);
  ::close(ends[1]);
  const bool told = ::read(ends[0], &all, sizeof all) == static_cast<ssize_t>(sizeof all);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(process, &status, 0);
  killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
  return told && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

unsigned number(const char* text) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned depth = argc > 1 ? number(argv[1]) : 3;
  if (argc > 2 || depth == 0 || depth > 500)
    return std::fputs("usage: unwinder [DEPTH], from 1 to 500 (3)\n", stderr), 2;
  constexpr registration each[] = {{"before us, SA_NODEFER", true, SA_NODEFER},
                                   {"before us", true, 0},
                                   {"after us, SA_NODEFER", false, SA_NODEFER},
                                   {"after us", false, 0}};
  bool as_expected = true;
  std::printf("%-24s %-28s %s\n", "the handler", "engine::kernel", "engine::table");
  for (const registration& how : each) {
    std::printf("%-24s", how.name);
    for (const bool kernel : {true, false}) {
      report all;
      bool killed = false;
      const bool lives = crashes(how, depth, kernel, all, killed);
      char line[64] = "killed";
      if (!killed)
        std::snprintf(line, sizeof line, "%u frames, then %s", all.frames, surefoot::name(all.end));
      std::printf(" %-28s", line);
      as_expected &= killed != lives && lives == (kernel || how.flags == SA_NODEFER) &&
                     (!lives || (all.frames == depth && all.end == surefoot::cause::denied));
    }
    std::printf("\n");
  }
  std::printf(
      "(a crash handler) | loads without a signal | try_load, engine::kernel | - | 4 | %zu\n",
      4 * depth * sizeof(frame));
  return as_expected ? 0 : 1;
}
