// salvage: copies all that can be copied, and says what could not.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

// What came of it, in bytes. copied + lost is the length that was asked for, but where `stopped_by`
// says that the destination failed: then `left` bytes were not tried.
struct [[nodiscard]] SUREFOOT_PUBLIC salvaged {
  std::size_t copied = 0;
  std::size_t lost = 0;
  std::size_t left = 0;
  std::size_t holes = 0;  // how many times on_hole was called
  fault stopped_by{};     // of the destination; none otherwise

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

}  // namespace detail

// Copies [src, src + n) to dst, leaving out what cannot be read, and calls on_hole(fault, offset,
// bytes) for each unreadable run, in order: a run is as long as its pages fail for the same reason,
// and is reported once its end is known, which may be after what follows it was copied. The bytes
// of dst that belong to a run are not touched. Ends early only where dst fails. A range that wraps:
// nothing copied, `stopped_by` says bad_address. Async-signal-safe after install() as far as on_hole
// is. Costs a copy, and one fault for each bad page.
template <detail::hole_callback OnHole, engine::offering<engine::verb::copy> E = engine::standard>
salvaged salvage(volatile void* dst, const volatile void* src, std::size_t n, OnHole&& on_hole,
                 E e = E{}) noexcept {
  salvaged all{.left = n};
  if (n == 0) return all;
  if (detail::wraps(src, n)) all.stopped_by = detail::wrapped(src, access_kind::read);
  if (detail::wraps(dst, n)) all.stopped_by = detail::wrapped(dst, access_kind::write);
  if (all.stopped_by.kind != cause::none) return all;
  if (!e.ready()) [[unlikely]] {
    all.stopped_by = detail::not_ready(src, access_kind::read);
    return all;
  }
  fault why{};  // of the run whose end is not known yet, and its bytes
  std::size_t bytes = 0;
  const auto end_run = [&](std::size_t end) noexcept {
    if (bytes == 0) return;
    ++all.holes;
    on_hole(static_cast<const fault&>(why), end - bytes, bytes);
    bytes = 0;
  };
  while (all.left > 0) {
    const std::size_t at = n - all.left;
    // What comes behind a bad page is not probed first: the copy itself says whether it is bad too.
    const progress part = e.copy(detail::forward(dst, at), detail::forward(src, at), all.left);
    all.copied += part.done;
    all.left -= part.done;
    const bool goes_on = part.done == 0 && bytes > 0 &&
                         part.stopped_by.during == access_kind::read &&
                         detail::same_reason(part.stopped_by, why);
    if (!goes_on) end_run(at);
    if (part.all()) break;
    if (part.stopped_by.during == access_kind::write) {
      all.stopped_by = part.stopped_by;
      break;
    }
    if (!goes_on) why = part.stopped_by;
    const std::size_t bad = detail::smaller(detail::lost_with<E>(part.stopped_by), all.left);
    bytes += bad;
    all.lost += bad;
    all.left -= bad;
  }
  end_run(n - all.left);
  return all;
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
