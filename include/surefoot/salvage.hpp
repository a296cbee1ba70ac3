/// @file
/// salvage: copies all that can be copied, and says what could not.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// What came of it, in bytes. copied + lost is the length that was asked for, but where `stopped_by`
/// says that the destination failed: then `left` bytes were not tried.
///
/// @snippet salvage.cpp salvaged
struct [[nodiscard]] SUREFOOT_PUBLIC salvaged {
  std::size_t copied = 0;  ///< bytes written to the destination
  std::size_t lost = 0;    ///< bytes in holes
  std::size_t left = 0;    ///< bytes that were not tried
  std::size_t holes = 0;   ///< how many times on_hole was called
  fault stopped_by{};      ///< of the destination; none otherwise

  friend constexpr bool operator==(const salvaged&, const salvaged&) = default;
};

namespace detail {

template <class F>
concept hole_callback = requires(F& f, const fault& why, std::size_t offset, std::size_t bytes) {
  f(why, offset, bytes);
};

constexpr bool same_reason(const fault& a, const fault& b) noexcept {
  return a.kind == b.kind && a.signal == b.signal && a.code == b.code;
}

// Bytes from the bad byte to the end of what is lost with it: its page, the extent of poison, or the
// granule of a tag.
template <class E>
std::size_t lost_with(const fault& bad) noexcept {
  const std::size_t page = E::page_size();
  return to_next(address(bad.address),
                 bad.kind == cause::tag_mismatch ? E::granule() : lost_unit(bad, page));
}

// What an engine without a survey foresees: nothing.
struct no_survey {
  static void met(const fault&) noexcept {}
  static engine::outlook look(const volatile void*, std::size_t n) noexcept { return {n}; }
};
template <class E>
struct survey_of : identity<no_survey> {};
template <engine::offering<engine::verb::survey> E>
struct survey_of<E> : identity<typename E::survey> {};

// Goes through [p, p + n), whatever cannot be read. step(at, bytes) says how far it came from there, and
// lost(fault) how many bytes are to be left out where a read failed. Ends early only where a write did.
template <class E, class Step, class Lost, class OnHole>
salvaged around_holes(const volatile void* p, std::size_t n, Step step, Lost lost,
                      OnHole& on_hole) noexcept {
  typename survey_of<E>::type survey;
  salvaged all{.left = n};
  fault why{};  // of the run whose end is not known yet, and its bytes
  std::size_t bytes = 0;
  const auto end_run = [&]() noexcept {
    if (bytes == 0) return;
    const std::size_t size = bytes;
    bytes = 0;
    ++all.holes;
    on_hole(static_cast<const fault&>(why), all.copied + all.lost - size, size);
  };
  const auto lose = [&](const fault& bad, std::size_t most) noexcept {
    if (bytes > 0 && !same_reason(bad, why)) end_run();
    if (bytes == 0) why = bad;
    const std::size_t size = smaller(most, all.left);
    bytes += size;
    all.lost += size;
    all.left -= size;
  };
  while (all.left > 0) {
    const std::size_t at = n - all.left;
    const engine::outlook ahead = survey.look(forward(p, at), all.left);
    if (ahead.why.kind != cause::none) {
      lose(ahead.why, ahead.bytes);
      continue;
    }
    // What comes behind a bad page is not probed first: the step itself says whether it is bad too.
    const progress part = step(at, ahead.bytes);
    if (part.done > 0) end_run();
    all.copied += part.done;
    all.left -= part.done;
    if (part.all()) continue;
    if (part.stopped_by.during == access_kind::write) {
      all.stopped_by = part.stopped_by;
      break;
    }
    survey.met(part.stopped_by);
    lose(part.stopped_by, lost(part.stopped_by));
  }
  end_run();
  return all;
}

}  // namespace detail

/// Copies [src, src + n) to dst, leaving out what cannot be read, and calls on_hole(fault, offset,
/// bytes) for each unreadable run, in order: a run is as long as its pages fail for the same reason,
/// and is reported once its end is known, which may be after what follows it was copied. The bytes
/// of dst that belong to a run are not touched. Ends early only where dst fails. A range that wraps:
/// nothing copied, `stopped_by` says bad_address. Async-signal-safe after install() as far as on_hole
/// is.
///
/// Costs a copy and a fault for each run, and less than one for each further bad page: from the second fault
/// on, an engine with a survey (engine/survey.hpp) asks the kernel what lies behind. So by the time a run is
/// reported, up to 2 MiB of what follows it may have been judged: what on_hole changes there may come too
/// late. Up to two files of /proc are open meanwhile; on_hole must return, for them to be closed.
///
/// @snippet salvage.cpp salvage
template <detail::hole_callback OnHole, engine::offering<engine::verb::copy> E = engine::standard>
salvaged salvage(volatile void* dst, const volatile void* src, std::size_t n, OnHole&& on_hole,
                 E e = E{}) noexcept {
  salvaged none{.left = n};
  if (n == 0) return none;
  if (detail::wraps(src, n)) none.stopped_by = detail::wrapped(src, access_kind::read);
  if (detail::wraps(dst, n)) none.stopped_by = detail::wrapped(dst, access_kind::write);
  if (none.stopped_by.kind != cause::none) return none;
  if (!e.ready()) [[unlikely]] {
    none.stopped_by = detail::not_ready(src, access_kind::read);
    return none;
  }
  return detail::around_holes<E>(
      src, n,
      [&](std::size_t at, std::size_t bytes) noexcept {
        return e.copy(detail::forward(dst, at), detail::forward(src, at), bytes);
      },
      [](const fault& bad) noexcept { return detail::lost_with<E>(bad); }, on_hole);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
