/// @file
/// What is drawn for a test, as values that print themselves: layouts, parts of them, and what the steps of
/// a loop do. rapidcheck.hpp draws them at random, fuzzed.hpp from a fuzzer's bytes.
#pragma once

#include <cstddef>
#include <ostream>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {

/// How answers are shown in counterexamples; rapidcheck finds them through their types, by this name.
///
/// @snippet drawn.cpp showValue
inline void showValue(const fault& f, std::ostream& to) {
  char line[160];
  surefoot::format(f, line, sizeof line);
  to << line;
}
/// The same for a progress.
inline void showValue(const progress& p, std::ostream& to) {
  to << p.done << " done, " << p.left << " left, ";
  showValue(p.stopped_by, to);
}

namespace testing {

/// A layout as a value; minefield lays it.
///
/// @snippet drawn.cpp layout
struct layout {
  std::vector<tile> tiles;  ///< from the first address on
  friend bool operator==(const layout&, const layout&) = default;
};
/// Its picture().
///
/// @snippet drawn.cpp layout
inline std::ostream& operator<<(std::ostream& to, const layout& l) {
  return to << picture(l.tiles);
}

/// A part of a minefield, in bytes from its beginning.
///
/// @snippet drawn.cpp reach
struct reach {
  std::size_t offset = 0;  ///< of its first byte
  std::size_t length = 0;  ///< bytes
  /// Offset of the first byte behind it.
  std::size_t end() const noexcept { return offset + length; }
  friend bool operator==(const reach&, const reach&) = default;
};
/// As places, (tile:offset).
inline std::ostream& operator<<(std::ostream& to, const reach& r) {
  return to << "bytes " << r.offset / tile_size << ":" << r.offset % tile_size << " to "
            << r.end() / tile_size << ":" << r.end() % tile_size << " (tile:offset)";
}

/// A layout and a part of it: what a loop is called with.
///
/// @snippet drawn.cpp excerpt
struct excerpt {
  std::vector<tile> tiles;  ///< from the first address on
  reach part;               ///< of the bytes of those tiles
  friend bool operator==(const excerpt&, const excerpt&) = default;
};
/// The picture(), and the part below it.
inline std::ostream& operator<<(std::ostream& to, const excerpt& e) {
  return to << picture(e.tiles) << '\n' << e.part;
}

/// What a step of a loop does with the bytes that it is offered.
///
/// @snippet drawn.cpp step_plan
enum class step_kind : unsigned char {
  whole,   ///< all of them
  brief,   ///< some of them, at least one
  idle,    ///< none
  greedy,  ///< says that it did more than it was offered
  ended    ///< some of them, and asks for the end
};
/// One step of a loop.
///
/// @snippet drawn.cpp step_plan
struct step_plan {
  step_kind kind = step_kind::whole;  ///< what it does
  std::size_t amount = 1;  ///< how many for `brief` and `ended`, and how many too much for `greedy`
};
/// Its kind, and how many.
inline std::ostream& operator<<(std::ostream& to, const step_plan& s) {
  static constexpr const char* names[] = {"whole", "brief", "idle", "greedy", "ended"};
  return to << names[static_cast<std::size_t>(s.kind)] << "(" << s.amount << ")";
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
