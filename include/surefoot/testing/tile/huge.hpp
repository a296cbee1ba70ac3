/// @file
/// Tiles of huge pages (transparent ones, of 2 MiB).
///
/// A tile is a piece of a huge page: a whole one is made elsewhere, and 4 KiB of it are moved to the
/// tile's place, without a copy. There the piece is mapped by an entry of its own, as the kernel itself
/// does wherever a part of a huge page gets a neighbour that is other memory. A huge page that is mapped
/// whole, by one entry, begins and ends at a multiple of 2 MiB: it cannot lie between two tiles, but it can
/// lie in front of some. That is `huge_page`.
///
/// Measured on Linux 6.18 (a virtual machine): /proc/kpageflags says of each of 512 moved pieces that it
/// is a part of a huge page, also when the others are gone; a whole one costs 120 us, its first move 260,
/// each of the others 7, where a plain tile's mmap and filling cost 16. Hence one huge page for 512 tiles.
/// hugetlbfs maps no less than 2 MiB.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>
#include <utility>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {
namespace detail {

inline constexpr std::size_t huge_size = std::size_t{2} << 20;

// Puts a whole huge page, zeroed, in the place of what is there; `at` is a multiple of its size. The
// kernel may bring one at the first touch; MADV_COLLAPSE makes one of small pages where it did not, and
// succeeds only where one is mapped by one entry.
inline void map_huge(unsigned char* at) {
  constexpr int collapse = 25;  // MADV_COLLAPSE, not in Debian 12's <sys/mman.h>
  require(::mmap(at, huge_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) == at,
          "mmap of a huge page");
  (void)::madvise(at, huge_size, MADV_HUGEPAGE);
  *static_cast<volatile unsigned char*>(at) = 0;
  // EAGAIN: a page was on its way somewhere just then.
  int tries = 100;
  while (!advise(at, huge_size, collapse))
    if (errno != EAGAIN || --tries == 0) refuse("MADV_COLLAPSE");
}

// One huge page of the process, of which pieces are handed out until there are none: at most 2 MiB are
// kept for tiles to come. A huge page is freed with the last of its pieces.
class huge_stock {
 public:
  static void move_piece(unsigned char* to) {
    static huge_stock all;
    const std::lock_guard only_one(all.mutex_);
    all.make_ready();
    require(::mremap(all.begin_ + all.left_ - tile_size, tile_size, tile_size,
                     MREMAP_MAYMOVE | MREMAP_FIXED, to) == to,
            "mremap of a piece of a huge page");
    all.left_ -= tile_size;
    require(advise(to, tile_size, MADV_DOFORK), "MADV_DOFORK");
  }

 private:
  void make_ready() {
    // A child does not get the pieces: while it had them too, and up to Linux 6.14 for ever after, a write
    // in the parent would be to a copy, a small page. What is there in a child is not ours.
    if (owner_ != ::getpid()) left_ = 0;
    owner_ = ::getpid();
    if (left_ > 0) return;
    // Not by reserve(): what is kept here is nobody's arena.
    void* const room =
        ::mmap(nullptr, 2 * huge_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(room != MAP_FAILED, "mmap");
    auto* const first = static_cast<unsigned char*>(room);
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(room) % huge_size;
    begin_ = first + before;
    if (before > 0) ::munmap(first, before);
    ::munmap(begin_ + huge_size, huge_size - before);
    try {
      map_huge(begin_);
      require(advise(begin_, huge_size, MADV_DONTFORK), "MADV_DONTFORK");
    } catch (...) {
      ::munmap(begin_, huge_size);
      throw;
    }
    left_ = huge_size;
  }

  std::mutex mutex_;
  unsigned char* begin_ = nullptr;
  std::size_t left_ = 0;
  ::pid_t owner_ = 0;
};

}  // namespace detail

/// A whole huge page, zeroed and mapped by one entry, and right behind it address space without access
/// in which tiles may be laid:
///
///     huge_page page(tile_size);
///     lay(tile::hole, page.end(), kept);
///     assert(my_copy(to, page.end() - 100, 200).done == 100);
///
/// @snippet tile.cpp huge_page
class huge_page {
 public:
  /// Bytes of one.
  static constexpr std::size_t size = detail::huge_size;

  /// Throws std::system_error where is_here(tile::huge_page) is false.
  explicit huge_page(std::size_t behind = 0)
      : bytes_(size + behind), begin_(detail::reserve(bytes_, size)) {
    try {
      detail::map_huge(begin_);
    } catch (...) {
      ::munmap(begin_, bytes_);
      throw;
    }
  }
  /// Unmaps it, and what lies behind it.
  ~huge_page() { ::munmap(begin_, bytes_); }
  huge_page(const huge_page&) = delete;
  huge_page& operator=(const huge_page&) = delete;

  /// Where it begins.
  unsigned char* data() const noexcept { return begin_; }
  /// Where it ends.
  unsigned char* end() const noexcept { return begin_ + size; }

 private:
  std::size_t bytes_;
  unsigned char* begin_;
};

struct huge_tiles {
  static constexpr bool make(tile t) noexcept { return t == tile::huge_page; }

  static constexpr const char* need(tile) noexcept {
    return "transparent huge pages and MADV_COLLAPSE (Linux 6.1)";
  }

  static constexpr answer ask(tile, std::size_t, access_kind) noexcept { return {}; }

  static constexpr std::size_t filled(tile) noexcept { return tile_size; }

  static void lay(tile, unsigned char* at, ground&) {
    detail::huge_stock::move_piece(at);
    detail::fill(at);
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
