// Looking for a byte, and for a difference, in steps of vectors: what engine::table does where the machine offers
// such steps (arch/concept.hpp).
//
// What lies behind the answer is touched only within the range, up to 127 bytes further on, and never in another page
// (of the left side of a comparison): the first 256 bytes are looked at in one page, or as much of the range as lies in
// it, and what follows in rows that are aligned to their size. The last one begins where all has been looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/sanitizers.hpp>
#include <surefoot/engine/walk.hpp>
#include <surefoot/range.hpp>
#include <surefoot/signal/classify.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

// What is looked for. `from` is the byte, 8 times, or the other range, which the steps tell apart by its type.
// `words`, `bits`: what is of interest in what a step has loaded.
template <class Machine>
struct finding {
  using machine = Machine;
  using source = std::uint64_t;
  static bool takes_widest_rows(const volatile void*, source) noexcept { return true; }
  static source behind(source from, std::size_t) noexcept { return from; }
  static bool ends_page(source) noexcept { return false; }
  static std::size_t offset_of_bad(const volatile void* p, source, bool,
                                   const arch::trap& t) noexcept {
    return offset_of(p, t, 0);
  }

  template <std::size_t Width>
  struct words {
    std::uint64_t first, last;
    [[gnu::always_inline]] bool load(const volatile void* p, source, std::size_t n,
                                     arch::trap& t) noexcept {
      std::uint64_t a,
          b;  // not the members: g++ 12 cannot split an object that assembly with a label writes
      if (Machine::template words<Width>::load_ends(p, n, a, b, t)) return true;
      first = a;
      last = b;
      return false;
    }
    std::uint64_t first_bits(source from) const noexcept { return zeros(first ^ from); }
    std::uint64_t last_bits(source from) const noexcept { return zeros(last ^ from); }

   private:
    // A bit in each byte that is 0, up to the first one at least: no borrow comes from below it.
    static std::uint64_t zeros(std::uint64_t word) noexcept {
      constexpr std::uint64_t of_word = ~std::uint64_t{0} >> (64 - 8 * Width);
      return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u & of_word;
    }
  };

  template <std::size_t Width>
  static std::uint64_t bits(std::uint32_t equal) noexcept {
    return equal;
  }
};

template <class Machine>
struct comparing {
  using machine = Machine;
  using source = const volatile void*;
  // Where the two are not aligned alike, vectors of the other one cross cache lines: of 64 bytes all, of 32 each second.
  static bool takes_widest_rows(const volatile void* p, source from) noexcept {
    return ((address(p) ^ address(from)) & 63) == 0;
  }
  static source behind(source from, std::size_t at) noexcept { return forward(from, at); }
  static bool ends_page(source from) noexcept {
    return (address(from) & (arch::page_size() - 1)) > arch::page_size() - 64;
  }

  static std::size_t offset_of_bad(const volatile void* p, source from, bool of_other,
                                   const arch::trap& t) noexcept {
    return offset_of(of_other ? from : p, t, 0);
  }

  template <std::size_t Width>
  struct words {
    std::uint64_t first, last, other_first, other_last;
    [[gnu::always_inline]] bool load(const volatile void* p, source from, std::size_t n,
                                     arch::trap& t) noexcept {
      std::uint64_t a, b, c, d;
      if (Machine::template words<Width>::load_ends_of_both(p, from, n, a, b, c, d, t)) return true;
      first = a;
      last = b;
      other_first = c;
      other_last = d;
      return false;
    }
    std::uint64_t first_bits(source) const noexcept { return first ^ other_first; }
    std::uint64_t last_bits(source) const noexcept { return last ^ other_last; }
  };

  template <std::size_t Width>
  static std::uint64_t bits(std::uint32_t equal) noexcept {
    return equal ^ ~std::uint32_t{0} >> (32 - Width);
  }
};

// Where a search met a fault. Nothing before `at` is of interest; all from there on is to be asked again, but for the
// bad byte.
struct search_fault {
  arch::trap trap;  // the first: see stop (steps.hpp)
  std::size_t at;
};

// A search returns the place of the first byte of interest, or n where there is none, or met_fault.

