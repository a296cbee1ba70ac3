/// @file
/// Random layouts, ranges and steps for rapidcheck: generators, shrinking towards few and plain tiles,
/// and pictures in counterexamples.
///
///     rc::check("my copy loop", [](const surefoot::testing::excerpt& e) {
///       const surefoot::testing::minefield field(e.tiles);
///       RC_ASSERT(my_copy(to, field.data() + e.part.offset, e.part.length) ==
///                 field.accessible(e.part.offset, e.part.length, surefoot::access_kind::read));
///     });
///
/// examples/your_copy_loop is a whole program of that kind.
///
/// Needs librapidcheck-dev, which needs exceptions and RTTI.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <surefoot/loop.hpp>
#include <surefoot/testing/drawn.hpp>
#include <surefoot/testing/minefield.hpp>
#include <utility>
#include <vector>

namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {

namespace testing {

namespace detail {

// rapidcheck lets ranges grow with the run; these are as large from the beginning.
template <class T>
rc::Gen<T> within(T min, T max) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(min, max + 1));
}

// Each that is plainer, and not only some of them: then the same failure shrinks to the same tile on
// any machine, whatever kinds it lacks.
inline std::vector<tile> plainer(tile t) {
  std::vector<tile> all;
  for (const tile other : tiles_here()) {
    if (other == t) break;
    all.push_back(other);
  }
  return all;
}

// Without n tiles from i on. The part keeps what is left of it.
inline excerpt without(excerpt e, std::size_t i, std::size_t n) {
  const std::size_t gone = i * tile_size, kept = gone + n * tile_size;
  const auto moved = [=](std::size_t place) {
    return place - (std::clamp(place, gone, kept) - gone);
  };
  const std::size_t offset = moved(e.part.offset);
  e.part = {offset, moved(e.part.end()) - offset};
  const auto first = e.tiles.begin() + static_cast<std::ptrdiff_t>(i);
  e.tiles.erase(first, first + static_cast<std::ptrdiff_t>(n));
  return e;
}

// Fewer tiles; as many, and one of them plainer; the same ones, and a part that is shorter, or begins
// earlier. That is an order, so shrinking ends.
inline rc::Seq<excerpt> smaller(const excerpt& from) {
  std::vector<excerpt> all;
  const std::size_t tiles = from.tiles.size();
  for (std::size_t n = tiles - 1; n > 0; --n)
    for (std::size_t i = 0; i + n <= tiles; ++i) all.push_back(without(from, i, n));
  for (std::size_t i = 0; i < tiles; ++i)
    for (const tile t : plainer(from.tiles[i])) {
      all.push_back(from);
      all.back().tiles[i] = t;
    }
  const reach r = from.part;
  const auto less_than = [](std::size_t n) { return rc::shrink::towards<std::size_t>(n, 0); };
  const auto add = [&](std::size_t offset, std::size_t length) {
    all.push_back({from.tiles, {offset, length}});
  };
  rc::seq::forEach(less_than(r.length), [&](std::size_t length) { add(r.offset, length); });
  rc::seq::forEach(less_than(r.offset), [&](std::size_t offset) { add(offset, r.end() - offset); });
  rc::seq::forEach(less_than(r.offset), [&](std::size_t offset) { add(offset, r.length); });
  return rc::seq::fromContainer(std::move(all));
}

}  // namespace detail

/// Any tile that this machine has; shrinks towards read_write, which is first.
///
/// @snippet rapidcheck.cpp any_tile
inline rc::Gen<tile> any_tile() {
  const auto drawn = rc::gen::map(detail::within<std::size_t>(0, tiles_here().size() - 1),
                                  [](std::size_t i) { return tiles_here()[i]; });
  return rc::gen::shrink(rc::gen::noShrink(drawn),
                         [](tile t) { return rc::seq::fromContainer(detail::plainer(t)); });
}

/// One to `most` tiles; shrinks towards one.
///
/// @snippet rapidcheck.cpp any_layout
inline rc::Gen<layout> any_layout(std::size_t most = 8) {
  return rc::gen::map(
      rc::gen::resize(static_cast<int>(most),
                      rc::gen::nonEmpty(rc::gen::container<std::vector<tile>>(any_tile()))),
      [most](std::vector<tile> tiles) {
        // What came out empty is drawn again with a larger bound.
        if (tiles.size() > most) tiles.resize(most);
        return layout{std::move(tiles)};
      });
}

