/// @file
/// fault_in_readable, fault_in_writeable: "can I make some progress at this address?"
///
/// For loops that keep what they have copied and go on from there. They fault in what they can; that
/// the first byte works is success (progress::any()). For "can I access every byte" see
/// ensure_accessible.hpp: this question paired with a loop that begins again retries for ever.
///
/// What a probe may do: populate a page, break copy-on-write sharing and dirty a shared file (the
/// write form), grow a growing stack, or block (userfaultfd, FUSE, NFS). It changes no byte, also
/// not under a concurrent writer: the write probe is an atomic read-modify-write that stores what
/// was there.
///
/// A range of a MiB or more may be faulted in by the kernel, where that is faster (engine/populate.hpp):
/// by madvise(MADV_POPULATE_READ or _WRITE), for memory that is not there yet, and from 64 MiB on also to
/// learn that it is there. Who may not make that system call (a seccomp filter that kills; one that
/// refuses does no harm) calls for less at a time. Of such a range up to 2 MiB behind the page that
/// failed may have been touched too.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <surefoot/buffers.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace detail {

// The largest piece that is there or not there as a whole.
inline constexpr std::size_t fault_in_unit = engine::standard::page_size();

template <access_kind K, class E>
progress fault_in(const volatile void* p, std::size_t n, const E& e) noexcept {
  if (n == 0) return {};
  if (wraps(p, n)) return nothing_done(n, wrapped(p, K));
  if (!e.ready()) [[unlikely]]
    return nothing_done(n, not_ready(p, K));
  return e.template probe_each<K>(p, n, E::page_size());
}

template <access_kind K, class E>
progress fault_in_buffers(const iovec* v, std::size_t count, const E& e) noexcept {
  return each_buffer(v, count, [&](const void* p, std::size_t, std::size_t n) noexcept {
    return fault_in<K>(p, n, e);
  });
}

}  // namespace detail

/// Probes the first byte of [p, p + n), then one byte of each following page within it, and stops at
/// the first fault. `done`, in bytes, and `stopped_by.address` then name the first byte in the range
/// of the page that failed. n == 0: all(), nothing touched, whatever p. A range that wraps: done ==
/// 0, bad_address, nothing touched. Async-signal-safe after install(). Costs one access a page at most (of
/// a MiB and more, see above), and a signal where it faults.
///
/// @snippet fault_in.cpp fault_in_readable
template <engine::offering<engine::verb::probe> E = engine::standard>
progress fault_in_readable(const volatile void* p, std::size_t n, E e = E{}) noexcept {
  return detail::fault_in<access_kind::read>(p, n, e);
}
/// The same for the bytes of a range.
template <byte_range R, engine::offering<engine::verb::probe> E = engine::standard>
progress fault_in_readable(R&& range, E e = E{}) noexcept {
  return detail::fault_in<access_kind::read>(detail::data(range), detail::bytes_of(range), e);
}
/// The same for each buffer in its turn: empty ones are done, the first short one ends it. The array that
/// lists them must be accessible.
template <buffer_range R, engine::offering<engine::verb::probe> E = engine::standard>
progress fault_in_readable(R&& buffers, E e = E{}) noexcept {
  return detail::fault_in_buffers<access_kind::read>(detail::data(buffers), detail::size(buffers),
                                                     e);
}

/// The same with write probes. It changes nothing; the kernel's function of that name stores zeros.
/// Async-signal-safe after install(). Costs an atomic read-modify-write a page at most, and a signal where it
/// faults.
///
/// @snippet fault_in.cpp fault_in_writeable
template <engine::offering<engine::verb::probe> E = engine::standard>
progress fault_in_writeable(volatile void* p, std::size_t n, E e = E{}) noexcept {
  return detail::fault_in<access_kind::write>(p, n, e);
}
/// The same for the bytes of a range.
template <writeable_byte_range R, engine::offering<engine::verb::probe> E = engine::standard>
progress fault_in_writeable(R&& range, E e = E{}) noexcept {
  return detail::fault_in<access_kind::write>(detail::data(range), detail::bytes_of(range), e);
}
/// The same for each buffer in its turn, as above.
template <buffer_range R, engine::offering<engine::verb::probe> E = engine::standard>
progress fault_in_writeable(R&& buffers, E e = E{}) noexcept {
  return detail::fault_in_buffers<access_kind::write>(detail::data(buffers), detail::size(buffers),
                                                      e);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
