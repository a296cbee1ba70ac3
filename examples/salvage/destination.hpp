// DST: written under a temporary name beside it and renamed at the end, so that whoever looks sees
// the old file or the whole new one. The temporary file goes away on failure and on signals.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <salvage/failure.hpp>
#include <salvage/source.hpp>
#include <string>
#include <utility>

namespace tool {

// What the handler removes, and whether there is anything to remove.
inline char temporary_name[PATH_MAX];
inline volatile sig_atomic_t temporary_exists = 0;

extern "C" inline void remove_temporary(int signal) {
  if (temporary_exists != 0) ::unlink(temporary_name);
  ::raise(signal);  // SA_RESETHAND: this time it has its usual effect
}

inline void remove_temporary_on_signals() {
  struct sigaction ours {};
  ours.sa_handler = remove_temporary;
  ours.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &ours, nullptr);  // nohup stays nohup
  }
  ::signal(SIGXFSZ, SIG_IGN);  // a file that is too large becomes an answer of pwrite
}

class destination {
 public:
  // Refuses what the renaming at the end would destroy: SRC itself, a directory, a device.
  destination(const std::string& name, const source& src) : name_(name) {
    struct stat old {};
    if (name.empty()) refuse("DST", "cannot write", ENOENT);
    if (::stat(name.c_str(), &old) == 0) {
      if (!S_ISREG(old.st_mode)) refuse_kind(name, old.st_mode);
      if (old.st_dev == src.at_start().st_dev && old.st_ino == src.at_start().st_ino)
        throw failure{status::usage, src.name() + " and " + name + " are the same file"};
      if (::access(name.c_str(), W_OK) != 0)
        refuse(name, "cannot write");  // rename() would not ask
      target_ = without_links(name);
    } else if (errno == ENOENT) {
      target_ = name;
    } else {
      refuse(name, "cannot write");
    }
    open_temporary(src.at_start().st_mode & 0777);
  }
  ~destination() {
    if (file_ >= 0) ::close(file_);
    if (temporary_exists != 0) ::unlink(temporary_name);
    temporary_exists = 0;
  }
  destination(const destination&) = delete;
  destination& operator=(const destination&) = delete;

  void write(const unsigned char* from, std::size_t n, std::size_t at) {
    while (n > 0) {
      const ssize_t done = ::pwrite(file_, from, n, static_cast<off_t>(at));
      if (done < 0 && errno == EINTR) continue;
      if (done <= 0) refuse(name_, "cannot write", done == 0 ? EIO : errno);
      const auto written = static_cast<std::size_t>(done);
      from += written;
      at += written;
      n -= written;
    }
  }

  // What was never written is a hole; one at the end needs its length said.
  void finish(std::size_t size) {
    if (::ftruncate(file_, static_cast<off_t>(size)) != 0) refuse(name_, "cannot set its length");
    const int file = std::exchange(file_, -1);
    if (::close(file) != 0) refuse(name_, "cannot write");
    if (::rename(temporary_name, target_.c_str()) != 0) refuse(name_, "cannot rename to it");
    temporary_exists = 0;
  }

 private:
  // Renaming onto a symbolic link would replace the link and leave its file as it was.
  static std::string without_links(const std::string& name) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(name.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr) refuse(name, "cannot write");
    return real.get();
  }

  // In the same directory, or the renaming could not be atomic. Its length does not depend on DST's.
  void open_temporary(mode_t mode) {
    const std::string name = target_.substr(0, target_.rfind('/') + 1) + ".salvage-" +
                             std::to_string(::getpid()) + ".part";
    if (name.size() >= sizeof temporary_name) refuse(name_, "cannot write", ENAMETOOLONG);
    name.copy(temporary_name, name.size());
    file_ = ::open(temporary_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file_ < 0) refuse(name_, "cannot write");
    temporary_exists = 1;
  }

  std::string name_;    // as the user calls it
  std::string target_;  // what is replaced
  int file_ = -1;
};

}  // namespace tool
