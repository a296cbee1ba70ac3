/// @file
/// engine::table: an exception table, as in the kernel. Each access that may fault has an entry
/// (instruction, landing pad) in a section of its own; the signal handler finds the entry by the
/// program counter and lets the access return as failed. No setjmp, no thread-local, no memory write
/// on the way in: two instructions more than a plain load. One fault costs one signal delivery and
/// its return (1.6 us).
#pragma once

#include <surefoot/config.hpp>

#if !SUREFOOT_HAS_TABLE
#error \
    "there is no engine::table on this machine: engine::standard is engine::jump (engine/standard.hpp)"
#endif

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/populate.hpp>
#include <surefoot/engine/sanitizers.hpp>
#include <surefoot/engine/search.hpp>
#include <surefoot/engine/steps.hpp>
#include <surefoot/engine/survey.hpp>
#include <surefoot/engine/walk.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/signal/classify.hpp>
#include <surefoot/signal/install.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {

/// An exception table: two instructions more than the plain access, and one signal for a fault. What it costs and
/// needs stands above; its members are those of the concept (engine/concept.hpp). It offers all verbs but run, and
/// search and tag only where the machine has such instructions.
///
/// @snippet engines.cpp table
struct SUREFOOT_PUBLIC table {
  /// @cond
  static constexpr bool offers(verb v) noexcept {
    return v != verb::run && (v != verb::search || arch::has_searches) &&
           (v != verb::tag || arch::has_tags);
  }
  static constexpr bool sees(cause) noexcept { return true; }
  static constexpr std::size_t page_size() noexcept { return arch::page_size(); }
  static constexpr std::size_t granule() noexcept { return arch::granule(); }
  SUREFOOT_HIDDEN static bool ready() noexcept { return signals::ensure_installed(); }
  using survey = detail::survey<table>;

  template <access_kind K>
  SUREFOOT_HIDDEN static fault probe(const volatile void* p) noexcept {
    arch::trap t;
    if (!detail::probe_byte<K, true>(p, t)) [[likely]]
      return {};
    return signals::unpack(t.info, detail::address(p), K);
  }

  template <access_kind K>
  SUREFOOT_HIDDEN static progress probe_each(const volatile void* p, std::size_t n,
                                             std::size_t stride) noexcept {
    if (detail::are_many(n, stride)) return probe_pages<K>(p, n);
    detail::place now{};
    arch::trap t;
    if (!detail::walk_probes<K, true>(p, n, stride, now, t)) [[likely]]
      return {n, 0};
    return detail::stopped_at(p, now.at, n, t, K);
  }

  // The same where the unit is a page and any byte of it may be asked, as engine/populate.hpp does it.
  template <access_kind K, class Clock = detail::clock>
  [[gnu::noinline]] SUREFOOT_HIDDEN static progress probe_pages(const volatile void* p,
                                                                std::size_t n) noexcept {
    std::size_t at = 0;
    arch::trap t;
    const auto touch = [&](std::size_t from, std::size_t to, std::size_t unit) noexcept {
      detail::place now{};
      arch::trap met;
      const volatile void* const first = detail::forward(p, from);
      if (!detail::walk_probes<K, true>(first, to - from, unit, now, met, n <= detail::worth_rows))
          [[likely]]
        return false;
      at = from + now.at;
      t = met;
      return true;
    };
    if (!detail::fault_in_pages<K, Clock>(p, n, touch)) [[likely]]
      return {n, 0};
    return detail::stopped_at(p, at, n, t, K);
  }

  SUREFOOT_HIDDEN static progress scan(const volatile void* p, std::size_t n) noexcept {
    detail::stop met;
    if (!scan_until(p, n, met)) [[likely]]
      return {n, 0};
    return detail::settle_scan<access_kind::read>(table{}, p, n, met.now.at, met.trap);
  }

  SUREFOOT_HIDDEN static progress copy(volatile void* dst, const volatile void* src,
                                       std::size_t n) noexcept {
    detail::stop met;
    if (!copy_until(dst, src, n, met)) [[likely]] {
      detail::written(dst, n);
      return {n, 0};
    }
    return settle(
        dst, src, n, met,
        [=](std::size_t from, std::size_t to, detail::place& at, arch::trap& trap) noexcept {
          return detail::walk_bytes<true>(dst, src, from, to, at, trap);
        });
  }

