/// @file
/// ensure_accessible: "can I load / store every byte of this range?", all or nothing.
///
/// For operations that begin again from the start after a short copy. It looks at every byte, down
/// to the finest unit in which the hardware refuses access: poison and arm64 tags fault inside a
/// page whose first byte answers "fine".
///
/// The answer is about the moment of each probe, not about the future: another thread may unmap the
/// range afterwards. And accessible is not "in the file": after a truncation inside a page, the rest
/// of that page reads as zeros without a fault; who copies from files asks fstat as well. What a
/// probe may do: see fault_in.hpp.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// How finely is asked.
///
/// @snippet ensure_accessible.cpp granularity
enum class SUREFOOT_PUBLIC granularity : unsigned char {
  /// Loads cover every byte, as wide as the machine has them. For `write` also one write probe for
  /// each unit in which it can refuse a store alone: a page; poison and memory tags are found by the
  /// loads.
  hardware,
  /// One access for each byte, literally, for read and for write.
  byte
};

/// Who says that a memory tag (arm64 MTE) refuses an access. Not there on machines without tags.
///
/// @snippet ensure_accessible.cpp tags
enum class SUREFOOT_PUBLIC tags : unsigned char {
  /// The accesses, as the thread's tag checks are set: in synchronous mode a tag that does not match is
  /// a fault; without checks tags are not looked at, and refuse nothing. In asynchronous mode an access
  /// is reported too late for an answer (SEGV_MTEAERR, which is never taken for ours): use `compare`.
  accesses,
  /// A comparison of each granule's tag with the pointer's comes before the first access to it,
  /// whatever the mode: then no access is made that any check would report. The caller says that all
  /// of the memory is PROT_MTE: elsewhere its tag counts as 0. `signal` and `code` of a mismatch are 0.
  compare
};

namespace detail {

// The first of these bytes are wanted soon: hints, which never fault. A write probe lets no load go on before it, so
// without them a page begins with a wait for memory: 1 GiB takes a tenth longer (Granite Rapids; of 1, 4, 8, 16 and 64
// lines 8 were best).
inline void fetch_ahead(const volatile void* p, std::size_t n) noexcept {
  constexpr std::size_t line = 64, most = 8 * line;
  if (n < most) return;
#pragma GCC unroll 8
  for (std::size_t at = 0; at < most; at += line)
    __builtin_prefetch(const_cast<const unsigned char*>(forward(p, at)));
}

template <access_kind K, granularity G, class E>
fault first_bad_byte(const volatile void* p, std::size_t n, const E& e) noexcept {
  if (n == 0) return {};
  if (wraps(p, n)) return wrapped(p, K);
  if (!e.ready()) [[unlikely]]
    return not_ready(p, K);
  if constexpr (G == granularity::byte) {
    return e.template probe_each<K>(p, n, 1).stopped_by;
  } else if constexpr (K == access_kind::read) {
    return e.scan(p, n).stopped_by;
  } else {
    // Page by page, the store first: a page that refuses stores does so at its first byte.
    for (std::size_t at = 0; at < n;) {
      const volatile void* const here = forward(p, at);
      const std::size_t step = smaller(to_next(address(here), E::page_size()), n - at);
      fetch_ahead(forward(here, step), n - at - step);
      fault bad = e.template probe<K>(here);
      if (bad.kind == cause::none) bad = e.scan(here, step).stopped_by;
      if (bad.kind != cause::none) {
        bad.during = K;  // what was asked for, also where a load found it
        return bad;
      }
      at += step;
    }
    return {};
  }
}

// What refuses the first granule that has another tag than p, or no tag that can be read; none where all
// n bytes can be asked and match. `before` is how many bytes lie before it. n > 0.
template <access_kind K, class E>
fault first_other_tag(const volatile void* p, std::size_t n, std::size_t& before,
                      const E& e) noexcept {
  for (std::size_t at = 0; at < n;) {
    const volatile void* const here = forward(p, at);
    const result<std::uintptr_t> seen = e.load_tag(here);
    before = at;
    if (!seen.ok()) {
      fault bad = seen.stopped_by;
      bad.during = K;
      return bad;
    }
    if (seen.value() != address(here))
      return {.address = here, .kind = cause::tag_mismatch, .during = K};
    at += to_next(address(here), E::granule());
  }
  before = n;
  return {};
}

template <access_kind K, granularity G, tags T, class E>
fault first_bad_byte(const volatile void* p, std::size_t n, const E& e) noexcept {
  if constexpr (T == tags::accesses) {
    return first_bad_byte<K, G>(p, n, e);
  } else {
    if (n == 0) return {};
    if (wraps(p, n)) return wrapped(p, K);
    if (!e.ready()) [[unlikely]]
      return not_ready(p, K);
    // Page by page: no tag is asked behind the first byte that is bad for another reason.
    for (std::size_t at = 0; at < n;) {
      const volatile void* const here = forward(p, at);
      const std::size_t step = smaller(to_next(address(here), E::page_size()), n - at);
      std::size_t same = 0;
      const fault other = first_other_tag<K>(here, step, same, e);
      const fault bad = first_bad_byte<K, G>(here, same, e);
      if (bad.kind != cause::none) return bad;
      if (other.kind != cause::none) return other;
      at += step;
    }
    return {};
  }
}

template <access_kind K, granularity G, tags T, class E>
verdict ensure_buffers(const iovec* v, std::size_t count, const E& e) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const fault bad = first_bad_byte<K, G, T>(v[i].iov_base, v[i].iov_len, e);
    if (bad.kind != cause::none) return {bad};
  }
  return {};
}

