/// @file
/// Tiles behind a protection key. The rights are the thread's: one that was made before the first such
/// tile has none at all.
#pragma once

#include <signal.h>

#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

struct key_tiles {
  static constexpr bool make(tile t) noexcept {
    return t == tile::key_denied || t == tile::key_read_only;
  }

  static constexpr const char* need(tile) noexcept { return "protection keys (a CPU with PKU)"; }

  static constexpr answer ask(tile t, std::size_t, access_kind during) noexcept {
    if (t == tile::key_read_only && during == access_kind::read) return {};
    return {cause::key_denied, SIGSEGV, SEGV_PKUERR};
  }

  static constexpr std::size_t filled(tile) noexcept { return tile_size; }

  static void lay(tile t, unsigned char* at, ground&) {
    const int key =
        t == tile::key_denied ? key_with<PKEY_DISABLE_ACCESS>() : key_with<PKEY_DISABLE_WRITE>();
    if (key < 0) {
      errno = ENOSPC;
      detail::refuse("pkey_alloc");
    }
    detail::map_anonymous(at);
    detail::fill(at);
    detail::require(::pkey_mprotect(at, tile_size, PROT_READ | PROT_WRITE, key) == 0,
                    "pkey_mprotect");
  }

 private:
  // There are 16 for a process: one each, for ever.
  template <unsigned Rights>
  static int key_with() {
    static const int key = ::pkey_alloc(0, Rights);
    return key;
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
