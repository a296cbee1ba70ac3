// Damage done on purpose, to our own view of SRC and never to SRC: a bad disk for the impatient.
#pragma once

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <salvage/failure.hpp>
#include <salvage/source.hpp>
#include <string>

namespace tool {

enum class damage { noaccess, guard, truncate, uffd_poison };

struct sabotage {
  std::string text;  // as the user wrote it
  damage kind = damage::noaccess;
  std::size_t offset = 0;
  std::size_t length = 0;  // 0: the page at offset
};

namespace detail {

// The kernel headers of Debian 12 do not know these yet.
inline constexpr int madv_guard_install = 102;
inline constexpr std::uint64_t uffd_feature_poison = std::uint64_t{1} << 14;
struct uffdio_poison {
  struct uffdio_range range;
  std::uint64_t mode;
  std::int64_t updated;
};
inline constexpr unsigned long uffdio_poison_request = _IOWR(UFFDIO, 0x08, uffdio_poison);

// The view then continues, for these pages, in a file of length 0: as after a truncation.
inline bool map_empty_file(void* begin, std::size_t bytes) {
  const int empty = ::memfd_create("salvage-truncated", MFD_CLOEXEC);
  if (empty < 0) return false;
  const bool mapped =
      ::mmap(begin, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, empty, 0) != MAP_FAILED;
  ::close(empty);
  return mapped;
}

// The view then continues, for these pages, in fresh memory that answers as a page with a hardware
// memory error does. It stays poisoned when the descriptor is closed.
inline bool poison(void* begin, std::size_t bytes) {
  if (::mmap(begin, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
    return false;
  const int fault_fd =
      static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
  if (fault_fd < 0) return false;
  struct uffdio_api api {};
  api.api = UFFD_API;
  api.features = uffd_feature_poison;
  struct uffdio_register pages {};
  pages.range = {reinterpret_cast<std::uintptr_t>(begin), bytes};
  pages.mode = UFFDIO_REGISTER_MODE_MISSING;
  uffdio_poison request{pages.range, 0, 0};
  const bool done = ::ioctl(fault_fd, UFFDIO_API, &api) == 0 &&
                    ::ioctl(fault_fd, UFFDIO_REGISTER, &pages) == 0 &&
                    ::ioctl(fault_fd, uffdio_poison_request, &request) == 0;
  const int error = errno;
  ::close(fault_fd);
  errno = error;
  return done;
}

inline bool damage_pages(damage kind, void* begin, std::size_t bytes) {
  switch (kind) {
    case damage::noaccess: return ::mprotect(begin, bytes, PROT_NONE) == 0;
    case damage::guard: return ::madvise(begin, bytes, madv_guard_install) == 0;
    case damage::truncate: return map_empty_file(begin, bytes);
    case damage::uffd_poison: return poison(begin, bytes);
  }
  return false;
}

}  // namespace detail

// Rounded outward to pages.
inline void apply(const sabotage& s, const source& src) {
  if (s.offset >= src.size() || s.length > page_end(src.size() - 1) - s.offset)
    throw failure{status::usage, "--sabotage " + s.text + ": not within " + src.name() +
                                     ", which has " + std::to_string(src.size()) + " bytes"};
  const std::size_t begin = page_begin(s.offset);
  const std::size_t last = s.length == 0 ? s.offset : s.offset + s.length - 1;
  if (!detail::damage_pages(s.kind, src.view() + begin, page_end(last) - begin))
    refuse("--sabotage " + s.text, "the kernel refuses it");
}

}  // namespace tool
