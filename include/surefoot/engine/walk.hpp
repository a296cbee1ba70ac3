// The loops that engine::table and engine::jump share: they differ in what a fault does, not in how
// a range is walked.
//
// A walk keeps its place while it goes on. With table entries (`Tabled`) an access says itself that
// it faulted and the walk returns true at once; without, the fault jumps out of the walk, and the
// place, then volatile, is all that is left of it. Either way settle_*() turns place and trap into
// an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/probed_store.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/signal/classify.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

using surefoot::detail::address;
using surefoot::detail::forward;
using surefoot::detail::larger;
using surefoot::detail::smaller;
using surefoot::detail::to_next;

struct place {
  std::size_t at;      // bytes that are done for certain
  std::size_t width;   // bytes of one access of the step that begins there
  access_kind during;  // on which side that step is
};

// Stands in for the machine's own 16-byte type where a word is needed.
template <class W>
struct register_of : surefoot::detail::identity<W> {};
template <>
struct register_of<word16> : surefoot::detail::identity<arch::vector16> {};

// The same for the word of an atomic.
template <class W>
struct atomic_register_of : surefoot::detail::identity<W> {};
template <>
struct atomic_register_of<word16> : surefoot::detail::identity<arch::pair16> {};

template <class W>
inline bool has_atomics() noexcept {
  return sizeof(W) <= 8 || arch::has_pair_atomics();
}
inline fault not_here(const volatile void* p) noexcept {
  return surefoot::detail::not_ready(p, access_kind::write);
}

// An exchange of 16 bytes, for which there is no instruction: compare and exchange until it is
// done.
template <class E>
result<word16> exchange_pair(const E& e, volatile void* p, word16 w) noexcept {
  word16 expected{};
  for (;;) {
    const auto tried = e.template compare_exchange<word16>(p, expected, w);
    if (!tried.ok()) return result<word16>::stopped(tried.stopped_by);
    expected = tried.value().was;
    if (tried.value().swapped) return expected;
  }
}

// The first bad byte as an offset from `base`. A report without an address is about the step's
// first byte.
inline std::size_t offset_of(const volatile void* base, const arch::trap& t,
                             std::size_t at) noexcept {
  if ((t.info & signals::trap_unplaced) != 0 && t.address == 0) return at;
  const std::uintptr_t met = arch::tagged_like(address(base), t.address);
  return met <= address(base) + at ? at : static_cast<std::size_t>(met - address(base));
}

inline progress stopped_at(const volatile void* base, std::size_t done, std::size_t n,
                           const arch::trap& t, access_kind during) noexcept {
  return {done, n - done, signals::unpack(t.info, address(base) + done, during)};
}

// probes

template <access_kind K, bool Tabled>
[[gnu::always_inline]] inline bool probe_byte(const volatile void* p, arch::trap& t) noexcept {
  if constexpr (K == access_kind::read)
    return arch::access<Tabled>::probe_read(p, t);
  else
    return arch::access<Tabled>::probe_write(p, t);
}

// Where a page has one answer, any of its bytes may be probed: then in each page one of another cache line,
// because the first lines of all pages lie in the same set of the first cache (bench/scans.cpp: 256 resident
// pages take a quarter of the time for reading, an eighth for writing).
constexpr bool any_byte_will_do(std::size_t stride) noexcept {
  return arch::granule() == arch::page_size() && stride == arch::page_size();
}
// Which one of the whole page that begins there: the same each time, for the processor may still have it.
inline constexpr std::size_t line = 64;
constexpr std::size_t probed_byte(std::uintptr_t page, std::size_t stride) noexcept {
  return any_byte_will_do(stride) ? page / stride * line % stride : 0;
}

// Four at a time: a probe of resident memory takes less than counting it. But where so many are probed that
// their translations are looked up in memory, that comes in the way of itself (16 MiB: 4.2 ns a page against 3.6).
inline constexpr std::size_t probes_in_row = 4, worth_rows = std::size_t{4} << 20;