// A step at `at` ended with a fault.
inline std::size_t search_met(std::size_t at, search_fault& met) noexcept {
  written(&met.trap, sizeof met.trap);
  met.at = at;
  return met_fault;
}

// Less than 16 bytes, in one page.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline std::size_t search_words(const volatile void* p,
                                                       typename Work::source from, std::size_t n,
                                                       search_fault& met) noexcept {
  typename Work::template words<Width> ends;
  using machine = typename Work::machine;
  if (ends.load(p, from, n, met.trap)) [[unlikely]]
    return search_met(0, met);
  if (const std::uint64_t first = ends.first_bits(from)) return machine::first_of(first) / 8;
  if (const std::uint64_t last = ends.last_bits(from))
    return n - Width + machine::first_of(last) / 8;
  return n;
}

// Did a step at `at` end the search, at the first of its bits?
template <class Work>
[[gnu::always_inline]] inline bool ends_search(std::uint64_t bits, std::size_t at,
                                               std::size_t& end) noexcept {
  if (bits == 0) [[likely]]
    return false;
  end = at + Work::machine::first_of(bits);
  return true;
}
template <class Work>
[[gnu::always_inline]] inline bool ends_search(std::uint64_t first, std::uint64_t second,
                                               std::size_t at, std::size_t apart,
                                               std::size_t& end) noexcept {
  if (first != 0) return ends_search<Work>(first, at, end);
  return ends_search<Work>(second, at + apart, end);
}

// Two vectors at p + at, `apart` from each other: at most their width.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline bool search_two(const volatile void* p, typename Work::source from,
                                              std::size_t at, std::size_t apart, std::size_t& end,
                                              search_fault& met) noexcept {
  typename Work::machine::template steps<Width>::bits first, second;
  if (Work::machine::template steps<Width>::two(forward(p, at), apart, Work::behind(from, at),
                                                first, second, met.trap)) [[unlikely]] {
    end = search_met(at, met);
    return true;
  }
  if constexpr (Width == 64)
    return ends_search<Work>(first, second, at, apart, end);
  else
    return ends_search<Work>(
        Work::template bits<Width>(first) | Work::template bits<Width>(second) << apart, at, end);
}

// Four vectors, or two of 64 bytes.
template <std::size_t Width>
inline constexpr std::size_t row = Width < 64 ? 4 * Width : 128;

// A row or more, the first two of which lie in one page, or all. One at the beginning, then aligned ones, the last at the
// end; they overlap. Aligned to its size none crosses into another page, and no vector of it into another cache line,
// which would cost twice. Two rows are enough for what is no longer. A function of its own, so that the others need no
// registers of their callers (clang saves them at once).
template <std::size_t Width, class Work>
SUREFOOT_OPAQUE std::size_t search_rows(const volatile void* p, typename Work::source from,
                                        std::size_t n, search_fault& met) noexcept {
  using steps = typename Work::machine::template steps<Width>;
  static_assert(2 * row<Width> <= Work::machine::two_rows);
  std::size_t end = n;
  const volatile void* here = p;
  const volatile void* const last = forward(p, n - row<Width>);
  const std::uint64_t aligned = n <= 2 * row<Width> ? ~std::uint64_t{0} : ~(row<Width> - 1);
  std::uint64_t first, second = 0;
  bool faulted;
  if constexpr (Width == 64)
    faulted = steps::rows(here, last, aligned, from, first, second, met.trap);
  else
    faulted = steps::rows(here, last, aligned, from, first, met.trap);
  if (!faulted) [[likely]] {
    (void)ends_search<Work>(first, second, address(here) - address(p), Width, end);
  } else {
    // The row has the bad byte: nothing that lies further before it is of interest.
    const bool of_other = (met.trap.info & signals::trap_second) != 0;
    const std::size_t bad = Work::offset_of_bad(p, from, of_other, met.trap);
    end = search_met(bad - smaller(bad, row<Width> - 1), met);
  }
  Work::machine::template leave<Width>();
  return end;
}

template <class Work>
SUREFOOT_OPAQUE std::size_t search(const volatile void* p, typename Work::source from,
                                   std::size_t n, search_fault& met) noexcept;

