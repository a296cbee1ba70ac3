// Looking for a byte, and for a difference, in steps of vectors: what engine::table does where the machine offers
// such steps (arch/concept.hpp).
//
// What lies behind the answer is touched only within the range, and never in another page (of the left side of a
// comparison): the steps go to the end of the first page, and from there on in rows of four vectors, of which none
// crosses into another one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/walk.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

// What is looked for. `from` is the byte, 8 times, or the other range, which the steps tell apart by its type.
template <class Machine>
struct finding {
  using machine = Machine;
  using source = std::uint64_t;
  static source behind(source from, std::size_t) noexcept { return from; }

  // Bits of interest of the words at both ends.
  template <std::size_t Width>
  [[gnu::always_inline]] static bool words(const volatile void* p, source from, std::size_t n,
                                           std::uint64_t& first, std::uint64_t& last,
                                           arch::trap& t) noexcept {
    const bool faulted = Machine::template words<Width>::load_ends(p, n, first, last, t);
    first = zeros<Width>(first ^ from);
    last = zeros<Width>(last ^ from);
    return faulted;
  }

 private:
  // A bit in each byte that is 0, up to the first one at least: no borrow comes from below it.
  template <std::size_t Width>
  [[gnu::always_inline]] static std::uint64_t zeros(std::uint64_t word) noexcept {
    constexpr std::uint64_t of_word = ~std::uint64_t{0} >> (64 - 8 * Width);
    return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u & of_word;
  }
};

template <class Machine>
struct comparing {
  using machine = Machine;
  using source = const volatile void*;
  static source behind(source from, std::size_t at) noexcept { return forward(from, at); }

  template <std::size_t Width>
  [[gnu::always_inline]] static bool words(const volatile void* p, source from, std::size_t n,
                                           std::uint64_t& first, std::uint64_t& last,
                                           arch::trap& t) noexcept {
    std::uint64_t other_first, other_last;
    const bool faulted = Machine::template words<Width>::load_ends_of_both(
        p, from, n, first, last, other_first, other_last, t);
    first ^= other_first;
    last ^= other_last;
    return faulted;
  }
};

// Where a search ended: at the first byte of interest, or behind all of them; or it met a fault (`met`), and nothing
// before `at` is of interest.
struct found {
  std::size_t at;
  bool faulted;
};

inline std::size_t first_of(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(__builtin_ctzll(bits));
}

// Less than 16 bytes, in one page.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline found search_words(const volatile void* p, typename Work::source from,
                                                 std::size_t n, arch::trap& met) noexcept {
  std::uint64_t first, last;
  arch::trap t;
  if (Work::template words<Width>(p, from, n, first, last, t)) [[unlikely]] {
    met = t;
    return {0, true};
  }
  if (first != 0) return {first_of(first) / 8, false};
  if (last != 0) return {n - Width + first_of(last) / 8, false};
  return {n, false};
}

// Did this step at `at` end the search: with a fault, or at the first of its bits?
[[gnu::always_inline]] inline bool ends_search(bool faulted, std::uint64_t bits, std::size_t at,
                                               const arch::trap& t, found& end,
                                               arch::trap& met) noexcept {
  if (faulted) [[unlikely]] {
    end = {at, true};
    met = t;
    return true;
  }
  if (bits == 0) return false;
  end = {at + first_of(bits), false};
  return true;
}

// One vector at p + at.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline bool search_one(const volatile void* p, typename Work::source from,
                                              std::size_t at, found& end,
                                              arch::trap& met) noexcept {
  std::uint64_t bits;
  arch::trap t;
  const bool faulted =
      Work::machine::template steps<Width>::one(forward(p, at), Work::behind(from, at), bits, t);
  return ends_search(faulted, bits, at, t, end, met);
}

// Vectors, or rows of four, from `at` on, as many as there are before n but for one byte at least.
template <std::size_t Width, bool Many, class Work>
[[gnu::always_inline]] inline bool search_several(const volatile void* p,
                                                  typename Work::source from, std::size_t& at,
                                                  std::size_t n, found& end,
                                                  arch::trap& met) noexcept {
  constexpr std::size_t step = Many ? 4 * Width : Width;
  if (n - at <= step) return false;
  const volatile void* here = forward(p, at);
  std::uint64_t bits;
  arch::trap t;
  using steps = typename Work::machine::template steps<Width>;
  const volatile void* const last = forward(here, (n - at - 1) & ~(step - 1));
  const typename Work::source behind = Work::behind(from, at);
  bool faulted;
  if constexpr (Many)
    faulted = steps::rows(here, last, behind, bits, t);
  else
    faulted = steps::some(here, last, behind, bits, t);
  at = address(here) - address(p);
  return ends_search(faulted, bits, at, t, end, met);
}

