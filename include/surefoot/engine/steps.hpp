// Copies and fills in steps of the widest vectors that the processor has: what engine::table does where the
// machine offers such steps (arch/concept.hpp). A step is one statement with all of its accesses, so that a
// good one costs little more than they do; that any of them may fault costs a flag.
//
// Sizes up to eight vectors are one step, whose last accesses may overlap its first ones; larger ones go
// four vectors at a time, and end in such a step; a fill of a page and more is the processor's own loop, where it has
// a fast one. On bench/copies.cpp's machine that is about as fast as libc's memcpy and memset at every size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
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
  // again? Emulators store wide vectors in parts of 16 bytes, of which a fault may leave the first ones done.
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

// Where steps ended: what settle_copy() wants to know.
struct stop {
  place now;
  arch::trap trap;
};

// As the width of a place: no multiple of it lies before the bad byte, so all from `at` on is to be done again.
inline constexpr std::size_t whole_step = ~std::size_t{0};

// A step of `n` bytes met a fault, Count accesses of a width at each end: what is stored of it for certain? All
// stores before the one that faulted, which ascend; nothing, where a load did. Which row it was of its entry says:
// where they overlap the address does not, for another thread may have taken the memory away between the two.
template <std::size_t Width, std::size_t Count>
[[gnu::cold, gnu::noinline]] inline bool step_met(const volatile void* dst, std::size_t n,
                                                  arch::trap t, std::size_t before,
                                                  stop& met) noexcept {
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
  met = {{before + stored, whole_step, writes ? access_kind::write : access_kind::read}, t};
  return true;
}

// A step at both ends of n bytes.
template <std::size_t Width, std::size_t Count, class Work>
[[gnu::always_inline]] inline bool step(volatile void* dst, typename Work::source from,
                                        std::size_t n, std::size_t before, stop& met) noexcept {
  using steps = typename Work::machine::template steps<Width>;
  arch::trap t;
  bool faulted;
  if constexpr (Count == 1)
    faulted = steps::ends(dst, from, n, t);
  else if constexpr (Count == 2)
    faulted = steps::two_at_ends(dst, from, n, t);
  else
    faulted = steps::four_at_ends(dst, from, n, t);
  if (faulted) [[unlikely]]
    return step_met<Width, Count>(dst, n, t, before, met);
  return false;
}

template <class Work>
bool in_steps(volatile void* dst, typename Work::source from, std::size_t n, stop& met) noexcept;

// From which size on the stores of a long copy are aligned first: the few bytes that this takes more pay
// at 2 KiB where vectors that cross a cache line cost twice (bench/copies.cpp, unaligned).
inline constexpr std::size_t worth_aligning = 2048;

// From which size on a fill is left to the processor where it is good at that: from a page on `rep stosb` is as
// fast as any loop, and for 64 MiB of zeros more than twice as fast (bench/copies.cpp). A copy by `rep movsb` is
// never faster than one in steps, and takes twice as long where the two sides are not aligned alike.
inline constexpr std::size_t worth_a_string = 4096;

// More than eight vectors. True where a fault ended it: then `met` says where.
template <std::size_t Width, class Work>
[[gnu::noinline]] bool in_rows(volatile void* dst, typename Work::source from, std::size_t n,
                               stop& met) noexcept {
  if constexpr (Work::is_fill) {
    if (n >= worth_a_string && Work::machine::has_fast_strings()) {
      volatile void* here = dst;
      arch::trap t;
      if (!Work::machine::fill_by_string(here, from, n, t)) [[likely]]
        return false;
      met = {{address(here) - address(dst), whole_step, access_kind::write}, t};
      return true;
    }
  }
  std::size_t at = 0;
  if (n >= worth_aligning) {
    at = (std::size_t{0} - address(dst)) & (Width - 1);
    if (at != 0 && in_steps<Work>(dst, from, at, met)) return true;
  }
  for (; n - at > 8 * Width; at += 4 * Width) {
    arch::trap t;
    if (Work::machine::template steps<Width>::row(forward(dst, at), Work::behind(from, at),
                                                  4 * Width, t)) [[unlikely]] {
      Work::machine::template leave<Width>();
      return step_met<Width, 4>(forward(dst, at), 4 * Width, t, at, met);
    }
  }
  return step<Width, 4, Work>(forward(dst, at), Work::behind(from, at), n - at, at, met);
}

// More than 64 bytes.
template <std::size_t Width, class Work>
[[gnu::noinline]] bool in_wide_steps(volatile void* dst, typename Work::source from, std::size_t n,
                                     stop& met) noexcept {
  if (n <= 2 * Width) return step<Width, 1, Work>(dst, from, n, 0, met);
  if (n <= 4 * Width) return step<Width, 2, Work>(dst, from, n, 0, met);
  if (n <= 8 * Width) return step<Width, 4, Work>(dst, from, n, 0, met);
  return in_rows<Width, Work>(dst, from, n, met);
}

// The first time that the width matters.
template <class Work>
[[gnu::cold, gnu::noinline]] bool in_steps_asking(volatile void* dst, typename Work::source from,
                                                  std::size_t n, stop& met) noexcept {
  Work::machine::ask_width();
  return in_steps<Work>(dst, from, n, met);
}

// What most calls are for comes first, and needs no width: two or four vectors of 16 bytes are as fast
// as one or two wider ones, which have to be left again.
template <class Work>
[[gnu::noinline]] bool in_steps(volatile void* dst, typename Work::source from, std::size_t n,
                                stop& met) noexcept {
  if (n > 64) [[unlikely]] {
    if (Work::is_close(dst, from)) [[unlikely]]
      return in_wide_steps<16, Work>(dst, from, n, met);
    const std::size_t width = Work::machine::known_width();
    if (width == 64) [[likely]]
      return in_wide_steps<64, Work>(dst, from, n, met);
    if (width == 32) return in_wide_steps<32, Work>(dst, from, n, met);
    if (width == 16) return in_wide_steps<16, Work>(dst, from, n, met);
    return in_steps_asking<Work>(dst, from, n, met);
  }
  if (n > 32) return step<16, 2, Work>(dst, from, n, 0, met);
  if (n > 16) return step<16, 1, Work>(dst, from, n, 0, met);
  if (n >= 8) return step<8, 1, Work>(dst, from, n, 0, met);
  if (n >= 4) return step<4, 1, Work>(dst, from, n, 0, met);
  if (n >= 2) return step<2, 1, Work>(dst, from, n, 0, met);
  if (n == 0) return false;
  arch::trap t;
  return Work::machine::template steps<1>::one(dst, from, t) && step_met<1, 1>(dst, 1, t, 0, met);
}

}  // namespace detail
}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
