/// @file
/// Tiles of anonymous memory, of no memory, and of memfd_secret.
#pragma once

#include <signal.h>

#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

struct anonymous_tiles {
  static constexpr bool make(tile t) noexcept { return t <= tile::secret; }

  static constexpr const char* need(tile t) noexcept {
    switch (t) {
      case tile::guard_page: return "MADV_GUARD_INSTALL (Linux 6.13)";
      case tile::secret: return "memfd_secret (Linux 5.14, secretmem.enable)";
      default: return "nothing";
    }
  }

  static constexpr answer ask(tile t, std::size_t, access_kind during) noexcept {
    constexpr answer denied{cause::denied, SIGSEGV, SEGV_ACCERR};
    constexpr answer unmapped{cause::unmapped, SIGSEGV, SEGV_MAPERR};
    switch (t) {
      case tile::read_only: return during == access_kind::write ? denied : answer{};
      case tile::no_access: return denied;
      case tile::hole:
      case tile::guard_page: return unmapped;
      default: return {};
    }
  }

  static constexpr std::size_t filled(tile t) noexcept {
    return t == tile::untouched || t == tile::zero_page ? 0 : tile_size;
  }

  static void lay(tile t, unsigned char* at, ground&) {
    if (t == tile::secret) return lay_secret(at);
    detail::map_anonymous(at);
    switch (t) {
      case tile::untouched: return;
      case tile::zero_page: return void(*static_cast<volatile unsigned char*>(at));
      case tile::hole: return detail::require(::munmap(at, tile_size) == 0, "munmap");
      case tile::guard_page:
        return detail::require(detail::advise(at, tile_size, detail::install_guard),
                               "MADV_GUARD_INSTALL");
      default: break;
    }
    detail::fill(at);
    if (t == tile::read_only) detail::protect(at, PROT_READ);
    if (t == tile::no_access) detail::protect(at, PROT_NONE);
  }

 private:
  static void lay_secret(unsigned char* at) {
    const detail::descriptor file = detail::secret_file(tile_size);
    detail::map_tile(at, PROT_READ | PROT_WRITE, MAP_SHARED, file.number());
    detail::fill(at);
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