template <access_kind K>
struct pointer_for : identity<const volatile void*> {};
template <>
struct pointer_for<access_kind::write> : identity<volatile void*> {};

template <class R, access_kind K>
concept range_for = byte_range<R> &&(K == access_kind::read || writeable_byte_range<R>);
template <class R, access_kind K>
concept touchable = range_for<R, K> || buffer_range<R>;

// The verbs that each form of the question needs.
template <class E, granularity G, tags T = tags::accesses>
concept ensures = engine::offering<E, engine::verb::probe> &&
    (G == granularity::byte ||
     engine::offering<E, engine::verb::scan>)&&(T == tags::accesses ||
                                                engine::offering<E, engine::verb::tag>);

}  // namespace detail

/// True only if each byte of [p, p + n) can be accessed. Otherwise `stopped_by` names the first byte
/// that cannot, and why. n == 0: true, nothing touched. A range that wraps: bad_address, nothing
/// touched. Poison is reported once and not probed again in that call. Async-signal-safe after
/// install(). Costs a read at the speed of memory, and one signal where it faults (two where a load that
/// crosses two pages was refused by the second).
///
/// @snippet ensure_accessible.cpp ensure_accessible
template <access_kind K, granularity G = granularity::hardware, tags T = tags::accesses,
          detail::ensures<G, T> E = engine::standard>
verdict ensure_accessible(typename detail::pointer_for<K>::type p, std::size_t n,
                          E e = E{}) noexcept {
  return {detail::first_bad_byte<K, G, T>(p, n, e)};
}
/// The same for the bytes of a range.
template <access_kind K, granularity G = granularity::hardware, tags T = tags::accesses,
          detail::range_for<K> R, detail::ensures<G, T> E = engine::standard>
verdict ensure_accessible(R&& range, E e = E{}) noexcept {
  return {detail::first_bad_byte<K, G, T>(detail::data(range), detail::bytes_of(range), e)};
}
/// The same for each buffer in its turn, until the first that has a bad byte.
template <access_kind K, granularity G = granularity::hardware, tags T = tags::accesses,
          buffer_range R, detail::ensures<G, T> E = engine::standard>
verdict ensure_accessible(R&& buffers, E e = E{}) noexcept {
  return detail::ensure_buffers<K, G, T>(detail::data(buffers), detail::size(buffers), e);
}

/// The short form of ensure_accessible() for loads, with granularity::hardware. Async-signal-safe after
/// install(). Costs a load of every byte, with the widest loads.
///
/// @snippet ensure_accessible.cpp ensure_readable
template <detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_readable(const volatile void* p, std::size_t n, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::read>(p, n, e);
}
/// The same for the bytes of a range, or for each of many buffers.
template <detail::touchable<access_kind::read> R,
          detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_readable(R&& range, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::read>(range, e);
}
/// The short form for stores, with granularity::hardware: every byte can be loaded, and each page be stored to.
/// Async-signal-safe after install(). Costs a load of every byte and a write probe a page.
///
/// @snippet ensure_accessible.cpp ensure_writeable
template <detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_writeable(volatile void* p, std::size_t n, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::write>(p, n, e);
}
/// The same for the bytes of a range, or for each of many buffers.
template <detail::touchable<access_kind::write> R,
          detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_writeable(R&& range, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::write>(range, e);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
