/// @file
/// Any tile, whatever family makes it: what it is, and whether this machine has it.
#pragma once

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <string>
#include <surefoot/testing/tile/anonymous.hpp>
#include <surefoot/testing/tile/file.hpp>
#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/huge.hpp>
#include <surefoot/testing/tile/key.hpp>
#include <surefoot/testing/tile/poison.hpp>
#include <surefoot/testing/tile/tag.hpp>
#include <surefoot/testing/tile/tile.hpp>
#include <surefoot/testing/tile/userfault.hpp>
#include <system_error>
#include <vector>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

namespace detail {

// Calls f(family) for the one that makes this tile.
template <class F>
auto with_family(tile t, F f) {
  if (anonymous_tiles::make(t)) return f(anonymous_tiles{});
  if (huge_tiles::make(t)) return f(huge_tiles{});
  if (file_tiles::make(t)) return f(file_tiles{});
  if (userfault_tiles::make(t)) return f(userfault_tiles{});
  if (poison_tiles::make(t)) return f(poison_tiles{});
  if (tag_tiles::make(t)) return f(tag_tiles{});
  return f(key_tiles{});
}

}  // namespace detail

/// Every kind, in the order of `tile`: the plainest of each family first.
///
/// @snippet tile.cpp all_tiles
inline std::array<tile, tile_kinds> all_tiles() {
  std::array<tile, tile_kinds> all;
  for (std::size_t i = 0; i < tile_kinds; ++i) all[i] = static_cast<tile>(i);
  return all;
}

/// What the processor meets at this offset within the tile.
///
/// @snippet tile.cpp answer
inline answer ask(tile t, std::size_t offset, access_kind during) {
  return detail::with_family(t, [&](auto family) { return family.ask(t, offset, during); });
}

/// Bytes that have one answer: the tile is made of so many at a time.
///
/// @snippet tile.cpp granule
constexpr std::size_t granule(tile t) noexcept {
  return tag_tiles::make(t) ? tag_tiles::granule : tile_size;
}

/// How many bytes, from its beginning, hold pattern(their address) once the tile is laid. What of the
/// rest can be read is zero.
///
/// @snippet tile.cpp pattern
inline std::size_t filled(tile t) {
  return detail::with_family(t, [&](auto family) { return family.filled(t); });
}

/// Puts the tile at `at`, in the place of what is there, or throws std::system_error.
///
/// @snippet tile.cpp lay
inline void lay(tile t, unsigned char* at, ground& kept) {
  detail::with_family(t, [&](auto family) { family.lay(t, at, kept); });
}

/// Why this machine does not have it; empty where it has. Found out by trying, once.
///
/// @snippet tile.cpp lacking
inline const std::string& lacking(tile t) {
  static const std::array<std::string, tile_kinds> reasons = [] {
    std::array<std::string, tile_kinds> all;
    for (const tile each : all_tiles()) {
      unsigned char* const at = detail::reserve(tile_size);  // a hole there stays one
      try {
        ground kept;
        lay(each, at, kept);
      } catch (const std::system_error& e) {
        all[static_cast<std::size_t>(each)] =
            std::string("needs ") +
            detail::with_family(each, [&](auto family) { return family.need(each); }) + " (" +
            e.code().message() + ")";
      }
      ::munmap(at, tile_size);
    }
    return all;
  }();
  return reasons[static_cast<std::size_t>(t)];
}
/// Does this machine have it?
///
/// @snippet tile.cpp lacking
inline bool is_here(tile t) { return lacking(t).empty(); }

/// The kinds that it has, the plainest first.
///
/// @snippet tile.cpp all_tiles
inline const std::vector<tile>& tiles_here() {
  static const std::vector<tile> here = [] {
    std::vector<tile> all;
    for (const tile t : all_tiles())
      if (is_here(t)) all.push_back(t);
    return all;
  }();
  return here;
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
