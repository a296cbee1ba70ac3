/// @file
/// find_holes: what of a range cannot be read, without copying it.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/salvage.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// What was found, in bytes. good + bad is the length that was asked for, but where `stopped_by` says that
/// nothing was asked: then `left` is.
///
/// @snippet find_holes.cpp holes_found
struct [[nodiscard]] SUREFOOT_PUBLIC holes_found {
  std::size_t good = 0;   ///< bytes of pages that can be read
  std::size_t bad = 0;    ///< bytes in holes
  std::size_t left = 0;   ///< bytes that nothing was asked of
  std::size_t holes = 0;  ///< how many times on_hole was called
  fault stopped_by{};     ///< none, or why nothing was asked

  friend constexpr bool operator==(const holes_found&, const holes_found&) = default;
};

/// Probes the first byte of [p, p + n), then one byte of each following page within it, and calls
/// on_hole(fault, offset, bytes) for each run of pages that cannot be read, in order: a run is as long as its
/// pages fail for the same reason, and is reported once its end is known. `address` of the fault is the first
/// byte in the range of the run, and `offset` its distance from p. n == 0: nothing touched, whatever p. A
/// range that wraps: nothing touched, `stopped_by` says bad_address. Where a page is not the granule
/// (memory tags), a page counts for the one byte that was probed.
///
/// What a probe may do: see fault_in.hpp, which asks the same of each page and stops at the first bad one.
/// Async-signal-safe after install() as far as on_hole is. Costs one access a page and a fault for each run (two, where
/// a touch further on has met it already, engine/populate.hpp), and less than one for each further bad page: as
/// salvage(), and what is said there of on_hole holds here too.
///
/// @snippet find_holes.cpp find_holes
template <detail::hole_callback OnHole, engine::offering<engine::verb::probe> E = engine::standard>
holes_found find_holes(const volatile void* p, std::size_t n, OnHole&& on_hole,
                       E e = E{}) noexcept {
  holes_found none{.left = n};
  if (n == 0) return none;
  if (detail::wraps(p, n)) none.stopped_by = detail::wrapped(p, access_kind::read);
  if (none.stopped_by.kind == cause::none && !e.ready()) [[unlikely]]
    none.stopped_by = detail::not_ready(p, access_kind::read);
  if (none.stopped_by.kind != cause::none) return none;
  const salvaged all = detail::around_holes<E>(
      p, n,
      [&](std::size_t at, std::size_t bytes) noexcept {
        return e.template probe_each<access_kind::read>(detail::forward(p, at), bytes,
                                                        E::page_size());
      },
      [](const fault& bad) noexcept {
        return detail::to_next(detail::address(bad.address),
                               detail::lost_unit(bad, E::page_size()));
      },
      on_hole);
  return {all.copied, all.lost, all.left, all.holes, all.stopped_by};
}
/// The same for the bytes of a range.
template <byte_range R, detail::hole_callback OnHole,
          engine::offering<engine::verb::probe> E = engine::standard>
holes_found find_holes(R&& range, OnHole&& on_hole, E e = E{}) noexcept {
  return surefoot::find_holes(detail::data(range), detail::bytes_of(range), on_hole, e);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