template <access_kind K, bool Tabled, class Place>
[[gnu::always_inline]] inline bool walk_probes(const volatile void* p, std::size_t n,
                                               std::size_t stride, Place& now, arch::trap& t,
                                               bool in_rows = true) noexcept {
  now.at = 0;
  if (probe_byte<K, Tabled>(p, t)) return true;
  std::size_t at = to_next(address(p), stride);
  if (n <= at) return false;
  if (any_byte_will_do(stride) && in_rows)
    for (; n - at >= probes_in_row * stride; at += probes_in_row * stride) {
      // Of the first page of the row; each further one has the line behind.
      const std::size_t further =
          probed_byte(address(p) + at, stride) & ~(probes_in_row * line - 1);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < probes_in_row; ++i) {
        now.at = at + i * stride;
        if (probe_byte<K, Tabled>(forward(p, at + further + i * (stride + line)), t)) return true;
      }
    }
  for (; n - at >= stride; at += stride) {
    now.at = at;
    if (probe_byte<K, Tabled>(forward(p, at + probed_byte(address(p) + at, stride)), t))
      return true;
  }
  now.at = at;
  return n > at && probe_byte<K, Tabled>(forward(p, at), t);
}

// scans

// Covers [p, p + n) with loads of one width, the last of which may overlap the one before it. n >=
// width.
template <class R, bool Tabled>
[[gnu::always_inline]] inline bool scan_pieces(const volatile void* p, std::size_t n,
                                               arch::trap& t) noexcept {
  R ignored;
  for (std::size_t at = 0; n - at > sizeof(R); at += sizeof(R))
    if (arch::access<Tabled>::load(forward(p, at), ignored, t)) return true;
  return arch::access<Tabled>::load(forward(p, n - sizeof(R)), ignored, t);
}

template <bool Tabled, class Place>
[[gnu::always_inline]] inline bool walk_scan(const volatile void* p, std::size_t n, Place& now,
                                             arch::trap& t) noexcept {
  std::size_t at = 0;
  for (; n - at >= arch::scan_block::size; at += arch::scan_block::size) {
    now.at = at;
    if (arch::scan<Tabled>(forward(p, at), t)) return true;
  }
  now.at = at;
  const volatile void* const rest = forward(p, at);
  n -= at;
  if (n >= 16) return scan_pieces<arch::vector16, Tabled>(rest, n, t);
  if (n >= 8) return scan_pieces<std::uint64_t, Tabled>(rest, n, t);
  if (n >= 4) return scan_pieces<std::uint32_t, Tabled>(rest, n, t);
  if (n >= 2) return scan_pieces<std::uint16_t, Tabled>(rest, n, t);
  return n == 1 && scan_pieces<std::uint8_t, Tabled>(rest, n, t);
}

// The first bad byte of an access or a step that began at `at`, and its fault. An access that
// crosses from one bad page into another may report either: so the first byte is asked once more
// where it is another.
template <access_kind K, class E>
progress settle_scan(const E& e, const volatile void* p, std::size_t n, std::size_t at,
                     const arch::trap& t) noexcept {
  const std::size_t bad = offset_of(p, t, at);
  if (at < bad) {
    const fault first = e.template probe<K>(forward(p, at));
    if (first.kind != cause::none) return {at, n - at, first};
  }
  return stopped_at(p, bad, n, t, K);
}

// stores

// Would this store be left torn where it crosses into memory that refuses it?
inline bool may_tear(const volatile void* p, std::size_t width) noexcept {
  return !arch::stores_are_whole && (address(p) & (arch::granule() - 1)) + width > arch::granule();
}

// Where such stores tear, all are aligned: none crosses a granule then. Calls store(of_width, at) with a
// value of the widest such width (at most 16) again and again, from `from` to `to`, until it says true.
template <class Place, class Store>
[[gnu::always_inline]] inline bool walk_aligned(const volatile void* dst, std::size_t from,
                                                std::size_t to, Place& now, Store store) noexcept {
  for (std::size_t at = from; at < to;) {
    std::size_t width = 16;
    while (((address(dst) + at) & (width - 1)) != 0 || width > to - at) width /= 2;
    now.at = at;
    now.width = width;
    const bool faulted = width == 16  ? store(arch::vector16{}, at)
                         : width == 8 ? store(std::uint64_t{}, at)
                         : width == 4 ? store(std::uint32_t{}, at)
                         : width == 2 ? store(std::uint16_t{}, at)
                                      : store(std::uint8_t{}, at);
    if (faulted) return true;
    at += width;
  }
  return false;
}

// Bytes to the first address where a widest store is aligned; at most n.
inline std::size_t to_aligned(const volatile void* dst, std::size_t n) noexcept {
  return smaller(n, (std::size_t{0} - address(dst)) & (arch::block::width - 1));
}

// copies