/// A place in `size` bytes: near an edge of a page three times of four, else anywhere.
///
/// @snippet rapidcheck.cpp any_place
inline rc::Gen<std::size_t> any_place(std::size_t size) {
  const auto near_an_edge = rc::gen::map(
      rc::gen::pair(detail::within<std::size_t>(0, size / tile_size), detail::within<int>(0, 40)),
      [size](const std::pair<std::size_t, int>& at) {
        // 0, 1, -1, 2, -2, ...: the edge itself is the plainest.
        const int off = at.second % 2 == 0 ? -at.second / 2 : (at.second + 1) / 2;
        const auto place = static_cast<std::ptrdiff_t>(at.first * tile_size) + off;
        return std::clamp<std::size_t>(place < 0 ? 0 : static_cast<std::size_t>(place), 0, size);
      });
  return rc::gen::weightedOneOf<std::size_t>(
      {{3, near_an_edge}, {1, detail::within<std::size_t>(0, size)}});
}

/// A part of `size` bytes, which may be empty.
///
/// @snippet rapidcheck.cpp any_reach
inline rc::Gen<reach> any_reach(std::size_t size) {
  return rc::gen::map(rc::gen::pair(any_place(size), any_place(size)),
                      [](std::pair<std::size_t, std::size_t> ends) {
                        if (ends.second < ends.first) std::swap(ends.first, ends.second);
                        return reach{ends.first, ends.second - ends.first};
                      });
}

/// A layout and a part of it. They shrink together: a tile goes, and the part moves with the others. A
/// reach that a property draws for a layout of its own is drawn anew for each smaller layout, and mostly
/// misses what had failed.
///
/// @snippet rapidcheck.cpp any_excerpt
inline rc::Gen<excerpt> any_excerpt(std::size_t most = 8) {
  const auto drawn = rc::gen::mapcat(any_layout(most), [](const layout& l) {
    return rc::gen::map(any_reach(l.tiles.size() * tile_size), [l](const reach& r) {
      return excerpt{l.tiles, r};
    });
  });
  return rc::gen::shrink(rc::gen::noShrink(drawn), &detail::smaller);
}

/// Parts of `size` bytes for a vector of buffers: some empty, some over others.
///
/// @snippet rapidcheck.cpp any_reaches
inline rc::Gen<std::vector<reach>> any_reaches(std::size_t size, std::size_t most = 6) {
  const auto one = rc::gen::weightedOneOf<reach>({{1, rc::gen::map(any_place(size),
                                                                   [](std::size_t at) {
                                                                     return reach{at, 0};
                                                                   })},
                                                  {4, any_reach(size)}});
  return rc::gen::resize(static_cast<int>(most), rc::gen::container<std::vector<reach>>(one));
}

/// A step that is `safe` never claims too much and never asks for the end.
///
/// @snippet rapidcheck.cpp any_step
inline rc::Gen<step_plan> any_step(bool safe) {
  return rc::gen::map(
      rc::gen::pair(rc::gen::weightedElement<step_kind>({{4, step_kind::whole},
                                                         {4, step_kind::brief},
                                                         {2, step_kind::idle},
                                                         {safe ? 0u : 1u, step_kind::greedy},
                                                         {safe ? 0u : 1u, step_kind::ended}}),
                    detail::within<std::size_t>(1, 6000)),
      [](const std::pair<step_kind, std::size_t>& p) {
        return step_plan{p.first, p.second};
      });
}
/// Up to `most` of them.
///
/// @snippet rapidcheck.cpp any_step
inline rc::Gen<std::vector<step_plan>> any_steps(bool safe, std::size_t most = 12) {
  return rc::gen::resize(static_cast<int>(most),
                         rc::gen::container<std::vector<step_plan>>(any_step(safe)));
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot

namespace rc {

template <>
struct Arbitrary<surefoot::testing::layout> {
  static Gen<surefoot::testing::layout> arbitrary() { return surefoot::testing::any_layout(); }
};
template <>
struct Arbitrary<surefoot::testing::excerpt> {
  static Gen<surefoot::testing::excerpt> arbitrary() { return surefoot::testing::any_excerpt(); }
};

}  // namespace rc