// n bytes, the first two rows of which lie in one page, or all; without vectors of 64 bytes.
template <class Work>
[[gnu::noinline]] std::size_t search_narrow(const volatile void* p, typename Work::source from,
                                            std::size_t n, search_fault& met) noexcept {
  std::size_t end = n;
  if (n > 32) {
    if (Work::machine::known_width() >= 32) {
      if (n > row<32>) return search_rows<32, Work>(p, from, n, met);
      const std::size_t apart = smaller(n - 32, std::size_t{32});
      if (!search_two<32, Work>(p, from, 0, apart, end, met) && n > 64)
        (void)search_two<32, Work>(p, from, n - 64, 32, end, met);
      Work::machine::template leave<32>();
      return end;
    }
    if (n > row<16>) return search_rows<16, Work>(p, from, n, met);
    if (!search_two<16, Work>(p, from, 0, 16, end, met))
      (void)search_two<16, Work>(p, from, n - 32, 16, end, met);
    return end;
  }
  if (n >= 16) {
    (void)search_two<16, Work>(p, from, 0, n - 16, end, met);
    return end;
  }
  if (n >= 8) return search_words<8, Work>(p, from, n, met);
  if (n >= 4) return search_words<4, Work>(p, from, n, met);
  if (n >= 2) return search_words<2, Work>(p, from, n, met);
  if (n == 0) return 0;
  return search_words<1, Work>(p, from, n, met);
}

// Where the page of p ends soon: first what lies in it, then the rest.
template <class Work>
[[gnu::cold, gnu::noinline]] std::size_t search_by_page(const volatile void* p,
                                                        typename Work::source from, std::size_t n,
                                                        std::size_t head,
                                                        search_fault& met) noexcept {
  const std::size_t first = search_narrow<Work>(p, from, head, met);
  if (first != head) return first;
  const std::size_t rest = search<Work>(forward(p, head), Work::behind(from, head), n - head, met);
  if (rest != met_fault) return head + rest;
  met.at += head;
  return met_fault;
}

// The first time that the width matters.
template <class Work>
[[gnu::cold, gnu::noinline]] std::size_t search_asking(const volatile void* p,
                                                       typename Work::source from, std::size_t n,
                                                       search_fault& met) noexcept {
  Work::machine::ask_width();
  return search<Work>(p, from, n, met);
}

// Without two rows of vectors of 64 bytes. (What is rare is in functions of their own: so this one needs no registers of
// its caller.)
template <class Work>
[[gnu::noinline]] std::size_t search_otherwise(const volatile void* p, typename Work::source from,
                                               std::size_t n, search_fault& met) noexcept {
  const std::size_t head = to_next(address(p), arch::page_size());
  if (head < Work::machine::two_rows && n > head) [[unlikely]]
    return search_by_page<Work>(p, from, n, head, met);
  if (Work::machine::known_width() == 0) [[unlikely]]
    return search_asking<Work>(p, from, n, met);
  return search_narrow<Work>(p, from, n, met);
}

template <class Work>
SUREFOOT_OPAQUE std::size_t search(const volatile void* p, typename Work::source from,
                                   std::size_t n, search_fault& met) noexcept {
  const auto place = static_cast<std::uint32_t>(address(p) & (arch::page_size() - 1));
  if (!Work::machine::has_two_rows_from(place)) [[unlikely]]
    return search_otherwise<Work>(p, from, n, met);
  std::size_t end = n;
  if (n <= 64) {
    // A vector that is left out in part, and reaches into a bad page, costs 100 ns.
    if (Work::ends_page(from)) [[unlikely]]
      return search_narrow<Work>(p, from, n, met);
    if (Work::machine::template steps<64>::part(p, n, from, end, met.trap)) [[unlikely]]
      return search_met(0, met);
    return end;
  }
  if (n > row<64>) {
    if (Work::takes_widest_rows(p, from)) return search_rows<64, Work>(p, from, n, met);
    return search_rows<32, Work>(p, from, n, met);
  }
  (void)search_two<64, Work>(p, from, 0, n - 64, end, met);
  return end;
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
