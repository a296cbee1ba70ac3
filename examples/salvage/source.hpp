// SRC: opened read-only, and mapped once for its whole length. Nothing here can change the file.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <salvage/failure.hpp>
#include <salvage/files.hpp>
#include <string>
#include <surefoot/engine/standard.hpp>
#include <utility>

namespace tool {

inline constexpr std::size_t page_size = surefoot::engine::standard::page_size();
inline constexpr std::size_t page_begin(std::size_t at) { return at & ~(page_size - 1); }
inline constexpr std::size_t page_end(std::size_t at) { return page_begin(at) + page_size; }

class source {
 public:
  explicit source(std::string name) : name_(std::move(name)) {
    // O_NONBLOCK: opening a pipe would wait for its writer for ever.
    file_ = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file_ < 0) refuse(name_, "cannot open");
    if (::fstat(file_, &at_start_) != 0) refuse(name_, "cannot ask for its size");
    if (!S_ISREG(at_start_.st_mode)) refuse_kind(name_, at_start_.st_mode);
    if (size_at_start() == 0) refuse_unknown_size();
  }
  ~source() {
    if (view_ != nullptr) ::munmap(view_, size_);
    ::close(file_);
  }
  source(const source&) = delete;
  source& operator=(const source&) = delete;

  const std::string& name() const { return name_; }
  const struct stat& at_start() const { return at_start_; }
  std::size_t size_at_start() const { return static_cast<std::size_t>(at_start_.st_size); }

  // Somebody may truncate the file, or let it grow again, at any moment.
  std::size_t size_now() const {
    struct stat now {};
    if (::fstat(file_, &now) != 0) refuse(name_, "cannot ask for its size");
    return static_cast<std::size_t>(now.st_size);
  }

  // Once, before the view is used. `size` may be more than the file has: what is past its end is
  // then as after a truncation.
  void map(std::size_t size) {
    size_ = size;
    if (size == 0) return;
    void* const p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_, 0);
    if (p == MAP_FAILED) refuse(name_, "cannot map");
    view_ = static_cast<unsigned char*>(p);
    ::madvise(p, size, MADV_SEQUENTIAL);
  }
  unsigned char* view() const { return view_; }
  std::size_t size() const { return size_; }  // of the view

 private:
  // Files as in /proc say that they are empty, and are not: an empty copy would be a wrong answer.
  void refuse_unknown_size() const {
    char byte;
    if (::read(file_, &byte, 1) > 0 && size_now() == 0)
      throw failure{status::cannot_open_or_write, name_ + ": says it is empty, but has content"};
  }

  std::string name_;
  int file_ = -1;
  struct stat at_start_ {};
  std::size_t size_ = 0;
  unsigned char* view_ = nullptr;
};

}  // namespace tool
