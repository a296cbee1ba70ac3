// How far a pass is, with rate and time left, on standard error. On a terminal pv(1) draws the bar;
// elsewhere, or where there is no pv, it is a plain line every tenth.
//
// pv watches the position of a descriptor of ours (pv --watchfd), so all that a pass has to do is
// to move it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

extern char** environ;  // NOLINT(readability-redundant-declaration): only glibc's GNU mode has it

namespace tool {

class progress {
 public:
  // `size` bytes are to be done, one at least.
  progress(std::size_t size, bool quiet) : size_(size), quiet_(quiet) {
    if (!quiet_ && ::isatty(STDERR_FILENO) == 1) start_pv();
  }
  ~progress() {
    if (pv_ <= 0) return;
    ::kill(pv_, SIGKILL);
    ::waitpid(pv_, nullptr, 0);
    ::close(watched_);
    std::fputs("\r\033[K", stderr);
  }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void reached(std::size_t done) {
    if (quiet_) return;
    if (pv_ > 0) {
      ::lseek(watched_, static_cast<off_t>(done), SEEK_SET);
      return;
    }
    const int percent =
        static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(size_));
    if (percent / 10 == shown_ / 10) return;
    shown_ = percent;
    say(percent, done);
  }

 private:
  using clock = std::chrono::steady_clock;

  void start_pv() {
    ::signal(SIGCHLD, SIG_DFL);  // an ignored one would take away our child's number
    watched_ = ::memfd_create("salvage-progress", MFD_CLOEXEC);
    if (watched_ < 0) return;
    const std::string of = std::to_string(::getpid()) + ":" + std::to_string(watched_);
    const std::string size = std::to_string(size_);
    const char* const arguments[] = {"pv",         "-pterb", "-i",       "0.2",  "-s",
                                     size.c_str(), "-d",     of.c_str(), nullptr};
    if (::posix_spawnp(&pv_, "pv", nullptr, nullptr, const_cast<char* const*>(arguments),
                       environ) == 0)
      return;
    pv_ = 0;
    ::close(watched_);
  }

  void say(int percent, std::size_t done) const {
    const double seconds = std::chrono::duration<double>(clock::now() - begun_).count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const double left = rate > 0 ? static_cast<double>(size_ - done) / rate : 0;
    std::fprintf(stderr, "salvage: %d%% of %zu bytes, %.1f MiB/s, %.0f s left\n", percent, size_,
                 rate / (1024 * 1024), left);
  }

  std::size_t size_;
  bool quiet_;
  clock::time_point begun_ = clock::now();
  int shown_ = 0;
  int watched_ = -1;
  pid_t pv_ = 0;
};

}  // namespace tool
