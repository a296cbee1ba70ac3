// The grid of the every_offset_*.cpp: source offset 0 to 16, destination offset 0 to 16 and length 0
// to 300, without gaps, with a bad page behind either side.
//
// The offset of the side that is bad says how many bytes its range runs into the bad page behind it:
// with 0 it ends right before, and with each other one it faults, at every alignment and every
// distance. The offset of the other side is its distance from a bad page before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "memory.hpp"

namespace every_offset {

inline constexpr std::size_t offsets = 17;
inline constexpr std::size_t longest = 300;
// A fault under a sanitizer or an emulator costs a hundred times more: there the grid has gaps, with every
// pair of offsets and every length in it, and every length at each alignment of one to the other.
inline const std::size_t gap = build::is_emulated ? 11 : build::is_sanitized ? 5 : 1;

// A good page between bad ones, and what it held at first.
class shore {
 public:
  explicit shore(memory::kind bad) : land_{memory::kind::no_access, memory::kind::good, bad} {
    std::memcpy(at_first_, beginning(), sizeof at_first_);
  }

  std::uint8_t* beginning() const { return land_.page(1); }
  std::uint8_t* edge() const { return land_.page(2); }

  // Is all as it was at first, but for n bytes at p, which must equal those at `reference`? Then it is
  // as it was again.
  bool became(std::uint8_t* p, const std::uint8_t* reference, std::size_t n) const {
    const auto skipped = static_cast<std::size_t>(p - beginning());
    const std::uint8_t* const was = at_first_ + skipped;
    const bool fine = std::memcmp(p, reference, n) == 0 &&
                      std::memcmp(beginning(), at_first_, skipped) == 0 &&
                      std::memcmp(p + n, was + n, static_cast<std::size_t>(edge() - p) - n) == 0;
    std::memcpy(p, was, n);
    return fine;
  }

 private:
  memory::pages land_;
  std::uint8_t at_first_[memory::page_size];
};

// Calls check(source offset, destination offset, length) for the whole grid.
template <class Check>
void over_the_grid(Check check) {
  for (std::size_t src = 0; src < offsets; ++src)
    for (std::size_t dst = 0; dst < offsets; ++dst)
      for (std::size_t n = (src * offsets + dst) % gap; n <= longest; n += gap) check(src, dst, n);
}

// Of n bytes that run `into` bytes into the bad page, those before it.
constexpr std::size_t before(std::size_t n, std::size_t into) { return n > into ? n - into : 0; }

// The answer to n bytes of which `done` come before a bad page.
template <class E>
surefoot::progress answer(std::size_t done, std::size_t n, memory::kind bad,
                          surefoot::access_kind during, const volatile void* at) {
  return done == n ? memory::finished(n) : memory::stopped<E>(done, n, bad, during, at);
}

}  // namespace every_offset