// The same copy in stores that are aligned, a load before each.
template <bool Tabled, class Place>
[[gnu::always_inline]] inline bool copy_aligned(volatile void* dst, const volatile void* src,
                                                std::size_t from, std::size_t to, Place& now,
                                                arch::trap& t) noexcept {
  return walk_aligned(dst, from, to, now, [&](auto piece, std::size_t at) noexcept {
    now.during = access_kind::read;
    if (arch::access<Tabled>::load(forward(src, at), piece, t)) return true;
    now.during = access_kind::write;
    return arch::access<Tabled>::store(forward(dst, at), piece, t);
  });
}

// Copies n bytes, all loads before all stores, which ascend; the last may overlap the one before
// it. width <= n < 2 * width, or 4 * width for the widest.
template <class R, bool Tabled, class Place>
[[gnu::always_inline]] inline bool copy_pieces(volatile void* dst, const volatile void* src,
                                               std::size_t n, Place& now, arch::trap& t) noexcept {
  using access = arch::access<Tabled>;
  constexpr std::size_t width = sizeof(R);
  R first, last;
  R second{}, third{};
  now.width = width;
  now.during = access_kind::read;
  if (access::load(src, first, t)) return true;
  if constexpr (width == 16) {
    if (n > 2 * width && access::load(forward(src, width), second, t)) return true;
    if (n > 3 * width && access::load(forward(src, 2 * width), third, t)) return true;
  }
  if (access::load(forward(src, n - width), last, t)) return true;
  now.during = access_kind::write;
  if (access::store(dst, first, t)) return true;
  if constexpr (width == 16) {
    if (n > 2 * width && access::store(forward(dst, width), second, t)) return true;
    if (n > 3 * width && access::store(forward(dst, 2 * width), third, t)) return true;
  }
  return access::store(forward(dst, n - width), last, t);
}

template <bool Tabled, class Place>
[[gnu::always_inline]] inline bool walk_copy(volatile void* dst, const volatile void* src,
                                             std::size_t n, Place& now, arch::trap& t) noexcept {
  using block_access = arch::block_access<Tabled>;
  std::size_t at = 0;
  if constexpr (!arch::stores_are_whole) {
    at = to_aligned(dst, n);
    if (copy_aligned<Tabled>(dst, src, 0, at, now, t)) return true;
  }
  now.width = arch::block::width;
  for (; n - at >= arch::block::size; at += arch::block::size) {
    arch::block b;
    now.at = at;
    now.during = access_kind::read;
    if (block_access::load(forward(src, at), b, t)) return true;
    now.during = access_kind::write;
    if (block_access::store(forward(dst, at), b, t)) return true;
  }
  if constexpr (!arch::stores_are_whole) return copy_aligned<Tabled>(dst, src, at, n, now, t);
  now.at = at;
  dst = forward(dst, at);
  src = forward(src, at);
  n -= at;
  if (n >= 16) return copy_pieces<arch::vector16, Tabled>(dst, src, n, now, t);
  if (n >= 8) return copy_pieces<std::uint64_t, Tabled>(dst, src, n, now, t);
  if (n >= 4) return copy_pieces<std::uint32_t, Tabled>(dst, src, n, now, t);
  if (n >= 2) return copy_pieces<std::uint16_t, Tabled>(dst, src, n, now, t);
  return n == 1 && copy_pieces<std::uint8_t, Tabled>(dst, src, n, now, t);
}

// Bytes [from, to) one by one. Keeps its place at each.
template <bool Tabled, class Place>
[[gnu::always_inline]] inline bool walk_bytes(volatile void* dst, const volatile void* src,
                                              std::size_t from, std::size_t to, Place& now,
                                              arch::trap& t) noexcept {
  using access = arch::access<Tabled>;
  now.width = 1;
  for (std::size_t at = from; at < to; ++at) {
    std::uint8_t byte;
    now.at = at;
    now.during = access_kind::read;
    if (access::load(forward(src, at), byte, t)) return true;
    now.during = access_kind::write;
    if (access::store(forward(dst, at), byte, t)) return true;
  }
  return false;
}

// Does all that this trap names (poison: a page, or more) lie before base + at? Then it was done once, and went
// meanwhile.
inline bool is_done(const volatile void* base, const arch::trap& t, std::size_t at) noexcept {
  const std::uintptr_t last = t.address | (signals::extent_of(t.info) - 1);
  return at > 0 && t.address != 0 && arch::tagged_like(address(base), last) - address(base) < at;
}

