// What a user would take without us.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace bench {

// libc's functions themselves, not what a compiler makes of a call.
inline void* (*volatile libc_memcpy)(void*, const void*, std::size_t) = std::memcpy;
inline void* (*volatile libc_memset)(void*, int, std::size_t) = std::memset;

// A copy through a pipe: the kernel refuses to read what is bad. What is bad is not told to the byte.
class pipe_pair {
 public:
  pipe_pair() {
    if (::pipe(ends_) != 0) ends_[0] = ends_[1] = -1;
  }
  ~pipe_pair() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  pipe_pair(const pipe_pair&) = delete;
  pipe_pair& operator=(const pipe_pair&) = delete;

  bool copy(void* to, const void* from, std::size_t n) const {
    // As much at a time as a pipe holds; more would wait for a reader.
    constexpr std::size_t most = 65536;
    for (std::size_t at = 0; at < n;) {
      const std::size_t piece = n - at < most ? n - at : most;
      const ssize_t written = ::write(ends_[1], static_cast<const char*>(from) + at, piece);
      if (written <= 0) return false;
      for (ssize_t left = written; left > 0;) {
        const ssize_t got =
            ::read(ends_[0], static_cast<char*>(to) + at, static_cast<std::size_t>(left));
        if (got <= 0) return false;
        left -= got;
        at += static_cast<std::size_t>(got);
      }
    }
    return true;
  }

 private:
  int ends_[2];
};

}  // namespace bench
