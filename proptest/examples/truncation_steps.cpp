// truncation_steps SALVAGE: salvage copies a file that is truncated at each of its system calls in
// turn, once before and once after it, to sizes in each chunk; and then also made whole again a few
// system calls later. A race decides by luck whether it finds a moment; this visits them all.
#include <signal.h>
#include <sys/ptrace.h>

#include <algorithm>

#include "truncated_copy.hpp"

namespace {

constexpr std::size_t chunk = std::size_t{256} * 1024;  // salvage's
constexpr std::size_t file_size = 2 * chunk + 20777;

// Stands before its first instruction when this returns. 0: the system does not let us.
pid_t start_traced(const char* salvage) {
  const pid_t child = ::fork();
  if (child < 0) fail("cannot fork");
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
    become_salvage(salvage);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return 0;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  return child;
}

// Runs to the next begin or end of a system call. False: it has ended. Signals are passed on.
bool step(pid_t child, int& status) {
  long signal = 0;
  for (;;) {
    if (::ptrace(PTRACE_SYSCALL, child, nullptr, signal) != 0) fail("ptrace");
    if (::waitpid(child, &status, 0) != child) fail("waitpid");
    if (!WIFSTOPPED(status)) return false;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) return true;
    signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
  }
}

struct plan {
  int cut_at;        // which stop, counted from when salvage has opened the file
  std::size_t size;  // to which
  int whole_after;   // how many stops later it is made whole again; 0: never
};

// False: there were fewer stops than that.
bool disturb(pid_t child, const plan& p, const bytes& original, int& status) {
  int stops = 0;
  while (step(child, status)) {
    if (!has_begun(child)) continue;
    if (stops == p.cut_at && ::truncate("src", static_cast<off_t>(p.size)) != 0)
      fail("cannot truncate src");
    if (p.whole_after > 0 && stops == p.cut_at + p.whole_after) write_file("src", original);
    ++stops;
  }
  return stops > p.cut_at;
}

// False: it had ended before.
bool try_plan(const char* salvage, const plan& p, const bytes& original) {
  write_file("src", original);
  const pid_t child = start_traced(salvage);
  if (child == 0) {
    std::puts("SKIPPED: salvage truncated at each system call: needs ptrace");
    std::exit(0);
  }
  int status = 0;
  const bool reached = disturb(child, p, original, status);
  // write_file() empties the file before it fills it.
  const sizes had{p.whole_after > 0 ? 0 : p.size, p.whole_after > 0};
  if (reached) (void)check_copy(original, had, status);
  return reached;
}

int try_each_stop(const char* salvage, std::size_t size, int whole_after, const bytes& original) {
  int stop = 0;
  while (try_plan(salvage, {stop, size, whole_after}, original)) ++stop;
  return stop;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: truncation_steps SALVAGE\n", stderr), 2;
  const bytes original = noise(file_size);
  int stops = 0;
  for (const std::size_t size : {std::size_t{100}, chunk / 2 + 1, chunk + 1, file_size - 1})
    stops += try_each_stop(argv[1], size, 0, original);
  for (const int whole_after : {1, 2, 3})
    stops += try_each_stop(argv[1], chunk / 2 + 1, whole_after, original);
  std::printf("truncated at %d moments\n", stops);
  if (stops < 100) fail("too few of them to call it a test");
}