  using searcher = table;
  template <class Searches = arch::searches>
  [[gnu::always_inline]] SUREFOOT_HIDDEN static std::size_t find(const volatile void* p,
                                                                 std::uint8_t byte, std::size_t n,
                                                                 fault& why) noexcept {
    detail::search_fault met;
    std::size_t end = detail::search<detail::finding<Searches>>(
        p, byte * std::uint64_t{0x0101010101010101}, n, met);
    if (end == met_fault) [[unlikely]]
      end = find_before(p, byte, met);
    if (end == met_fault) [[unlikely]]
      why = signals::unpack(met.trap.info, detail::address(p) + met.at, access_kind::read);
    return end;
  }
  template <class Searches = arch::searches>
  [[gnu::always_inline]] SUREFOOT_HIDDEN static result<int> compare(const volatile void* a,
                                                                    const volatile void* b,
                                                                    std::size_t n) noexcept {
    detail::search_fault met;
    const std::size_t end = detail::search<detail::comparing<Searches>>(a, b, n, met);
    if (end == n) [[likely]]
      return 0;
    const difference d = compare_from<Searches>(a, b, n, end, met);
    if (d.faulted) [[unlikely]] {
      const bool of_second = (met.trap.info & signals::trap_second) != 0;
      return result<int>::stopped(signals::unpack(
          met.trap.info, detail::address(of_second ? b : a) + met.at, access_kind::read));
    }
    return d.order;
  }

  template <class W>
  SUREFOOT_HIDDEN static result<W> load(const volatile void* p) noexcept {
    typename detail::register_of<W>::type word;
    arch::trap t;
    if (arch::access<true>::load(p, word, t)) [[unlikely]]
      return result<W>::stopped(single<access_kind::read>(p, sizeof(W), t));
    return __builtin_bit_cast(W, word);
  }

  template <class W>
  SUREFOOT_HIDDEN static verdict store(volatile void* p, W w) noexcept {
    if (detail::may_tear(p, sizeof(W))) [[unlikely]]
      return detail::probed_store(table{}, p, &w, sizeof(W));
    arch::trap t;
    if (arch::access<true>::store(p, __builtin_bit_cast(typename detail::register_of<W>::type, w),
                                  t)) [[unlikely]]
      return {single<access_kind::write>(p, sizeof(W), t)};
    detail::written(p, sizeof(W));
    return {};
  }

  SUREFOOT_HIDDEN static progress fill(volatile void* dst, std::uint8_t byte,
                                       std::size_t n) noexcept {
    detail::stop met;
    if (!fill_until(dst, byte, n, met)) [[likely]] {
      detail::written(dst, n);
      return {n, 0};
    }
    return settle(
        dst, dst, n, met,
        [=](std::size_t from, std::size_t to, detail::place& at, arch::trap& trap) noexcept {
          return detail::walk_fill_bytes<true>(dst, byte, from, to, at, trap);
        });
  }

  SUREFOOT_HIDDEN static result<std::uintptr_t> load_tag(const volatile void* p) noexcept {
    std::uintptr_t seen = detail::address(p);
    arch::trap t;
    if (arch::tags_are_here() && arch::access<true>::load_tag(p, seen, t)) [[unlikely]]
      return result<std::uintptr_t>::stopped(single<access_kind::read>(p, 1, t));
    return seen;
  }

  template <class W>
  SUREFOOT_HIDDEN static result<W> exchange(volatile void* p, W w) noexcept {
    arch::trap t;
    if constexpr (surefoot::detail::same<W, word16>) {
      return detail::exchange_pair(table{}, p, w);
    } else {
      if (arch::atomic_access<true>::exchange(p, w, t)) [[unlikely]]
        return result<W>::stopped(single<access_kind::write>(p, sizeof(W), t));
      detail::written(p, sizeof(W));
      return w;
    }
  }
  template <class W>
  SUREFOOT_HIDDEN static result<W> fetch_add(volatile void* p, W w) noexcept {
    arch::trap t;
    if (arch::atomic_access<true>::fetch_add(p, w, t)) [[unlikely]]
      return result<W>::stopped(single<access_kind::write>(p, sizeof(W), t));
    detail::written(p, sizeof(W));
    return w;
  }
  template <class W>
  SUREFOOT_HIDDEN static result<swap<W>> compare_exchange(volatile void* p, W expected,
                                                          W to) noexcept {
    using word = typename detail::atomic_register_of<W>::type;
    if (!detail::has_atomics<W>()) return result<swap<W>>::stopped(detail::not_here(p));
    auto was = __builtin_bit_cast(word, expected);
    bool swapped;
    arch::trap t;
    if (arch::atomic_access<true>::compare_exchange(p, was, __builtin_bit_cast(word, to), swapped,
                                                    t)) [[unlikely]]
      return result<swap<W>>::stopped(single<access_kind::write>(p, sizeof(W), t));
    detail::written(p, sizeof(W));
    return swap<W>{__builtin_bit_cast(W, was), swapped};
  }
  /// @endcond

