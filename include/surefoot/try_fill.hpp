/// @file
/// try_fill, try_zero: stores one byte many times, at an address that may fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace detail {

// The rare ones: a range where nothing is tried, or with a kernel's address; an engine that is not ready.
template <class E>
[[gnu::cold, gnu::noinline]] progress fill_oddly(volatile void* dst, unsigned char byte,
                                                 std::size_t n, const E& e) noexcept {
  if (n == 0) return {};
  if (wraps(dst, n)) return nothing_done(n, wrapped(dst, access_kind::write));
  if (!e.ready()) return nothing_done(n, not_ready(dst, access_kind::write));
  return e.fill(dst, byte, n);
}

}  // namespace detail

/// Stores `byte` to the n bytes at dst, in order. Exactly `done` bytes are written;
/// `stopped_by.address` is dst + done. n == 0: all(), nothing touched. A range that wraps: done ==
/// 0, bad_address, nothing touched. Async-signal-safe after install(). Costs what memset does, and
/// one signal where it faults.
///
/// @snippet try_fill.cpp try_fill
template <engine::offering<engine::verb::fill> E = engine::standard>
progress try_fill(volatile void* dst, unsigned char byte, std::size_t n, E e = E{}) noexcept {
  if (detail::may_be_odd(dst, n) || !e.ready()) [[unlikely]]
    return detail::fill_oddly(dst, byte, n, e);
  return e.fill(dst, byte, n);
}
/// The same for the bytes of a range.
template <writeable_byte_range R, engine::offering<engine::verb::fill> E = engine::standard>
progress try_fill(R&& range, unsigned char byte, E e = E{}) noexcept {
  return surefoot::try_fill(detail::data(range), byte, detail::bytes_of(range), e);
}

/// The same with zeros. Async-signal-safe after install(). Costs what memset does, and one signal where it
/// faults.
///
/// @snippet try_fill.cpp try_zero
template <engine::offering<engine::verb::fill> E = engine::standard>
progress try_zero(volatile void* dst, std::size_t n, E e = E{}) noexcept {
  return surefoot::try_fill(dst, 0, n, e);
}
/// The same for the bytes of a range.
template <writeable_byte_range R, engine::offering<engine::verb::fill> E = engine::standard>
progress try_zero(R&& range, E e = E{}) noexcept {
  return surefoot::try_fill(range, 0, e);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
