// How far the copy is, on standard error: a bar on a terminal, a plain line every tenth otherwise.
// By hand: Debian 12 has no C++ library for it.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>

namespace tool {

class progress_bar {
 public:
  explicit progress_bar(std::size_t size) : size_(size), terminal_(::isatty(STDERR_FILENO) == 1) {}
  ~progress_bar() {
    if (terminal_ && shown_ >= 0) std::fputs("\r\033[K", stderr);
  }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void reached(std::size_t done) {
    const int percent =
        static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(size_));
    if (terminal_ ? percent == shown_ : percent / 10 == shown_ / 10) return;
    shown_ = percent;
    if (terminal_)
      draw(percent);
    else
      std::fprintf(stderr, "salvage: %d%% of %zu bytes\n", percent, size_);
  }

 private:
  static void draw(int percent) {
    constexpr int width = 50;
    const int full = percent * width / 100;
    const std::string bar(static_cast<std::size_t>(full), '#');
    std::fprintf(stderr, "\r[%-*s] %3d%%", width, bar.c_str(), percent);
  }

  std::size_t size_;
  bool terminal_;
  int shown_ = -1;
};

}  // namespace tool
