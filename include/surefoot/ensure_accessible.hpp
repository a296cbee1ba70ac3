// ensure_accessible: "can I load / store every byte of this range?", all or nothing.
//
// For operations that begin again from the start after a short copy. It looks at every byte, down
// to the finest unit in which the hardware refuses access: poison and arm64 tags fault inside a
// page whose first byte answers "fine".
//
// The answer is about the moment of each probe, not about the future: another thread may unmap the
// range afterwards. And accessible is not "in the file": after a truncation inside a page, the rest
// of that page reads as zeros without a fault; who copies from files asks fstat as well. What a
// probe may do: see fault_in.hpp.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

enum class SUREFOOT_PUBLIC granularity : unsigned char {
  // Loads cover every byte, as wide as the machine has them. For `write` also one write probe for
  // each unit in which it can refuse a store: a page on x86-64, where poison is found by the loads.
  hardware,
  // One access for each byte, literally, for read and for write.
  byte
};

namespace detail {

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

template <access_kind K, granularity G, class E>
verdict ensure_buffers(const iovec* v, std::size_t count, const E& e) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const fault bad = first_bad_byte<K, G>(v[i].iov_base, v[i].iov_len, e);
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
template <class E, granularity G>
concept ensures = engine::offering<E, engine::verb::probe> &&
    (G == granularity::byte || engine::offering<E, engine::verb::scan>);

}  // namespace detail

// True only if each byte of [p, p + n) can be accessed. Otherwise `stopped_by` names the first byte
// that cannot, and why. n == 0: true, nothing touched. A range that wraps: bad_address, nothing
// touched. Poison is reported once and not probed again in that call. Async-signal-safe after
// install(). Reads at the speed of memory; one signal where it faults (two where a load that
// crosses two pages was refused by the second).
template <access_kind K, granularity G = granularity::hardware,
          detail::ensures<G> E = engine::standard>
verdict ensure_accessible(typename detail::pointer_for<K>::type p, std::size_t n,
                          E e = E{}) noexcept {
  return {detail::first_bad_byte<K, G>(p, n, e)};
}
template <access_kind K, granularity G = granularity::hardware, detail::range_for<K> R,
          detail::ensures<G> E = engine::standard>
verdict ensure_accessible(R&& range, E e = E{}) noexcept {
  return {detail::first_bad_byte<K, G>(detail::data(range), detail::bytes_of(range), e)};
}
template <access_kind K, granularity G = granularity::hardware, buffer_range R,
          detail::ensures<G> E = engine::standard>
verdict ensure_accessible(R&& buffers, E e = E{}) noexcept {
  return detail::ensure_buffers<K, G>(detail::data(buffers), detail::size(buffers), e);
}

// The two short forms, with granularity::hardware.
template <detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_readable(const volatile void* p, std::size_t n, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::read>(p, n, e);
}
template <detail::touchable<access_kind::read> R,
          detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_readable(R&& range, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::read>(range, e);
}
template <detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_writeable(volatile void* p, std::size_t n, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::write>(p, n, e);
}
template <detail::touchable<access_kind::write> R,
          detail::ensures<granularity::hardware> E = engine::standard>
verdict ensure_writeable(R&& range, E e = E{}) noexcept {
  return surefoot::ensure_accessible<access_kind::write>(range, e);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
