/// @file
/// A minefield: many tiles in a row, each byte with a known answer.
///
///     minefield field({tile::read_write, tile::hole});
///     const progress met = my_copy(to, field.data() + 4000, 200);
///     assert(met.done == field.accessible(4000, 200, access_kind::read));
///
/// Before the first tile and behind the last there is a page without access. A child of fork() finds the
/// same answers, but for the kinds of a userfaultfd, which the kernel does not hand on. Prints itself as a
/// picture: one letter a tile, what they mean, and the answer of each.
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <surefoot/testing/tile/select.hpp>
#include <utility>
#include <vector>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// How often each kind of tile has been laid by this process, and how many layouts.
///
/// @snippet minefield.cpp exercised
class exercised {
 public:
  /// One more layout.
  static void count_layout() { layout_count().fetch_add(1, std::memory_order_relaxed); }
  /// How many layouts.
  static std::uint64_t layouts() { return layout_count().load(std::memory_order_relaxed); }
  /// One more tile of this kind.
  static void count(tile t) {
    counts()[static_cast<std::size_t>(t)].fetch_add(1, std::memory_order_relaxed);
  }
  /// How many tiles of this kind.
  static std::uint64_t times(tile t) {
    return counts()[static_cast<std::size_t>(t)].load(std::memory_order_relaxed);
  }

  /// A line for each kind: how often, or why not.
  static std::string report() {
    std::string text;
    for (const tile t : all_tiles()) {
      text += std::string(name(t)) + ": ";
      if (times(t) > 0)
        text += "exercised " + std::to_string(times(t)) + " times";
      else
        text += "not exercised" + (is_here(t) ? std::string() : ": " + lacking(t));
      text += '\n';
    }
    return text;
  }

 private:
  static std::array<std::atomic<std::uint64_t>, tile_kinds>& counts() {
    static std::array<std::atomic<std::uint64_t>, tile_kinds> all{};
    return all;
  }
  static std::atomic<std::uint64_t>& layout_count() {
    static std::atomic<std::uint64_t> count{0};
    return count;
  }
};

/// A layout as one line: "|.H.|  . read-write, H hole (unmapped)".
///
/// @snippet minefield.cpp picture
inline std::string picture(const std::vector<tile>& layout) {
  const auto describe = [](tile t) {
    const auto kind = [t](access_kind during) {
      std::size_t at = 0;
      while (at < tile_size && ask(t, at, during).accessible()) at += granule(t);
      if (at == tile_size) return std::string("none");
      return surefoot::name(ask(t, at, during).kind) + std::string(at > 0 ? " in places" : "");
    };
    const std::string read = kind(access_kind::read), write = kind(access_kind::write);
    if (read != "none") return name(t) + (" (" + read + ")");
    if (write != "none") return name(t) + (" (write: " + write + ")");
    return std::string(name(t));
  };
  std::string line = "|", legend;
  std::array<bool, tile_kinds> said{};
  for (const tile t : layout) {
    line += letter(t);
    if (std::exchange(said[static_cast<std::size_t>(t)], true)) continue;
    legend += (legend.empty() ? "  " : ", ") + std::string(1, letter(t)) + ' ' + describe(t);
  }
  return line + '|' + legend;
}

/// Real memory, laid as it says; it is gone with the object. What may be asked of it may be asked by many threads.
///
/// @snippet minefield.cpp minefield
class minefield {
 public:
  /// How many there may be.
  static constexpr std::size_t most_tiles = 64;

  /// Throws std::length_error for more than most_tiles, std::system_error for a tile that this
  /// machine does not have (lacking() says why).
  explicit minefield(std::vector<tile> layout) : layout_(std::move(layout)), now_(layout_) {
    if (layout_.size() > most_tiles) throw std::length_error("surefoot::testing: too many tiles");
    arena_ = detail::reserve(arena_size());
    try {
      for (std::size_t i = 0; i < now_.size(); ++i) lay_again(i);
    } catch (...) {
      ::munmap(arena_, arena_size());
      throw;
    }
    exercised::count_layout();
  }
  ~minefield() { ::munmap(arena_, arena_size()); }
  minefield(const minefield&) = delete;
  minefield& operator=(const minefield&) = delete;

  /// Where the first tile begins.
  unsigned char* data() const noexcept { return arena_ + tile_size; }
  /// Bytes of all the tiles.
  std::size_t size() const noexcept { return now_.size() * tile_size; }
  /// Where this tile begins.
  unsigned char* begin_of(std::size_t i) const noexcept { return data() + i * tile_size; }
  /// What lies there now.
  const std::vector<tile>& tiles() const noexcept { return now_; }

  /// Another tile in this place, fresh. Other threads may be in it meanwhile: at any moment they meet
  /// the old one, the new one, or what the new one is while it is made (zeros, which can be written; no
  /// access). Not for two threads at once. Throws as the constructor does; then the tile is no_access.
  void change(std::size_t i, tile t) {
    now_.at(i) = t;
    lay_again(i);
  }

  /// All as it was built, content included.
  void restore() {
    now_ = layout_;
    for (std::size_t i = 0; i < now_.size(); ++i) lay_again(i);
  }

  /// What an access of the byte at this offset meets; outside of the tiles nothing can be accessed.
  answer ask(std::size_t offset, access_kind during) const {
    if (offset >= size()) return testing::ask(tile::no_access, 0, during);
    return testing::ask(now_[offset / tile_size], offset % tile_size, during);
  }

  /// How many bytes from this offset on can be accessed, at most n: what `done` must be.
  std::size_t accessible(std::size_t offset, std::size_t n, access_kind during) const {
    for (std::size_t i = 0; i < n; ++i)
      if (!ask(offset + i, during).accessible()) return i;
    return n;
  }

  /// What stands at this offset, as far as it can be read and as it was laid.
  std::uint8_t content(std::size_t offset) const {
    return offset % tile_size < filled(now_.at(offset / tile_size)) ? pattern(data() + offset) : 0;
  }

  /// Does every byte that can be read hold what was laid there, but for the n from this offset on?
  bool intact(std::size_t offset = 0, std::size_t n = 0) const {
    for (std::size_t i = 0; i < now_.size(); ++i) {
      const std::size_t first = i * tile_size, held = filled(now_[i]), one = granule(now_[i]);
      for (std::size_t g = first; g < first + tile_size; g += one) {
        if (!ask(g, access_kind::read).accessible()) continue;
        for (std::size_t at = g; at < g + one; ++at)
          if (at - offset >= n && data()[at] != (at - first < held ? pattern(data() + at) : 0))
            return false;
      }
    }
    return true;
  }

  /// What lies there now, as one line.
  std::string picture() const { return testing::picture(now_); }

 private:
  std::size_t arena_size() const noexcept { return size() + 2 * tile_size; }

  void lay_again(std::size_t i) {
    try {
      lay(now_[i], begin_of(i), kept_);
    } catch (...) {
      detail::map_tile(begin_of(i), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
      now_[i] = tile::no_access;
      throw;
    }
    exercised::count(now_[i]);
  }

  std::vector<tile> layout_;
  std::vector<tile> now_;
  unsigned char* arena_ = nullptr;
  ground kept_;
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
