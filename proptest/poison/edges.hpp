// Every verb around a broken unit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "../every_verb.hpp"
#include "poisoned.hpp"

namespace poisoned {

using surefoot::access_kind;
using surefoot::fault;
using surefoot::progress;

// A broken unit: `lost` bytes from `first` on, as far as the kernel tells.
struct damage {
  damage(const std::uint8_t* at, std::size_t bytes) : first(at), end(at + bytes), lost(bytes) {}

  template <class E>
  fault met(access_kind during, const std::uint8_t* p) const {
    return fault_of<E>(during, p, lost);
  }
  // The page is its granule: asked by any of its bytes, it answers.
  template <class E>
  progress faulted_in(access_kind during, const std::uint8_t* p, std::size_t n) const {
    const std::size_t done = p < first ? static_cast<std::size_t>(first - p) : 0;
    return {done, n - done, every_verb::met_by<E>(*this, during, p, n)};
  }

  const std::uint8_t* first;
  const std::uint8_t* end;
  std::size_t lost;
};

// All of them, at the edges of a broken unit [d.first, d.first + unit) with good bytes around it.
template <class E, class Check>
void at_the_edges(const damage& d, std::size_t unit, Check check) {
  using every_verb::of_atomic, every_verb::of_ranges, every_verb::of_value;
  auto* const bad = const_cast<std::uint8_t*>(d.first);
  for (const std::ptrdiff_t before : {100, 16, 1, 0, -1, -100})
    for (const std::size_t n : {101u, 200u, 5000u}) of_ranges<E>(bad - before, n, d, check);
  of_ranges<E>(bad + unit - 1, 50, d, check);

  for (const std::ptrdiff_t at : {-1, 0, 1, 100}) of_value<std::uint16_t, E>(bad + at, d, check);
  for (const std::ptrdiff_t at : {-7, -3, 0, 40}) of_value<std::uint64_t, E>(bad + at, d, check);
  struct pair {
    std::uint64_t words[2];
  };
  for (const std::ptrdiff_t at : {0, 40}) of_value<pair, E>(bad + at, d, check);
  // Only loads of 16 bytes cross into the page: qemu makes two stores of one, and leaves the first.
  for (const std::ptrdiff_t at : {-15, -8})
    check("try_load of 16 bytes",
          surefoot::try_load<pair>(static_cast<const void*>(bad + at), E{}).stopped_by ==
              every_verb::met_by<E>(d, access_kind::read, bad + at, sizeof(pair)));
  struct large {
    std::uint64_t words[3];
  };
  for (const std::ptrdiff_t at : {-23, 0, 40}) of_value<large, E>(bad + at, d, check);
  for (const std::size_t from_end : {1u, 2u, 7u})
    of_value<std::uint64_t, E>(bad + unit - from_end, d, check);
  of_value<std::uint8_t, E>(bad + unit - 1, d, check);
  if constexpr (!memory::without_signals<E>) {
    of_atomic<std::uint32_t, E>(bad, d, check);
    of_atomic<std::uint64_t, E>(bad + unit - 8, d, check);
    of_atomic<std::uint8_t, E>(bad + 77, d, check);
  }
}

}  // namespace poisoned