// What lies between `at` and n, from where on no row crosses into another page before it ends; all before `at` was
// looked at already, Width bytes or more.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline bool search_rest(const volatile void* p, typename Work::source from,
                                               std::size_t at, std::size_t n, found& end,
                                               arch::trap& met) noexcept {
  return search_several<Width, true, Work>(p, from, at, n, end, met) ||
         search_several<Width, false, Work>(p, from, at, n, end, met) ||
         search_one<Width, Work>(p, from, n - Width, end, met);
}

// How many bytes lie in one page, where a search goes on without a look at pages.
inline constexpr std::size_t searched_at_once = 256;

// More than four vectors, the first four of which lie in one page. The first one has been looked at.
template <std::size_t Width, class Work>
[[gnu::noinline]] found search_further(const volatile void* p, typename Work::source from,
                                       std::size_t n, arch::trap& met) noexcept {
  found end{n, false};
  // Vectors that cross a cache line cost twice.
  const std::size_t aligned = to_next(address(p), Width);
  const std::size_t in_page = smaller(n, to_next(address(p), arch::page_size()));
  // Pages follow, whose first bytes are a multiple of a row.
  if (!search_rest<Width, Work>(p, from, aligned, in_page, end, met) && n > in_page)
    (void)search_rest<Width, Work>(p, from, in_page, n, end, met);
  Work::machine::template leave<Width>();
  return end;
}

// The same for what is no longer.
template <std::size_t Width, class Work>
[[gnu::noinline]] found search_near(const volatile void* p, typename Work::source from,
                                    std::size_t n, arch::trap& met) noexcept {
  if (n > searched_at_once) return search_further<Width, Work>(p, from, n, met);
  found end{n, false};
  std::size_t at = Width;
  if (!search_several<Width, false, Work>(p, from, at, n, end, met))
    (void)search_one<Width, Work>(p, from, n - Width, end, met);
  Work::machine::template leave<Width>();
  return end;
}

// One vector or more, the first four of which lie in one page, or all. Much is decided by the first one.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline found search_vectors(const volatile void* p,
                                                   typename Work::source from, std::size_t n,
                                                   arch::trap& met) noexcept {
  found end{n, false};
  if (!search_one<Width, Work>(p, from, 0, end, met))
    return search_near<Width, Work>(p, from, n, met);
  Work::machine::template leave<Width>();
  return end;
}

template <class Work>
[[gnu::noinline]] found search(const volatile void* p, typename Work::source from, std::size_t n,
                               arch::trap& met) noexcept;

template <class Work>
[[gnu::cold, gnu::noinline]] found search_asking(const volatile void* p, typename Work::source from,
                                                 std::size_t n, arch::trap& met) noexcept {
  Work::machine::ask_width();
  return search<Work>(p, from, n, met);
}

// Those do, or all.
template <class Work>
[[gnu::always_inline]] inline found search_from_here(const volatile void* p,
                                                     typename Work::source from, std::size_t n,
                                                     arch::trap& met) noexcept {
  if (n > 32) {
    const std::size_t width = Work::machine::known_width();
    if (width >= 32) return search_vectors<32, Work>(p, from, n, met);
    if (width == 16) return search_vectors<16, Work>(p, from, n, met);
    return search_asking<Work>(p, from, n, met);
  }
  if (n >= 16) {
    found end{n, false};
    if (!search_one<16, Work>(p, from, 0, end, met))
      (void)search_one<16, Work>(p, from, n - 16, end, met);
    return end;
  }
  if (n >= 8) return search_words<8, Work>(p, from, n, met);
  if (n >= 4) return search_words<4, Work>(p, from, n, met);
  if (n >= 2) return search_words<2, Work>(p, from, n, met);
  if (n == 0) return {0, false};
  return search_words<1, Work>(p, from, n, met);
}

// First what lies in the page of p, then the rest.
template <class Work>
[[gnu::cold, gnu::noinline]] found search_by_page(const volatile void* p,
                                                  typename Work::source from, std::size_t n,
                                                  arch::trap& met) noexcept {
  const std::size_t head = to_next(address(p), arch::page_size());
  if (n <= head) return search_from_here<Work>(p, from, n, met);
  const found first = search_from_here<Work>(p, from, head, met);
  if (first.faulted || first.at < head) return first;
  const found rest = search<Work>(forward(p, head), Work::behind(from, head), n - head, met);
  return {head + rest.at, rest.faulted};
}

template <class Work>
[[gnu::noinline]] found search(const volatile void* p, typename Work::source from, std::size_t n,
                               arch::trap& met) noexcept {
  if ((address(p) & (arch::page_size() - 1)) > arch::page_size() - searched_at_once) [[unlikely]]
    return search_by_page<Work>(p, from, n, met);
  return search_from_here<Work>(p, from, n, met);
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
