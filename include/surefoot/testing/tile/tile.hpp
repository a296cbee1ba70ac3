/// @file
/// A tile: one page of real address space whose answers are known, byte by byte. The families beside
/// this file make them; minefield.hpp lays many in a row.
///
/// The answers are those of the processor: a load, or an atomic read-modify-write, by an ordinary
/// instruction. The kernel may answer otherwise when it is asked to make the access: process_vm_readv
/// refuses memfd_secret, and does not look at memory tags.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <surefoot/fault.hpp>
#include <system_error>

// A fuzzer's coverage is about the code under test. It does not see what the kit does, which for one input
// depends on the input before: functions between these two are left out of it.
#if defined(__clang__)
#define SUREFOOT_TESTING_UNSEEN \
  _Pragma("clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)")
#define SUREFOOT_TESTING_SEEN _Pragma("clang attribute pop")
#else
#define SUREFOOT_TESTING_UNSEEN
#define SUREFOOT_TESTING_SEEN
#endif

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// Bytes of a tile, and the alignment of one.
///
/// @snippet tile.cpp tile_size
inline constexpr std::size_t tile_size = 4096;

/// The kinds of memory.
///
/// @snippet tile.cpp tile
enum class tile : unsigned char {
  // anonymous.hpp
  read_write,  ///< filled
  untouched,   ///< never accessed: zeros
  zero_page,   ///< read once: the kernel's one page of zeros, until it is written
  read_only,   ///< filled, then PROT_READ
  no_access,   ///< filled, then PROT_NONE
  hole,        ///< nothing is mapped
  guard_page,  ///< MADV_GUARD_INSTALL: a hole inside a mapping
  secret,      ///< memfd_secret: the kernel itself has no mapping of it
  // huge.hpp
  huge_page,  ///< 4 KiB of a huge page, filled
  // file.hpp
  private_file,      ///< MAP_PRIVATE, filled
  shared_file,       ///< MAP_SHARED, filled
  read_only_file,    ///< MAP_SHARED of a descriptor that cannot write
  file_tail,         ///< the file ends within it: the rest reads as zeros, without a fault
  past_end_of_file,  ///< the file ended before it
  truncated_file,    ///< the file was cut before it, after it had been touched
  full_tmpfs,        ///< a hole in a file, and no room to fill it
  // userfault.hpp
  userfault_missing,  ///< a userfaultfd that answers with SIGBUS
  userfault_poison,   ///< UFFDIO_POISON
  // poison.hpp
  hardware_poison,  ///< MADV_HWPOISON
  // key.hpp
  key_denied,     ///< a protection key that forbids all access
  key_read_only,  ///< one that forbids writing
  // tag.hpp
  tag_granules  ///< arm64 memory tags: some granules of 16 bytes mismatch
};
/// How many kinds there are.
///
/// @snippet tile.cpp all_tiles
inline constexpr std::size_t tile_kinds = static_cast<std::size_t>(tile::tag_granules) + 1;

/// What it is called in reports; "?" for a number that is none.
///
/// @snippet tile.cpp tile
constexpr const char* name(tile t) noexcept {
  switch (t) {
    case tile::read_write: return "read-write";
    case tile::untouched: return "untouched";
    case tile::zero_page: return "zero page";
    case tile::read_only: return "read-only";
    case tile::no_access: return "no access";
    case tile::hole: return "hole";
    case tile::guard_page: return "guard page";
    case tile::secret: return "memfd_secret";
    case tile::huge_page: return "huge page";
    case tile::private_file: return "private file";
    case tile::shared_file: return "shared file";
    case tile::read_only_file: return "read-only file";
    case tile::file_tail: return "file tail";
    case tile::past_end_of_file: return "past end of file";
    case tile::truncated_file: return "truncated file";
    case tile::full_tmpfs: return "full tmpfs";
    case tile::userfault_missing: return "userfaultfd, missing";
    case tile::userfault_poison: return "UFFDIO_POISON";
    case tile::hardware_poison: return "MADV_HWPOISON";
    case tile::key_denied: return "protection key, no access";
    case tile::key_read_only: return "protection key, read-only";
    case tile::tag_granules: return "MTE granules";
  }
  return "?";
}

/// One letter for a picture. What can be read and written is small or a dot.
///
/// @snippet tile.cpp tile
constexpr char letter(tile t) noexcept {
  return ".uzRNHGshfmFtETDUPWKkM"[static_cast<std::size_t>(t)];
}

/// What an access of one byte meets.
///
/// @snippet tile.cpp answer
struct answer {
  cause kind = cause::none;  ///< none: it is made
  int signal = 0;            ///< the signal; 0 where none is involved
  int code = 0;              ///< its si_code
  std::size_t extent = 0;    ///< poisoned: bytes lost

  /// It is made.
  constexpr bool accessible() const noexcept { return kind == cause::none; }
  /// The same as the library says it.
  constexpr fault at(const volatile void* address, access_kind during) const noexcept {
    return accessible() ? fault{} : fault{address, kind, during, signal, code, extent};
  }
  friend constexpr bool operator==(const answer&, const answer&) = default;
};

namespace detail {

[[noreturn]] inline void refuse(const char* what) {
  throw std::system_error(errno, std::generic_category(),
                          std::string("surefoot::testing: ") + what);
}
inline void require(bool fine, const char* what) {
  if (!fine) refuse(what);
}

}  // namespace detail

/// What stands in a filled tile at this address: no two pages look alike, and no byte is zero.
///
/// @snippet tile.cpp pattern
inline std::uint8_t pattern(const volatile void* at) noexcept {
  const auto a = reinterpret_cast<std::uintptr_t>(at);
  return static_cast<std::uint8_t>(1 + ((a * 2654435761u + (a >> 8) * 40503u) >> 13) % 255);
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
