// DST: written under another name beside it and renamed at the end, so that whoever looks sees the
// old file or the whole new one. Without a map that name is a temporary one, which goes away on
// failure and on signals; with a map it is DST.part, which stays, to be resumed.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <salvage/failure.hpp>
#include <salvage/files.hpp>
#include <salvage/interruption.hpp>
#include <salvage/rescue_map.hpp>
#include <salvage/source.hpp>
#include <string>
#include <vector>

namespace tool {

class destination {
 public:
  // Refuses what the renaming at the end would destroy: SRC itself, a directory, a device.
  destination(const std::string& name, const source& src) : name_(name), src_(src) {
    if (name.empty()) refuse("DST", "cannot write", ENOENT);
    target_ = without_links(name);
    struct stat old {};
    if (::stat(name.c_str(), &old) == 0) {
      if (!S_ISREG(old.st_mode)) refuse_kind(name, old.st_mode);
      refuse_source(name, old);
      size_ = static_cast<std::size_t>(old.st_size);
      mode_ = old.st_mode & 0777;
    } else if (errno == ENOENT) {
      mode_ = src.at_start().st_mode & 0777 & ~mask();
    } else {
      refuse(name, "cannot write");
    }
  }
  ~destination() {
    if (file_ >= 0) ::close(file_);
  }
  destination(const destination&) = delete;
  destination& operator=(const destination&) = delete;

  const std::string& name() const { return name_; }
  // Of DST as it was found; nothing where there was none.
  std::optional<std::size_t> size() const { return size_; }
  // Where the copy is kept while it can be resumed.
  std::string part() const { return target_ + ".part"; }

  // Somebody's file that may not be written is not to be replaced: rename() would not ask.
  void refuse_unwritable() const {
    if (size_ && ::access(name_.c_str(), W_OK) != 0) refuse(name_, "cannot write");
  }

  // A temporary file. In the same directory, or the renaming could not be atomic. Its length does
  // not depend on DST's.
  void open_temporary() {
    const std::string name =
        target_.substr(0, target_.rfind('/') + 1) + ".salvage-" + std::to_string(::getpid());
    const uninterrupted now;  // it exists, and will be removed: no signal in between
    bool created = create(name + ".part");
    for (int i = 1; !created && errno == EEXIST && i < 100; ++i)
      created = create(name + "." + std::to_string(i) + ".part");
    if (!created) refuse(name_, "cannot write");
    temporary_.emplace(written_as_);
  }

  // A new DST.part. Never one that is there already: it may be somebody's work.
  void create_part() {
    if (!create(part())) refuse(name_, "cannot write");
    lock();
    sync_name();
  }

  // DST.part as an earlier run left it. `needed`: where the last byte that the map calls copied ends.
  void reopen_part(std::size_t needed) {
    written_as_ = part();
    file_ = ::open(part().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file_ < 0) refuse(part(), "cannot go on with it");
    struct stat found {};
    if (::fstat(file_, &found) != 0) refuse(part(), "cannot ask for its size");
    if (!S_ISREG(found.st_mode)) refuse_kind(part(), found.st_mode);
    refuse_source(part(), found);
    lock();
    refuse_shorter(part(), static_cast<std::size_t>(found.st_size), needed);
  }

  // Gives a new DST.part what DST has of these blocks. DST stays as it is until the end.
  void seed_part(const std::vector<block>& blocks) {
    const int from = ::open(target_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (from < 0) refuse(name_, "cannot go on with it");
    std::vector<unsigned char> some(std::size_t{1} << 20);
    for (const block& b : blocks)
      for (std::size_t at = b.offset; at < b.end() && !interrupted();) {
        const ssize_t got =
            ::pread(from, some.data(), std::min(some.size(), b.end() - at), static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
          const int error = got == 0 ? EIO : errno;
          ::close(from);
          refuse(name_, "cannot read", error);
        }
        write(some.data(), static_cast<std::size_t>(got), at);
        at += static_cast<std::size_t>(got);
      }
    ::close(from);
  }

  // What `name` has must reach to where the map says that bytes are copied.
  static void refuse_shorter(const std::string& name, std::size_t size, std::size_t needed) {
    if (size >= needed) return;
    throw failure{status::cannot_open_or_write, name + ": has " + std::to_string(size) +
                                                    " bytes, but the map says " +
                                                    std::to_string(needed) + " are copied"};
  }

  // Its size; nothing where there is none. Refuses one that cannot be ours.
  std::optional<std::size_t> size_of_part() const {
    struct stat found {};
    if (::lstat(part().c_str(), &found) != 0) return {};
    if (!S_ISREG(found.st_mode)) refuse_kind(part(), found.st_mode);
    refuse_source(part(), found);
    return static_cast<std::size_t>(found.st_size);
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
    while (::fdatasync(file_) != 0)
      if (errno != EINTR) refuse(name_, "cannot write");
  }

  // What is never written is a hole; one at the end needs the length said.
  void set_length(std::size_t size) const {
    if (::ftruncate(file_, static_cast<off_t>(size)) != 0) refuse(name_, "cannot set its length");
  }

  void finish() {
    (void)::fchmod(file_, mode_);  // some file systems have none: what was rescued counts more
    // The lock is held until it has its name.
    if (std::rename(written_as_.c_str(), target_.c_str()) != 0)
      refuse(name_, "cannot rename to it");
    if (temporary_) temporary_->keep();
  }

 private:
  static mode_t mask() {
    const mode_t now = ::umask(0);
    ::umask(now);
    return now;
  }

  void refuse_source(const std::string& name, const struct stat& found) const {
    if (same_file(found, src_.at_start()))
      throw failure{status::usage, src_.name() + " and " + name + " are the same file"};
  }

  // Readable and writable for whoever goes on with it; finish() gives it its permissions.
  bool create(const std::string& name) {
    file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_ | 0600);
    written_as_ = name;
    return file_ >= 0;
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

  // Beside the map's lock: another map may be used with the same DST.
  void lock() const {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) refuse(part(), "is in use");
  }

  std::string name_;    // as the user calls it
  std::string target_;  // what is replaced
  const source& src_;
  std::optional<std::size_t> size_;
  mode_t mode_ = 0;
  std::string written_as_;
  int file_ = -1;
  std::optional<temporary_file> temporary_;
};

}  // namespace tool
