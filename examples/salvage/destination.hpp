// DST: written under another name beside it and renamed at the end, so that whoever looks sees the
// old file or the whole new one. Without a map that name is a temporary one, which goes away on
// failure and on signals; with a map it is DST.part, which stays, to be resumed.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <salvage/failure.hpp>
#include <salvage/interruption.hpp>
#include <salvage/source.hpp>
#include <string>
#include <utility>

namespace tool {

class destination {
 public:
  // Refuses what the renaming at the end would destroy: SRC itself, a directory, a device.
  destination(const std::string& name, const source& src) : name_(name) {
    struct stat old {};
    if (name.empty()) refuse("DST", "cannot write", ENOENT);
    if (::stat(name.c_str(), &old) == 0) {
      if (!S_ISREG(old.st_mode)) refuse_kind(name, old.st_mode);
      if (same_file(old, src.at_start()))
        throw failure{status::usage, src.name() + " and " + name + " are the same file"};
      if (::access(name.c_str(), W_OK) != 0)
        refuse(name, "cannot write");  // rename() would not ask
      target_ = without_links(name);
      exists_ = true;
    } else if (errno == ENOENT) {
      target_ = name;
    } else {
      refuse(name, "cannot write");
    }
    mode_ = src.at_start().st_mode & 0777;
  }
  ~destination() {
    if (file_ >= 0) ::close(file_);
  }
  destination(const destination&) = delete;
  destination& operator=(const destination&) = delete;

  const std::string& name() const { return name_; }
  bool exists() const { return exists_; }
  // Where the copy is kept while it can be resumed.
  std::string part() const { return target_ + ".part"; }

  // A temporary file. In the same directory, or the renaming could not be atomic. Its length does
  // not depend on DST's.
  void open_temporary() {
    const std::string name = target_.substr(0, target_.rfind('/') + 1) + ".salvage-" +
                             std::to_string(::getpid()) + ".part";
    create(name);
    temporary_.emplace(name);
  }

  // A new DST.part. Never one that is there already: it may be somebody's work.
  void create_part() {
    create(part());
    lock();
    sync_name();
  }

  // DST.part as an earlier run left it, of which the first `size` bytes are needed at least; where
  // there is none, `from_target` says that DST itself is what is to be gone on with.
  void reopen_part(std::size_t size, bool from_target) {
    std::string from = part();
    file_ = ::open(from.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file_ < 0 && errno == ENOENT && from_target) {
      from = target_;
      file_ = ::open(from.c_str(), O_WRONLY | O_CLOEXEC);
    }
    if (file_ < 0) refuse(from, "cannot go on with it");
    lock();
    struct stat found {};
    if (::fstat(file_, &found) != 0) refuse(from, "cannot ask for its size");
    if (static_cast<std::size_t>(found.st_size) < size)
      throw failure{status::cannot_open_or_write, from + ": has " + std::to_string(found.st_size) +
                                                      " bytes, but the map says " +
                                                      std::to_string(size) + " are copied"};
    if (from != part() && std::rename(from.c_str(), part().c_str()) != 0)
      refuse(name_, "cannot rename to " + part());
    written_as_ = part();
  }

  bool part_exists() const {
    struct stat found {};
    return ::lstat(part().c_str(), &found) == 0;
  }

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

  // All that was written is on the disk.
  void sync() const {
    if (::fdatasync(file_) != 0) refuse(name_, "cannot write");
  }

  // What was never written is a hole; one at the end needs its length said.
  void set_length(std::size_t size) const {
    if (::ftruncate(file_, static_cast<off_t>(size)) != 0) refuse(name_, "cannot set its length");
  }

  void finish() {
    if (::close(std::exchange(file_, -1)) != 0) refuse(name_, "cannot write");
    if (std::rename(written_as_.c_str(), target_.c_str()) != 0)
      refuse(name_, "cannot rename to it");
    if (temporary_) temporary_->keep();
  }

 private:
  // Renaming onto a symbolic link would replace the link and leave its file as it was.
  static std::string without_links(const std::string& name) {
    struct stat self {};
    if (::lstat(name.c_str(), &self) == 0 && !S_ISLNK(self.st_mode)) return name;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(name.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr) refuse(name, "cannot write");
    return real.get();
  }

  void create(const std::string& name) {
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_);
    if (file_ < 0) refuse(name_, "cannot write");
    written_as_ = name;
  }

  // So that DST.part itself outlives a crash of the machine, as what the map says of it does. Not
  // every file system can do that.
  void sync_name() const {
    const std::string directory = target_.substr(0, target_.rfind('/') + 1);
    const int there =
        ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (there < 0) return;
    ::fsync(there);
    ::close(there);
  }

  // Two at the same work would each undo what the other has written down.
  void lock() const {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) refuse(part(), "is in use");
  }

  std::string name_;    // as the user calls it
  std::string target_;  // what is replaced
  bool exists_ = false;
  mode_t mode_ = 0;
  std::string written_as_;
  int file_ = -1;
  std::optional<temporary_file> temporary_;
};

}  // namespace tool
