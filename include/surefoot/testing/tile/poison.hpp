/// @file
/// A tile of memory that the kernel takes for broken (MADV_HWPOISON). It costs the machine that page
/// until it is started again, so it is made only where the environment variable
/// SUREFOOT_HARDWARE_POISON is set.
#pragma once

#include <signal.h>

#include <cstdlib>
#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

struct poison_tiles {
  static constexpr bool make(tile t) noexcept { return t == tile::hardware_poison; }

  static constexpr const char* need(tile) noexcept {
    return "SUREFOOT_HARDWARE_POISON set, CAP_SYS_ADMIN and CONFIG_MEMORY_FAILURE";
  }

  static constexpr answer ask(tile, std::size_t, access_kind) noexcept {
    return {cause::poisoned, SIGBUS, BUS_MCEERR_AR, tile_size};
  }

  static constexpr std::size_t filled(tile) noexcept { return tile_size; }

  static void lay(tile, unsigned char* at, ground&) {
    detail::map_anonymous(at);
    detail::fill(at);
    break_page(at);
  }

  /// The page that is mapped here is broken from now on, whatever its size.
  ///
  /// MADV_HWPOISON itself forces a SIGBUS with BUS_MCEERR_AR on the thread that asks for it: blocked or
  /// ignored it kills (measured on Linux 6.12, arm64 and x86-64), so for a moment a handler that does nothing
  /// takes it. Another thread that gets a SIGBUS in this moment makes its access again.
  static void break_page(unsigned char* at) {
    if (std::getenv("SUREFOOT_HARDWARE_POISON") == nullptr) {
      errno = EPERM;
      detail::refuse("MADV_HWPOISON");
    }
    struct sigaction nothing {
    }, owner;
    nothing.sa_handler = [](int) {};
    nothing.sa_flags = SA_ONSTACK;
    ::sigaction(SIGBUS, &nothing, &owner);
    sigset_t bus, before;
    ::sigemptyset(&bus);
    ::sigaddset(&bus, SIGBUS);
    ::pthread_sigmask(SIG_UNBLOCK, &bus, &before);
    bool done = detail::advise(at, tile_size, MADV_HWPOISON);
    // EBUSY: the kernel gave up half-way, as somebody else held the page (seen in one of ten runs under an
    // emulator). Either nothing is broken yet; or it is, and the kernel only could not put the page away:
    // then it refuses to do it again, because to look at that page is a fault.
    for (int tries = 0; !done && errno == EBUSY && tries < 200; ++tries) {
      ::usleep(1000);
      done = detail::advise(at, tile_size, MADV_HWPOISON) || errno == EFAULT;
    }
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::sigaction(SIGBUS, &owner, nullptr);
    errno = error;
    detail::require(done, "MADV_HWPOISON");
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
