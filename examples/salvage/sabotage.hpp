// Damage done on purpose, to our own view of SRC and never to SRC: a bad disk for the impatient.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <salvage/failure.hpp>
#include <salvage/source.hpp>
#include <string>

namespace tool {

enum class damage { noaccess, guard, truncate };

struct sabotage {
  std::string text;  // as the user wrote it
  damage kind = damage::noaccess;
  std::size_t offset = 0;
  std::size_t length = 0;  // 0: the page at offset
};

namespace detail {

// linux/mman.h of Debian 12 does not know it yet.
inline constexpr int madv_guard_install = 102;

// The view then continues, for these pages, in a file of length 0: as after a truncation.
inline bool map_empty_file(void* begin, std::size_t bytes) {
  const int empty = ::memfd_create("salvage-truncated", MFD_CLOEXEC);
  if (empty < 0) return false;
  const bool mapped =
      ::mmap(begin, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, empty, 0) != MAP_FAILED;
  ::close(empty);
  return mapped;
}

inline bool damage_pages(damage kind, void* begin, std::size_t bytes) {
  switch (kind) {
    case damage::noaccess: return ::mprotect(begin, bytes, PROT_NONE) == 0;
    case damage::guard: return ::madvise(begin, bytes, madv_guard_install) == 0;
    case damage::truncate: return map_empty_file(begin, bytes);
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
