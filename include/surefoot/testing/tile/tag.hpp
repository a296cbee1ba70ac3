/// @file
/// A tile of arm64 memory tags (MTE): some of its granules of 16 bytes have another tag than the pointers
/// to it, which have none (0). Its first granule is fine, so a probe of the page's first byte says nothing
/// about the rest.
///
///     bytes 0 to 1599      can be accessed
///     bytes 1600 to 2559   every second granule, from the first on, cannot
///     bytes 2560 to 3199   cannot be accessed
///     bytes 3200 to 4095   can be accessed
///
/// Whether tags are looked at is up to each thread. Laying this tile sets it to synchronous for the
/// calling thread, for ever, and threads that it makes from then on inherit that; others ask for it
/// themselves (check_tags). Only memory with PROT_MTE is concerned.
///
/// The answers are those of loads and stores. A system call that makes them for this thread (read and
/// write of a pipe) answers EFAULT; process_vm_readv and process_vm_writev, FUTEX_WAKE_OP and
/// MADV_POPULATE_* do not look at the tags of the memory that they are about (Linux 6.12).
#pragma once

#include <signal.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

#if defined(__aarch64__)
#include <sys/prctl.h>
#endif

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

///
/// @snippet tile.cpp tags
inline constexpr std::size_t tag_granule = 16;  ///< bytes that have one tag
///
/// @snippet tile.cpp tags
inline constexpr int tagged_memory = 0x20;  ///< PROT_MTE, for mmap and mprotect

/// What the accesses of a thread do where the tag of a pointer is not that of the memory.
///
/// @snippet tile.cpp tags
enum class tag_checks : unsigned char {
  none,         ///< they are made
  synchronous,  ///< they are refused
  asynchronous,  ///< they are made, and the thread is told some time later (SEGV_MTEAERR, without an address)
};

/// The same address by a pointer with this tag, 0 to 15.
///
/// @snippet tile.cpp tags
template <class T>
T* with_tag(T* p, unsigned tag) noexcept {
  constexpr std::uintptr_t all = std::uintptr_t{15} << 56;
  return reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(p) & ~all) | std::uintptr_t{tag}
                                                                                 << 56);
}

#if defined(__aarch64__)
/// Sets it for the calling thread, and those that it makes from then on; or throws std::system_error.
///
/// @snippet tile.cpp tags
inline void check_tags(tag_checks to) {
  constexpr unsigned long synchronous = 2, asynchronous = 4;  // PR_MTE_TCF_SYNC, _ASYNC
  const int was = ::prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0);
  detail::require(was >= 0, "PR_GET_TAGGED_ADDR_CTRL");
  const auto now = static_cast<unsigned long>(was);
  const unsigned long wanted =
      (now & ~(synchronous | asynchronous)) | (to == tag_checks::synchronous    ? synchronous
                                               : to == tag_checks::asynchronous ? asynchronous
                                                                                : 0);
  if (wanted == now) return;
  detail::require(::prctl(PR_SET_TAGGED_ADDR_CTRL, wanted, 0, 0, 0) == 0,
                  "PR_SET_TAGGED_ADDR_CTRL");
}

/// Gives the granule at p this tag. Its memory is tagged_memory, and can be written.
///
/// @snippet tile.cpp tags
inline void set_tag(void* p, unsigned tag) noexcept {
  // stg x16, [x16], as a number: by its name it wants -march=armv8.5-a+memtag.
  __asm__ volatile("mov x16, %0\n\t.inst 0xd9200a10" : : "r"(with_tag(p, tag)) : "x16", "memory");
}
#else
[[noreturn]] inline void check_tags(tag_checks) {
  errno = EOPNOTSUPP;
  detail::refuse("PROT_MTE");
}
inline void set_tag(void*, unsigned) noexcept {}
#endif

struct tag_tiles {
  static constexpr std::size_t granule = tag_granule;

  static constexpr bool make(tile t) noexcept { return t == tile::tag_granules; }

  static constexpr const char* need(tile) noexcept { return "arm64 memory tagging (PROT_MTE)"; }

  /// 0, the tag of every pointer, where the granule can be accessed.
  static constexpr unsigned tag(std::size_t offset) noexcept {
    const std::size_t i = offset / granule;
    const bool other = i >= 100 && (i < 160 ? i % 2 == 0 : i < 200);
    return other ? static_cast<unsigned>(1 + i % 15) : 0;
  }

  static constexpr answer ask(tile, std::size_t offset, access_kind) noexcept {
    if (tag(offset) == 0) return {};
    return {cause::tag_mismatch, SIGSEGV, SEGV_MTESERR};
  }

  static constexpr std::size_t filled(tile) noexcept { return tile_size; }

  static void lay(tile, unsigned char* at, ground&) {
    check_tags(tag_checks::synchronous);
    detail::map_tile(at, PROT_READ | PROT_WRITE | tagged_memory, MAP_PRIVATE | MAP_ANONYMOUS);
    detail::fill(at);
    for (std::size_t i = 0; i < tile_size; i += granule)
      if (tag(i) != 0) set_tag(at + i, tag(i));
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
