/// @file
/// An engine for machines that have no memory tags: the standard one, but for a page of which it refuses some
/// granules of 16 bytes, the ones that kit tile::tag_granules has. So a loop can be tried where the first byte
/// of a page is fine and others are not:
///
///     minefield field({tile::read_write});
///     simulated_tags engine(field.data());
///     const progress copied = try_copy(field.data(), from, 4096, engine);  // 1600 done, tag_mismatch
///
/// Stores and write probes are refused as loads are. Offers all verbs but atomic, tag, run and survey, whose
/// accesses are the processor's own. Each call costs a look at each byte.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/testing/tile/tag.hpp>

namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// The standard engine, but for some granules of one page. Its other members are those of the concept
/// (engine/concept.hpp).
///
/// @snippet simulated_tags.cpp simulated_tags
class simulated_tags : public engine::standard {
 public:
  /// What answers for all other bytes.
  using base = engine::standard;

  /// The page; it must begin at a multiple of tile_size.
  explicit simulated_tags(const void* page) noexcept : page_(page) {}

  /// @cond
  static constexpr bool offers(engine::verb v) noexcept {
    return v != engine::verb::search && v != engine::verb::atomic && v != engine::verb::tag &&
           v != engine::verb::run && v != engine::verb::survey && base::offers(v);
  }
  static constexpr std::size_t granule() noexcept { return tag_granule; }
  static constexpr bool sees(cause c) noexcept { return c == cause::tag_mismatch || base::sees(c); }

  template <access_kind K>
  fault probe(const volatile void* p) const noexcept {
    return fine(p, 1) == 1 ? base::probe<K>(p) : refused(p, K);
  }
  template <access_kind K>
  progress probe_each(const volatile void* p, std::size_t n, std::size_t stride) const noexcept {
    for (std::size_t at = 0; at < n;) {
      const volatile void* const here = surefoot::detail::forward(p, at);
      const fault met = probe<K>(here);
      if (met.kind != cause::none) return {at, n - at, met};
      at += surefoot::detail::to_next(surefoot::detail::address(here), stride);
    }
    return {n, 0};
  }
  progress scan(const volatile void* p, std::size_t n) const noexcept {
    return as_far_as(fine(p, n), n, p, access_kind::read,
                     [&](std::size_t k) noexcept { return base::scan(p, k); });
  }
  progress copy(volatile void* dst, const volatile void* src, std::size_t n) const noexcept {
    const std::size_t from = fine(src, n), to = fine(dst, n);
    const auto some = [&](std::size_t k) noexcept { return base::copy(dst, src, k); };
    if (from <= to) return as_far_as(from, n, src, access_kind::read, some);
    const progress copied = as_far_as(to, n, dst, access_kind::write, some);
    if (copied.done < to) return copied;
    // The store is refused, but the load comes before it.
    const fault met = base::probe<access_kind::read>(surefoot::detail::forward(src, to));
    return met.kind == cause::none ? copied : progress{to, n - to, met};
  }
  progress fill(volatile void* dst, std::uint8_t byte, std::size_t n) const noexcept {
    return as_far_as(fine(dst, n), n, dst, access_kind::write,
                     [&](std::size_t k) noexcept { return base::fill(dst, byte, k); });
  }
  template <class W>
  result<W> load(const volatile void* p) const noexcept {
    const std::size_t k = fine(p, sizeof(W));
    if (k == sizeof(W)) return base::load<W>(p);
    return result<W>::stopped(first_bad<access_kind::read>(p, k));
  }
  template <class W>
  verdict store(volatile void* p, W word) const noexcept {
    const std::size_t k = fine(p, sizeof(W));
    if (k == sizeof(W)) return base::store(p, word);
    return {first_bad<access_kind::write>(p, k)};
  }
  /// @endcond

 private:
  // How many of the n bytes from p on come before the first one that is refused.
  std::size_t fine(const volatile void* p, std::size_t n) const noexcept {
    const std::uintptr_t first = surefoot::detail::address(p) - surefoot::detail::address(page_);
    for (std::size_t i = 0; i < n; ++i)
      if (first + i < tile_size && tag_tiles::tag(first + i) != 0) return i;
    return n;
  }
  static fault refused(const volatile void* p, access_kind during) noexcept {
    return {.address = p,
            .kind = cause::tag_mismatch,
            .during = during,
            .signal = SIGSEGV,
            .code = SEGV_MTESERR};
  }
  // Of a word whose first k bytes have the right tag, and the next one has not: their page may refuse
  // them all the same.
  template <access_kind K>
  fault first_bad(const volatile void* p, std::size_t k) const noexcept {
    const fault met = k > 0 ? base::probe_each<K>(p, k, 1).stopped_by : fault{};
    return met.kind == cause::none ? refused(surefoot::detail::forward(p, k), K) : met;
  }
  // The first k of n bytes, by some(bytes); the next one is refused, unless all are there.
  template <class Some>
  static progress as_far_as(std::size_t k, std::size_t n, const volatile void* side,
                            access_kind during, Some some) noexcept {
    const progress got = k > 0 ? some(k) : progress{};
    if (got.done < k || k == n) return {got.done, n - got.done, got.stopped_by};
    return {k, n - k, refused(surefoot::detail::forward(side, k), during)};
  }

  const void* page_;
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
