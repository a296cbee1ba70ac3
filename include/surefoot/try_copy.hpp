/// @file
/// try_copy: a copy either side of which may fault.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace detail {

// The rare ones: a range where nothing is tried, or with a kernel's address; an engine that is not ready.
template <class E>
[[gnu::cold, gnu::noinline]] progress copy_oddly(volatile void* dst, const volatile void* src,
                                                 std::size_t n, const E& e) noexcept {
  if (n == 0) return {};
  if (wraps(src, n)) return nothing_done(n, wrapped(src, access_kind::read));
  if (wraps(dst, n)) return nothing_done(n, wrapped(dst, access_kind::write));
  if (!e.ready()) return nothing_done(n, not_ready(src, access_kind::read));
  return e.copy(dst, src, n);
}

}  // namespace detail

/// Copies n bytes from src to dst, in order. Exactly `done` bytes of dst are written, byte-exact on
/// both sides whatever vector width was in use when the fault came, and nothing past them is
/// touched. `stopped_by.during` says which side failed, `stopped_by.address` is the first bad byte
/// there (src + done or dst + done).
///
/// n == 0: all(), nothing touched. A range that wraps: done == 0, bad_address, nothing touched.
/// Precondition: dst does not overlap src from above (dst > src); otherwise the bytes within dst are
/// unspecified, nothing outside is touched. The same holds for two mappings of one page. Neither
/// side is a snapshot: another thread may change the source meanwhile. Async-signal-safe after
/// install(). Costs what memcpy does (bench/copies.cpp), and one signal where it faults.
///
/// @snippet try_copy.cpp try_copy
template <engine::offering<engine::verb::copy> E = engine::standard>
progress try_copy(volatile void* dst, const volatile void* src, std::size_t n, E e = E{}) noexcept {
  if (detail::may_be_odd(dst, n) || detail::may_be_odd(src, n) || !e.ready()) [[unlikely]]
    return detail::copy_oddly(dst, src, n, e);
  return e.copy(dst, src, n);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
