// What SIGINT and its like do: take the temporary file away, or, where the work can be resumed, end
// it at the next chunk.
#pragma once

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <salvage/failure.hpp>
#include <string>

namespace tool {

namespace detail {

// What the handler removes, and whether there is anything to remove.
inline char temporary_name[PATH_MAX];
inline volatile sig_atomic_t temporary_exists = 0;
inline volatile sig_atomic_t interrupted_by = 0;

extern "C" inline void remove_temporary(int signal) {
  if (temporary_exists != 0) ::unlink(temporary_name);
  ::raise(signal);  // SA_RESETHAND: this time it has its usual effect
}
extern "C" inline void note_interruption(int signal) { interrupted_by = signal; }

}  // namespace detail

// A file that goes away with its scope, and on signals. One at a time.
class temporary_file {
 public:
  explicit temporary_file(const std::string& name) {
    if (name.size() >= sizeof detail::temporary_name) refuse(name, "cannot write", ENAMETOOLONG);
    detail::temporary_name[name.copy(detail::temporary_name, name.size())] = '\0';
    detail::temporary_exists = 1;
  }
  ~temporary_file() {
    if (detail::temporary_exists != 0) ::unlink(detail::temporary_name);
    detail::temporary_exists = 0;
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  static void keep() { detail::temporary_exists = 0; }
};

enum class on_interruption { remove_temporary, end_at_the_next_chunk };

inline void handle_interruptions(on_interruption what) {
  struct sigaction ours {};
  ours.sa_handler = what == on_interruption::remove_temporary ? detail::remove_temporary
                                                              : detail::note_interruption;
  // Whoever asks twice need not wait.
  ours.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &ours, nullptr);  // nohup stays nohup
  }
  ::signal(SIGXFSZ, SIG_IGN);  // a file that is too large becomes an answer of pwrite
}

// No signal is handled while this lives.
class uninterrupted {
 public:
  uninterrupted() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~uninterrupted() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  uninterrupted(const uninterrupted&) = delete;
  uninterrupted& operator=(const uninterrupted&) = delete;

 private:
  sigset_t before_;
};

inline bool interrupted() { return detail::interrupted_by != 0; }

// Ends the process as the signal would have.
[[noreturn]] inline void die_of_interruption() {
  ::raise(detail::interrupted_by);
  std::_Exit(128 + detail::interrupted_by);  // where the signal is blocked
}

}  // namespace tool
