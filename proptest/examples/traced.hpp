// A program run under ptrace, from one end of a system call of any of its threads to the next.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "../build.hpp"

// How many stops a sweep over all of them goes on at once: a traced run under ASan takes ten times as
// long.
inline constexpr int stride = build::is_sanitized ? 5 : 1;

class traced {
 public:
  // `become` runs in the child and ends with exec. Where the system does not let us trace: says
  // that `test` was skipped, and ends.
  template <class Become>
  traced(const char* test, Become become) : process_(::fork()) {
    if (process_ < 0) give_up("fork");
    if (process_ == 0) {
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
      become();
    }
    ::waitpid(process_, &status_, 0);
    if (!WIFSTOPPED(status_)) {
      std::printf("SKIPPED: %s: needs ptrace\n", test);
      std::exit(0);
    }
    ::ptrace(PTRACE_SETOPTIONS, process_, nullptr,
             PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
    stopped_ = process_;
  }

  pid_t process() const { return process_; }
  int status() const { return status_; }  // how it ended, once step() was false

  // Runs to the next begin or end of a system call. False: the process has ended. Signals are
  // passed on.
  bool step() {
    for (;;) {
      // A thread may be gone meanwhile: another one has ended the process.
      (void)::ptrace(PTRACE_SYSCALL, stopped_, nullptr, signal_);
      stopped_ = ::waitpid(-1, &status_, __WALL);
      signal_ = 0;
      if (stopped_ < 0) give_up("waitpid");
      if (!WIFSTOPPED(status_)) {
        if (stopped_ == process_) return false;
        continue;  // a thread has ended: the next waitpid() is for another one
      }
      const int signal = WSTOPSIG(status_);
      if (signal == (SIGTRAP | 0x80)) return true;
      const bool is_event = status_ >> 16 != 0;
      const bool is_new = signal == SIGSTOP && known_.insert(stopped_).second;
      if (!is_event && !is_new) signal_ = signal;
    }
  }

  void kill() {
    ::kill(process_, SIGKILL);
    while (::waitpid(-1, &status_, __WALL) > 0 || errno == EINTR) {
    }
  }

 private:
  [[noreturn]] static void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
  }

  pid_t process_;
  pid_t stopped_ = 0;  // the thread that waits for us
  long signal_ = 0;    // and what it is to get
  int status_ = 0;
  std::set<pid_t> known_;  // threads that have begun
};