// Finishes a copy that met a fault: exactly the bytes before the bad one are to be done. The loads
// of a step all come before its stores, so a fault on the load side finds none of the step stored;
// on the store side the stores ascend, so all those that end before the bad byte are done, and must
// not be repeated: with overlap they may have changed the source. Where accesses overlap, what was
// done may go before it is done again: that is no answer, and the bytes behind it are asked one by one.
// `bytes(from, to, now, t)` is a walk_bytes that may fault in its turn.
template <class Bytes>
progress settle_copy(volatile void* dst, const volatile void* src, std::size_t n, place now,
                     arch::trap t, Bytes bytes) noexcept {
  const auto side = [&]() noexcept { return now.during == access_kind::read ? src : dst; };
  const bool is_stale = is_done(side(), t, now.at);
  std::size_t bad = is_stale ? n : offset_of(side(), t, now.at);
  const std::size_t from = !is_stale && now.during == access_kind::write
                               ? now.at + (bad - now.at) / now.width * now.width
                               : now.at;
  if (from < bad) {
    place again{};
    arch::trap met;  // an access leaves anything at all in here where it does not fault
    if (bytes(from, bad, again, met)) {
      now = again;
      t = met;
      bad = now.at;
    } else if (is_stale) {
      return {n, 0};
    }
  }
  return stopped_at(side(), bad, n, t, now.during);
}

// fills

// The same for stores of one repeated byte. n >= width.
template <class R, bool Tabled, class Place>
[[gnu::always_inline]] inline bool fill_pieces(volatile void* dst, R value, std::size_t n,
                                               Place& now, arch::trap& t) noexcept {
  now.width = sizeof(R);
  for (std::size_t at = 0; n - at > sizeof(R); at += sizeof(R))
    if (arch::access<Tabled>::store(forward(dst, at), value, t)) return true;
  return arch::access<Tabled>::store(forward(dst, n - sizeof(R)), value, t);
}

template <bool Tabled, class Place>
[[gnu::always_inline]] inline bool walk_fill(volatile void* dst, std::uint8_t byte, std::size_t n,
                                             Place& now, arch::trap& t) noexcept {
  const arch::block b = arch::repeated_block(byte);
  const std::uint64_t word = byte * 0x0101010101010101u;
  std::size_t at = 0;
  now.during = access_kind::write;
  const auto fill_aligned = [&](std::size_t from, std::size_t to) noexcept {
    return walk_aligned(dst, from, to, now, [&](auto piece, std::size_t here) noexcept {
      if constexpr (sizeof piece == sizeof(arch::vector16))
        piece = b.part[0];
      else
        piece = static_cast<decltype(piece)>(word);
      return arch::access<Tabled>::store(forward(dst, here), piece, t);
    });
  };
  if constexpr (!arch::stores_are_whole) {
    at = to_aligned(dst, n);
    if (fill_aligned(0, at)) return true;
  }
  now.width = arch::block::width;
  for (; n - at >= arch::block::size; at += arch::block::size) {
    now.at = at;
    if (arch::block_access<Tabled>::store(forward(dst, at), b, t)) return true;
  }
  if constexpr (!arch::stores_are_whole) return fill_aligned(at, n);
  now.at = at;
  dst = forward(dst, at);
  n -= at;
  if (n >= 16) return fill_pieces<arch::vector16, Tabled>(dst, b.part[0], n, now, t);
  if (n >= 8) return fill_pieces<std::uint64_t, Tabled>(dst, word, n, now, t);
  if (n >= 4)
    return fill_pieces<std::uint32_t, Tabled>(dst, static_cast<std::uint32_t>(word), n, now, t);
  if (n >= 2)
    return fill_pieces<std::uint16_t, Tabled>(dst, static_cast<std::uint16_t>(word), n, now, t);
  return n == 1 && fill_pieces<std::uint8_t, Tabled>(dst, byte, n, now, t);
}

template <bool Tabled, class Place>
[[gnu::always_inline]] inline bool walk_fill_bytes(volatile void* dst, std::uint8_t byte,
                                                   std::size_t from, std::size_t to, Place& now,
                                                   arch::trap& t) noexcept {
  now.width = 1;
  now.during = access_kind::write;
  for (std::size_t at = from; at < to; ++at) {
    now.at = at;
    if (arch::access<Tabled>::store(forward(dst, at), byte, t)) return true;
  }
  return false;
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
