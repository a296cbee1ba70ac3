// Memory of several kinds, to be touched: there already, or cold.
#pragma once

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace bench {

constexpr std::size_t page = 4096, huge_page = std::size_t{2} << 20;

// Not in every C library's headers.
constexpr int populate_read = 22, populate_write = 23, guard_install = 102;

inline std::string size_name(std::size_t n) {
  if (n >= 1u << 20) return std::to_string(n >> 20) + " MiB";
  if (n >= 1024 && n % 1024 == 0) return std::to_string(n >> 10) + " KiB";
  return std::to_string(n) + " B";
}

[[noreturn]] inline void give_up(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// A file that was written with system calls is in the page cache in large pieces, which are mapped as such; one
// that was written through a mapping is there page by page.
enum class backing { small_pages, huge_pages, memfd, file, file_by_page };

// The directory that this program stands in, below build/: files go there.
inline std::filesystem::path own_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

inline std::string file_system_name() {
  struct statfs about {};
  if (::statfs(own_directory().c_str(), &about) != 0) give_up("statfs");
  switch (static_cast<std::uint32_t>(about.f_type)) {
    case 0xEF53: return "ext4";
    case 0x01021994: return "tmpfs";
    case 0x58465342: return "xfs";
    case 0x9123683E: return "btrfs";
    case 0x794C7630: return "overlayfs";
  }
  char number[32];
  std::snprintf(number, sizeof number, "file system %#lx", static_cast<long>(about.f_type));
  return number;
}

inline std::string name_of(backing kind) {
  switch (kind) {
    case backing::small_pages: return "anonymous, small pages";
    case backing::huge_pages: return "anonymous, huge pages";
    case backing::memfd: return "memfd";
    case backing::file: return "cached " + file_system_name() + " file";
    case backing::file_by_page: return "cached " + file_system_name() + " file, by page";
  }
  return {};
}

// n bytes that are there, at the beginning of a huge page.
class memory {
 public:
  explicit memory(std::size_t n, backing kind = backing::small_pages)
      : size(n), kind_(kind), mapped_((n + huge_page - 1) / huge_page * huge_page) {
    if (kind == backing::memfd) file_ = ::memfd_create("bench", MFD_CLOEXEC);
    if (is_file()) {
      std::string name = own_directory() / "surefoot_bench.XXXXXX";
      file_ = ::mkostemp(name.data(), O_CLOEXEC);
      if (file_ >= 0) ::unlink(name.c_str());
    }
    if (is_shared() && (file_ < 0 || ::ftruncate(file_, static_cast<off_t>(mapped_)) != 0))
      give_up("a file");
    // Room to choose the beginning in.
    reserved_ = map(nullptr, mapped_ + huge_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    at = reserved_ + (huge_page - reinterpret_cast<std::uintptr_t>(reserved_) % huge_page);
    map(at, mapped_, PROT_READ | PROT_WRITE,
        MAP_FIXED | (is_shared() ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS), file_);
    if (!is_shared())
      ::madvise(at, mapped_, kind == backing::huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    if (kind == backing::memfd || kind == backing::file)
      fill_file();
    else
      std::memset(at, 1, mapped_);
    // So that its blocks are there, as those of a file that has been there for long.
    if (is_file()) ::fdatasync(file_);
  }
  ~memory() {
    ::munmap(reserved_, mapped_ + huge_page);
    if (file_ >= 0) ::close(file_);
  }
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;

  // As if nobody had touched it: nothing is mapped. What a file holds stays in the page cache.
  void chill() const { ::madvise(at, mapped_, MADV_DONTNEED); }
  // The same for a first write: a memfd is empty too.
  void chill_for_writing() const {
    if (kind_ != backing::memfd) return chill();
    if (::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                    static_cast<off_t>(mapped_)) != 0)
      give_up("punching a hole");
  }

  // How much of it is in huge pages.
  std::size_t in_huge_pages() const {
    std::ifstream in("/proc/self/smaps");
    char begin[32];
    std::snprintf(begin, sizeof begin, "%lx-", reinterpret_cast<unsigned long>(at));
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(begin)) inside = true;
      if (inside && line.starts_with("AnonHugePages:"))
        return std::strtoul(line.c_str() + 14, nullptr, 10) << 10;
    }
    return 0;
  }

  unsigned char* at;
  std::size_t size;

 private:
  bool is_file() const { return kind_ == backing::file || kind_ == backing::file_by_page; }
  bool is_shared() const { return is_file() || kind_ == backing::memfd; }
  // With system calls, as most files come to be.
  void fill_file() const {
    const std::vector<unsigned char> piece(std::size_t{1} << 20, 1);
    for (std::size_t at_byte = 0; at_byte < mapped_; at_byte += piece.size())
      if (::pwrite(file_, piece.data(), piece.size(), static_cast<off_t>(at_byte)) !=
          static_cast<ssize_t>(piece.size()))
        give_up("writing a file");
  }
  static unsigned char* map(void* where, std::size_t n, int protection, int flags, int file) {
    void* const p = ::mmap(where, n, protection, flags, file, 0);
    if (p == MAP_FAILED) give_up("mmap");
    return static_cast<unsigned char*>(p);
  }

  backing kind_;
  std::size_t mapped_;
  int file_ = -1;
  unsigned char* reserved_;
};

}  // namespace bench
