/// @file
/// Tiles of a userfaultfd: pages that answer with SIGBUS because nobody brings them, and pages marked as
/// poisoned.
#pragma once

#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

struct userfault_tiles {
  static constexpr bool make(tile t) noexcept {
    return t == tile::userfault_missing || t == tile::userfault_poison;
  }

  static constexpr const char* need(tile t) noexcept {
    return t == tile::userfault_poison ? "UFFDIO_POISON (Linux 6.6)" : "userfaultfd";
  }

  /// A kernel without CONFIG_MEMORY_FAILURE reports its poison as any other SIGBUS.
  static answer ask(tile t, std::size_t, access_kind) {
    if (t == tile::userfault_poison && reports_poison())
      return {cause::poisoned, SIGBUS, BUS_MCEERR_AR, tile_size};
    return {cause::no_backing, SIGBUS, BUS_ADRERR};
  }

  static constexpr std::size_t filled(tile) noexcept { return 0; }

  static void lay(tile t, unsigned char* at, ground& kept) {
    if (!kept.userfault) kept.userfault = open();
    // Without access until it is done: a page that another thread has touched is not missing any more.
    detail::map_tile(at, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
    struct uffdio_register range {};
    range.range = {reinterpret_cast<std::uintptr_t>(at), tile_size};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    detail::require(::ioctl(kept.userfault.number(), UFFDIO_REGISTER, &range) == 0,
                    "UFFDIO_REGISTER");
    if (t == tile::userfault_poison) {
      poison request{range.range, 0, 0};
      detail::require(::ioctl(kept.userfault.number(), poison_request, &request) == 0,
                      "UFFDIO_POISON");
    }
    detail::protect(at, PROT_READ | PROT_WRITE);
  }

 private:
  // Not in Debian 12's headers.
  static constexpr std::uint64_t feature_poison = std::uint64_t{1} << 14;
  struct poison {
    struct uffdio_range range;
    std::uint64_t mode;
    std::int64_t updated;
  };
  static constexpr unsigned long poison_request = _IOWR(UFFDIO, 0x08, poison);

  static detail::descriptor open() {
    for (const std::uint64_t features :
         {UFFD_FEATURE_SIGBUS | feature_poison, std::uint64_t{UFFD_FEATURE_SIGBUS}}) {
      detail::descriptor made(
          static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY)));
      detail::require(static_cast<bool>(made), "userfaultfd");
      struct uffdio_api api {};
      api.api = UFFD_API;
      api.features = features;
      if (::ioctl(made.number(), UFFDIO_API, &api) == 0) return made;
    }
    detail::refuse("UFFDIO_API");
  }

  // CONFIG_MEMORY_FAILURE brings this knob along. (MADV_POPULATE_READ says EHWPOISON either way.)
  static bool reports_poison() {
    static const bool answer = ::access("/proc/sys/vm/memory_failure_early_kill", F_OK) == 0;
    return answer;
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
