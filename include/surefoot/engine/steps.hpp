// Copies and fills in steps of the widest vectors that the processor has: what engine::table does where the
// machine offers such steps (arch/concept.hpp). A step is one statement with all of its accesses, so that a
// good one costs little more than they do; that any of them may fault costs nothing.
//
// Sizes up to eight vectors are one step, whose last accesses may overlap its first ones; larger ones go
// four vectors at a time, and end in such a step; a fill of a page and more is the processor's own loop, where it has
// a fast one. On bench/copies.cpp's machines that is about as fast as libc's memcpy and memset at every size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/config.hpp>
#include <surefoot/engine/sanitizers.hpp>
#include <surefoot/engine/walk.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/signal/classify.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {
namespace detail {

// What is done step by step: a copy or a fill. `from` is what is stored: the source, or the byte 8 times, which the
// steps tell apart by its type. (An argument of its own: g++ 12 would take a value of both through memory.)
template <class Machine>
struct copying {
  using machine = Machine;
  using source = const volatile void*;
  static constexpr bool is_fill = false;
  // Does the destination overlap its source from so close that a store might change what it is to be made of
  // again? The rows behind the first one would; so would an emulator that stores vectors of 32 bytes in two parts, of
  // which a fault may leave the first one done (vectors of 64 bytes are a processor's: there a store is whole).
  static bool is_close(const volatile void* dst, source from) noexcept {
    return address(from) - address(dst) < 64;
  }
  static source behind(source from, std::size_t at) noexcept { return forward(from, at); }
};

template <class Machine>
struct filling {
  using machine = Machine;
  using source = std::uint64_t;
  static constexpr bool is_fill = true;
  static bool is_close(const volatile void*, source) noexcept { return false; }
  static source behind(source from, std::size_t) noexcept { return from; }
};

// Where steps ended: what settle_copy() wants to know. The trap, of which every step is told the place, is where
// the whole is: that saves an instruction.
struct stop {
  arch::trap trap;
  place now;
};

// As the width of a place: no multiple of it lies before the bad byte, so all from `at` on is to be done again.
inline constexpr std::size_t whole_step = ~std::size_t{0};

// A step of `n` bytes met a fault, Count accesses of a width at each end: what is stored of it for certain? All
// stores before the one that faulted, which ascend; nothing, where a load did; and the `least` bytes that earlier steps
// stored. Which row it was of its entry says: where they overlap the address does not, for another thread may have taken
// the memory away between the two.
// OPAQUE, and called last, with all that its caller was given in the same registers: the good path moves none of it.
template <std::size_t Width, std::size_t Count, class Work>
[[gnu::cold]] SUREFOOT_OPAQUE inline bool step_met(volatile void* dst, typename Work::source,
                                                   std::size_t n, stop& met, std::size_t before,
                                                   std::size_t least) noexcept {
  written(&met.trap, sizeof met.trap);
  const arch::trap t = met.trap;
  const bool writes = (t.info & signals::trap_writes) != 0;
  std::size_t stored = 0;
  if (writes) {
    constexpr std::size_t first_row = Count * Width;
    const std::size_t last_row = n - first_row, bad = offset_of(dst, t, 0);
    if ((t.info & signals::trap_second) == 0)
      stored = bad / Width * Width;
    else
      stored = larger(first_row, last_row + (larger(bad, last_row) - last_row) / Width * Width);
  }
  met.now = {larger(before + stored, least), whole_step,
             writes ? access_kind::write : access_kind::read};
  return true;
}

// A step at both ends of n bytes.
template <std::size_t Width, std::size_t Count, class Work>
[[gnu::always_inline]] inline bool step(volatile void* dst, typename Work::source from,
                                        std::size_t n, stop& met, std::size_t before = 0,
                                        std::size_t least = 0) noexcept {
  using steps = typename Work::machine::template steps<Width>;
  bool faulted;
  if constexpr (Count == 1)
    faulted = steps::ends(dst, from, n, met.trap);
  else if constexpr (Count == 2)
    faulted = steps::two_at_ends(dst, from, n, met.trap);
  else
    faulted = steps::four_at_ends(dst, from, n, met.trap);
  if (!faulted) [[likely]]
    return false;
  if constexpr (Width >= 16) Work::machine::template leave<Width>();
  return step_met<Width, Count, Work>(dst, from, n, met, before, least);
}

// A row of four, `at` bytes behind the beginning.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline bool row_step(volatile void* dst, typename Work::source from,
                                            stop& met, std::size_t at, std::size_t least) noexcept {
  constexpr std::size_t row = 4 * Width;
  volatile void* const to = forward(dst, at);
  const auto what = Work::behind(from, at);
  if (!Work::machine::template steps<Width>::row(to, what, met.trap)) [[likely]]
    return false;
  Work::machine::template leave<Width>();
  (void)step_met<Width, 4, Work>(to, what, row, met, at, least);
  return true;
}

// From which size on a fill is left to the processor where it is good at that: from a page on `rep stosb` is as
// fast as any loop, and for 64 MiB of zeros more than twice as fast (bench/copies.cpp). A copy by `rep movsb` is
// never faster than one in steps, and takes twice as long where the two sides are not aligned alike.
inline constexpr std::size_t worth_a_string = 4096;

