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
  // The page is its granule.
  template <class E>
  progress faulted_in(access_kind during, const std::uint8_t* p, std::size_t n) const {
    return every_verb::faulted_in_pages<E>(*this, during, p, n);
  }

  const std::uint8_t* first;
  const std::uint8_t* end;
  std::size_t lost;
};

// All of them, at the edges of a broken unit [d.first, d.first + unit) with good bytes around it.
template <class E, class Check>
void at_the_edges(const damage& d, std::size_t unit, Check check) {
  every_verb::at_the_edges<E>(d, unit, check);
}

}  // namespace poisoned
