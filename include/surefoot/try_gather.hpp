/// @file
/// try_gather, try_scatter: copies between one buffer and many, any of which may fault.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <surefoot/buffers.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/try_copy.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// Copies the buffers, one after the other, to dst, which has room for all of them. `done` is the
/// exact total of bytes written; empty buffers are skipped. Otherwise as try_copy(). The array of
/// iovecs itself must be accessible. Async-signal-safe after install(). Costs a try_copy() for each buffer.
///
/// @snippet try_gather.cpp try_gather
template <buffer_range R, engine::offering<engine::verb::copy> E = engine::standard>
progress try_gather(volatile void* dst, R&& from, E e = E{}) noexcept {
  return detail::each_buffer(detail::data(from), detail::size(from),
                             [&](const void* p, std::size_t at, std::size_t n) noexcept {
                               return surefoot::try_copy(detail::forward(dst, at), p, n, e);
                             });
}

/// Copies from src, which has as many bytes as all of them, into the buffers, one after the other, until all are
/// full. `done` is the exact total of bytes written. Otherwise as try_gather(). Async-signal-safe after install().
/// Costs a try_copy() for each buffer.
///
/// @snippet try_gather.cpp try_scatter
template <buffer_range R, engine::offering<engine::verb::copy> E = engine::standard>
progress try_scatter(R&& to, const volatile void* src, E e = E{}) noexcept {
  return detail::each_buffer(detail::data(to), detail::size(to),
                             [&](void* p, std::size_t at, std::size_t n) noexcept {
                               return surefoot::try_copy(p, detail::forward(src, at), n, e);
                             });
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
