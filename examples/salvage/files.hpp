// Questions about files that SRC, DST and the map share.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <salvage/failure.hpp>
#include <string>

namespace tool {

inline const char* kind_of_file(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  if (S_ISLNK(mode)) return "a symbolic link";
  return "no regular file";
}

[[noreturn]] inline void refuse_kind(const std::string& name, mode_t mode) {
  throw failure{status::cannot_open_or_write,
                name + ": is " + kind_of_file(mode) + ", not a regular file"};
}

inline bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// The file that is meant: renaming onto a symbolic link would replace the link and leave its file as it
// was. A link to nowhere is refused, as cp does.
inline std::string without_links(const std::string& name) {
  struct stat self {};
  if (::lstat(name.c_str(), &self) != 0 || !S_ISLNK(self.st_mode)) return name;
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(name.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) refuse(name, "is a symbolic link, and leads nowhere");
  return real.get();
}

// write() until all is written. False: errno says why not.
inline bool write_all(int file, const char* from, std::size_t n) {
  while (n > 0) {
    const ssize_t done = ::write(file, from, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    from += done;
    n -= static_cast<std::size_t>(done);
  }
  return true;
}

}  // namespace tool
