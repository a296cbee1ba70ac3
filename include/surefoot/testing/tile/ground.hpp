/// @file
/// What tiles are made of: mappings at a fixed place, files without a name, and what a minefield keeps
/// for its tiles while they lie there.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <surefoot/testing/tile/tile.hpp>
#include <utility>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {
namespace detail {

// A descriptor, closed in the end.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const noexcept { return number_; }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

// Where arenas are laid. ThreadSanitizer and MemorySanitizer let a program map nothing outside of a few ranges.
#if defined(__SANITIZE_THREAD__)
inline constexpr std::uintptr_t first_arena = 0x7e90'0000'0000;
#elif defined(__has_feature)
inline constexpr std::uintptr_t first_arena =
    __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer) ? 0x7e90'0000'0000
                                                                       : 0x3000'0000'0000;
#else
inline constexpr std::uintptr_t first_arena = 0x3000'0000'0000;
#endif

// Address space without access, far from where the kernel puts mappings by itself, so that nothing else
// fills our holes.
inline unsigned char* reserve(std::size_t bytes, std::size_t alignment = tile_size) {
  static std::atomic<std::uintptr_t> next{first_arena};
  for (;;) {
    const std::uintptr_t from = next.fetch_add(bytes + alignment);
    void* const at = reinterpret_cast<void*>((from + alignment - 1) / alignment * alignment);
    void* const got =
        ::mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == at) return static_cast<unsigned char*>(got);
    require(got == MAP_FAILED && errno == EEXIST, "mmap of an arena");
  }
}

// Puts a mapping of one tile in the place of whatever is there, at once: no other thread sees
// nothing in between.
inline void map_tile(unsigned char* at, int protection, int flags, int file = -1) {
  require(::mmap(at, tile_size, protection, flags | MAP_FIXED, file, 0) == at, "mmap");
}
inline void map_anonymous(unsigned char* at) {
  map_tile(at, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

inline void protect(unsigned char* at, int protection) {
  require(::mprotect(at, tile_size, protection) == 0, "mprotect");
}

// MADV_GUARD_INSTALL and MADV_GUARD_REMOVE, not in Debian 12's headers.
inline constexpr int install_guard = 102, remove_guard = 103;

// madvise, where its answer means something: qemu's user mode grants any advice and does nothing.
inline bool advise(unsigned char* at, std::size_t n, int advice) {
  static const bool grants_any = [at] { return ::madvise(at, tile_size, 0x7fff) == 0; }();
  if (!grants_any) return ::madvise(at, n, advice) == 0;
  errno = ENOSYS;
  return false;
}

// The first n bytes get what pattern() says of them.
inline void fill(unsigned char* at, std::size_t n = tile_size) noexcept {
  for (std::size_t i = 0; i < n; ++i) at[i] = pattern(at + i);
}

// A file of so many bytes, that goes away with its last descriptor and mapping.
inline descriptor unnamed_file(std::size_t size) {
  descriptor file(::memfd_create("surefoot-tile", MFD_CLOEXEC));
  require(static_cast<bool>(file), "memfd_create");
  require(::ftruncate(file.number(), static_cast<off_t>(size)) == 0, "ftruncate");
  return file;
}

// A file of so many bytes of which the kernel itself has no mapping.
inline descriptor secret_file(std::size_t size) {
  constexpr long memfd_secret = 447;  // SYS_memfd_secret, the same on every machine
  descriptor file(static_cast<int>(::syscall(memfd_secret, O_CLOEXEC)));
  require(static_cast<bool>(file), "memfd_secret");
  require(::ftruncate(file.number(), static_cast<off_t>(size)) == 0, "ftruncate of memfd_secret");
  return file;
}

// Says once in each process that it is a new one: a child of fork() shares files and pipes with its
// parent, and does not have its userfaultfd.
class process_mark {
 public:
  process_mark() {
    constexpr int wipe_on_fork = 18;  // MADV_WIPEONFORK
    void* const at =
        ::mmap(nullptr, tile_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(at != MAP_FAILED, "mmap");
    mark_ = static_cast<volatile unsigned char*>(at);
    require(::madvise(at, tile_size, wipe_on_fork) == 0, "MADV_WIPEONFORK");
  }
  ~process_mark() { ::munmap(const_cast<unsigned char*>(mark_), tile_size); }
  process_mark(const process_mark&) = delete;
  process_mark& operator=(const process_mark&) = delete;

  bool is_new() noexcept {
    if (*mark_ != 0) return false;
    *mark_ = 1;
    return true;
  }

 private:
  volatile unsigned char* mark_;
};

}  // namespace detail

/// What a minefield keeps for its tiles; made by the first one that needs it.
///
/// @snippet tile.cpp lay
struct ground {
  detail::descriptor userfault;  ///< of the kinds of a userfaultfd
  detail::descriptor full;       ///< the file of full_tmpfs
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