 private:
  template <access_kind K>
  SUREFOOT_HIDDEN static fault single(const volatile void* p, std::size_t n,
                                      arch::trap t) noexcept {
    const fault met = why<K>(p, n, t);
    // It is one: with that said, a value that was loaded stays in its register.
    if (met.kind == cause::none) __builtin_unreachable();
    return met;
  }
  template <access_kind K>
  [[gnu::cold, gnu::noinline]] SUREFOOT_HIDDEN static fault why(const volatile void* p,
                                                                std::size_t n,
                                                                arch::trap t) noexcept {
    return detail::settle_scan<K>(table{}, p, n, 0, t).stopped_by;
  }

  // True where a fault ended it: then `met` says where.
  [[gnu::always_inline]] SUREFOOT_HIDDEN static bool scan_until(const volatile void* p,
                                                                std::size_t n,
                                                                detail::stop& met) noexcept {
    if constexpr (arch::has_steps)
      if (detail::scans_wide<arch::vectors>(n))
        return detail::look_in_rows<arch::vectors>(p, n, met);
    detail::place now{};  // not `met`'s, which would be kept in memory
    arch::trap t;
    if (!detail::walk_scan<true>(p, n, now, t)) [[likely]]
      return false;
    met = {t, now};
    return true;
  }
  [[gnu::always_inline]] SUREFOOT_HIDDEN static bool copy_until(volatile void* dst,
                                                                const volatile void* src,
                                                                std::size_t n,
                                                                detail::stop& met) noexcept {
    if constexpr (arch::has_steps)
      return detail::in_steps<detail::copying<arch::vectors>>(dst, src, n, met);
    else
      return detail::walk_copy<true>(dst, src, n, met.now = {}, met.trap);
  }
  [[gnu::always_inline]] SUREFOOT_HIDDEN static bool fill_until(volatile void* dst,
                                                                std::uint8_t byte, std::size_t n,
                                                                detail::stop& met) noexcept {
    if constexpr (arch::has_steps)
      return detail::in_steps<detail::filling<arch::vectors>>(
          dst, byte * std::uint64_t{0x0101010101010101}, n, met);
    else
      return detail::walk_fill<true>(dst, byte, n, met.now = {}, met.trap);
  }

  // A step of a search met a fault: the bytes before the bad one are asked, and that one not again.
  [[gnu::cold, gnu::noinline]] SUREFOOT_HIDDEN static std::size_t find_before(
      const volatile void* p, std::uint8_t byte, detail::search_fault& met) noexcept {
    const std::size_t bad = detail::offset_of(p, met.trap, met.at);
    for (; met.at < bad; ++met.at) {
      std::uint8_t here;
      arch::trap t;
      if (arch::access<true>::load(detail::forward(p, met.at), here, t)) {
        met.trap = t;
        break;
      }
      if (here == byte) return met.at;
    }
    return met_fault;
  }

  struct difference {
    int order;
    bool faulted;
  };
  // The same for a comparison, which ended at a difference or with a fault. Where the difference is gone meanwhile, it
  // goes on.
  template <class Searches>
  [[gnu::noinline]] SUREFOOT_HIDDEN static difference compare_from(
      const volatile void* a, const volatile void* b, std::size_t n, std::size_t end,
      detail::search_fault& met) noexcept {
    std::size_t at = end;
    while (at != n) {
      const bool faulted = at == met_fault;
      std::size_t until = at + 1;
      if (faulted) {
        const bool of_second = (met.trap.info & signals::trap_second) != 0;
        at = met.at;
        until = detail::offset_of(of_second ? b : a, met.trap, at);
      }
      for (; at < until; ++at) {
        std::uint8_t left, right;
        arch::trap t;
        const bool left_faulted = arch::access<true>::load(detail::forward(a, at), left, t);
        if (left_faulted || arch::access<true>::load(detail::forward(b, at), right, t)) {
          if (!left_faulted) t.info |= signals::trap_second;
          met = {t, at};
          return {0, true};
        }
        if (left != right) return {left - right, false};
      }
      if (faulted) {
        met.at = until;
        return {0, true};
      }
      if (at == n) break;
      const std::size_t before = at;
      at = detail::search<detail::comparing<Searches>>(detail::forward(a, before),
                                                       detail::forward(b, before), n - before, met);
      if (at == met_fault)
        met.at += before;
      else
        at += before;
    }
    return {0, false};
  }

  template <class Bytes>
  [[gnu::cold, gnu::noinline]] SUREFOOT_HIDDEN static progress settle(volatile void* dst,
                                                                      const volatile void* src,
                                                                      std::size_t n,
                                                                      const detail::stop& met,
                                                                      Bytes bytes) noexcept {
    return detail::written(dst, detail::settle_copy(dst, src, n, met.now, met.trap, bytes));
  }
};

static_assert(complete<table>);

}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
