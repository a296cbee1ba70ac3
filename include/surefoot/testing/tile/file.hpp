/// @file
/// Tiles of mapped files, and of what lies behind their ends.
#pragma once

#include <linux/mount.h>
#include <signal.h>

#include <string>
#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

struct file_tiles {
  /// Where the file of a file_tail ends: no multiple of any unit of access.
  static constexpr std::size_t tail = 1234;

  static constexpr bool make(tile t) noexcept {
    return t >= tile::private_file && t <= tile::full_tmpfs;
  }

  static constexpr const char* need(tile t) noexcept {
    switch (t) {
      case tile::read_only_file: return "/proc";
      case tile::full_tmpfs: return "the right to mount a tmpfs (CAP_SYS_ADMIN)";
      default: return "nothing";
    }
  }

  static constexpr answer ask(tile t, std::size_t, access_kind during) noexcept {
    switch (t) {
      case tile::past_end_of_file:
      case tile::truncated_file:
      case tile::full_tmpfs: return {cause::no_backing, SIGBUS, BUS_ADRERR};
      case tile::read_only_file:
        if (during == access_kind::write) return {cause::denied, SIGSEGV, SEGV_ACCERR};
        return {};
      default: return {};  // file_tail too: its page is there, as far as it goes
    }
  }

  static constexpr std::size_t filled(tile t) noexcept {
    return t == tile::file_tail ? tail : tile_size;
  }

  static void lay(tile t, unsigned char* at, ground& kept) {
    constexpr int both = PROT_READ | PROT_WRITE;
    switch (t) {
      case tile::past_end_of_file:
        return detail::map_tile(at, both, MAP_SHARED, detail::unnamed_file(0).number());
      case tile::full_tmpfs:  // nothing ever comes into it, so one does for all
        if (!kept.full) kept.full = full_file();
        return detail::map_tile(at, both, MAP_SHARED, kept.full.number());
      default: break;
    }
    const detail::descriptor file = detail::unnamed_file(t == tile::file_tail ? tail : tile_size);
    unsigned char content[tile_size];
    for (std::size_t i = 0; i < tile_size; ++i) content[i] = pattern(at + i);
    detail::require(
        ::pwrite(file.number(), content, filled(t), 0) == static_cast<ssize_t>(filled(t)),
        "write to a memfd");
    switch (t) {
      case tile::private_file: return detail::map_tile(at, both, MAP_PRIVATE, file.number());
      case tile::read_only_file: {
        const std::string same = "/proc/self/fd/" + std::to_string(file.number());
        const detail::descriptor reading(::open(same.c_str(), O_RDONLY | O_CLOEXEC));
        detail::require(static_cast<bool>(reading), "open of a memfd for reading");
        return detail::map_tile(at, PROT_READ, MAP_SHARED, reading.number());
      }
      default: detail::map_tile(at, both, MAP_SHARED, file.number());
    }
    if (t == tile::truncated_file) {
      (void)*static_cast<volatile unsigned char*>(at);
      detail::require(::ftruncate(file.number(), 0) == 0, "ftruncate");
    }
  }

 private:
  // A file with a hole, on a tmpfs of one page that another file fills. Mounted nowhere: it goes away
  // with the file.
  static detail::descriptor full_file() {
    const detail::descriptor context(
        static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
    detail::require(static_cast<bool>(context), "fsopen of a tmpfs");
    const auto set = [&](unsigned what, const char* key, const char* value) {
      detail::require(::syscall(SYS_fsconfig, context.number(), what, key, value, 0) == 0,
                      "fsconfig");
    };
    set(FSCONFIG_SET_STRING, "size", "4096");
    set(FSCONFIG_CMD_CREATE, nullptr, nullptr);
    const detail::descriptor mount(
        static_cast<int>(::syscall(SYS_fsmount, context.number(), FSMOUNT_CLOEXEC, 0)));
    detail::require(static_cast<bool>(mount), "fsmount of a tmpfs");
    const auto create = [&](const char* name, std::size_t size) {
      detail::descriptor file(
          ::openat(mount.number(), name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      detail::require(static_cast<bool>(file), "open on a tmpfs");
      detail::require(::ftruncate(file.number(), static_cast<off_t>(size)) == 0, "ftruncate");
      return file;
    };
    const detail::descriptor filler = create("filler", 0);
    const unsigned char page[tile_size] = {1};
    detail::require(::pwrite(filler.number(), page, tile_size, 0) == tile_size, "filling a tmpfs");
    return create("hole", tile_size);
  }
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