// A fill by the processor's own loop. True where a fault ended it: then `met` says where.
template <class Work>
[[gnu::noinline]] bool in_a_string(volatile void* dst, std::uint64_t bytes, std::size_t n,
                                   stop& met) noexcept {
  volatile void* here = dst;
  arch::trap t;
  if (!Work::machine::fill_by_string(here, bytes, n, t)) [[likely]]
    return false;
  met = {t, {address(here) - address(dst), whole_step, access_kind::write}};
  return true;
}

// More than eight vectors.
template <std::size_t Width, class Work>
SUREFOOT_OPAQUE bool in_rows(volatile void* dst, typename Work::source from, std::size_t n,
                             stop& met) noexcept {
  constexpr std::size_t row = 4 * Width;
  // The first row lies at the beginning, those behind it where the stores are aligned, over a part of the first.
  if (row_step<Width, Work>(dst, from, met, 0, 0)) return true;
  std::size_t at = row - (Work::is_close(dst, from) ? 0 : address(dst) & (Width - 1));
  for (; n - at > 2 * row; at += row)
    if (row_step<Width, Work>(dst, from, met, at, row)) return true;
  return step<Width, 4, Work>(forward(dst, at), Work::behind(from, at), n - at, met, at, row);
}

// 64 bytes and more.
template <std::size_t Width, class Work>
[[gnu::always_inline]] inline bool in_wide_steps(volatile void* dst, typename Work::source from,
                                                 std::size_t n, stop& met) noexcept {
  if (n <= 2 * Width) [[likely]]
    return step<Width, 1, Work>(dst, from, n, met);
  if (n <= 4 * Width) return step<Width, 2, Work>(dst, from, n, met);
  if (n <= 8 * Width) return step<Width, 4, Work>(dst, from, n, met);
  if constexpr (Work::is_fill)
    if (n >= worth_a_string && Work::machine::has_fast_strings())
      return in_a_string<Work>(dst, from, n, met);
  return in_rows<Width, Work>(dst, from, n, met);
}

template <class Work>
bool in_steps(volatile void* dst, typename Work::source from, std::size_t n, stop& met) noexcept;

// The first time that the width matters.
template <class Work>
[[gnu::cold, gnu::noinline]] bool in_steps_asking(volatile void* dst, typename Work::source from,
                                                  std::size_t n, stop& met) noexcept {
  Work::machine::ask_width();
  return in_steps<Work>(dst, from, n, met);
}

// 64 bytes and more, without vectors of 64.
template <class Work>
[[gnu::noinline]] bool in_narrower_steps(volatile void* dst, typename Work::source from,
                                         std::size_t n, stop& met) noexcept {
  if (n == 64) return step<16, 2, Work>(dst, from, n, met);  // as less are (in_steps)
  const std::size_t width = Work::machine::known_width();
  if (width == 0) [[unlikely]]
    return in_steps_asking<Work>(dst, from, n, met);
  if (width != 16 && !Work::is_close(dst, from)) [[likely]]
    return in_wide_steps<32, Work>(dst, from, n, met);
  return in_wide_steps<16, Work>(dst, from, n, met);
}

// Less than 64 bytes need no width: two or four vectors of 16 bytes are as fast as one or two wider ones, which may
// have to be left again.
template <class Work>
SUREFOOT_OPAQUE bool in_steps(volatile void* dst, typename Work::source from, std::size_t n,
                              stop& met) noexcept {
  if (n >= 64) {
    if (Work::machine::known_width() != 64) [[unlikely]]
      return in_narrower_steps<Work>(dst, from, n, met);
    return in_wide_steps<64, Work>(dst, from, n, met);
  }
  if (n >= 16) {
    if (n > 32) return step<16, 2, Work>(dst, from, n, met);
    return step<16, 1, Work>(dst, from, n, met);
  }
  if (n >= 8) return step<8, 1, Work>(dst, from, n, met);
  if (n >= 4) return step<4, 1, Work>(dst, from, n, met);
  if (n >= 2) return step<2, 1, Work>(dst, from, n, met);
  if (n == 0) return false;
  if (!Work::machine::template steps<1>::one(dst, from, met.trap)) [[likely]]
    return false;
  return step_met<1, 1, Work>(dst, from, 1, met, 0, 0);
}

// From which size on a scan takes vectors of 64 bytes where there are any: 1 GiB takes a tenth less than by those of 16
// on an Intel processor (Granite Rapids); those of 32 gain nothing (bench/scans.cpp).
inline constexpr std::size_t worth_wide_loads = 4096;

// Loads of all of that many bytes, for their faults only; the last row may overlap the one before. True where a fault
// ended it.
template <class Machine>
SUREFOOT_OPAQUE bool look_in_rows(const volatile void* p, std::size_t n, stop& met) noexcept {
  constexpr std::size_t row = 4 * 64;
  const auto faults = [&](std::size_t at) noexcept {
    return Machine::template steps<64>::look(forward(p, at), met.trap);
  };
  std::size_t at = 0;
  for (; n - at > row; at += row)
    if (faults(at)) [[unlikely]]
      break;
  if (n - at <= row) {
    at = n - row;
    if (!faults(at)) [[likely]]
      return false;
  }
  written(&met.trap, sizeof met.trap);
  met.now.at = at;
  return true;
}

template <class Machine>
bool scans_wide(std::size_t n) noexcept {
  if (n < worth_wide_loads) return false;
  if (Machine::known_width() == 0) [[unlikely]]
    Machine::ask_width();
  return Machine::known_width() == 64;
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
