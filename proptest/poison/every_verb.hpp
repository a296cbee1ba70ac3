// Every verb, each asked once about the same bytes, and what it must answer of poison in them.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "poisoned.hpp"

namespace every_verb {

using surefoot::access_kind;
using surefoot::fault;
using surefoot::granularity;
using surefoot::progress;
using surefoot::verdict;

// Where the first bad byte is, and how much was lost with it.
struct damage {
  const std::uint8_t* first;
  std::size_t extent;

  template <class E>
  fault met(access_kind during, const std::uint8_t* p) const {
    return poisoned::fault_of<E>(during, p < first ? first : p, extent);
  }
};

// [p, p + n) holds the kit's pattern (which has no zeros) up to the first bad byte. Calls
// check(verb, fine) for each verb that takes a range; the bytes before the bad one are as they were
// again then.
template <class E, class Check>
void of_ranges(std::uint8_t* p, std::size_t n, const damage& d, Check check) {
  const E e{};
  const fault on_read = d.met<E>(access_kind::read, p), on_write = d.met<E>(access_kind::write, p);
  const std::size_t done = p < d.first ? static_cast<std::size_t>(d.first - p) : 0;
  const progress reading{done, n - done, on_read}, writing{done, n - done, on_write};

  check("fault_in_readable", surefoot::fault_in_readable(p, n, e) == reading);
  check("fault_in_writeable", surefoot::fault_in_writeable(p, n, e) == writing);
  check("ensure_readable", surefoot::ensure_readable(p, n, e) == verdict{on_read});
  check("ensure_writeable", surefoot::ensure_writeable(p, n, e) == verdict{on_write});
  check("ensure_accessible, each byte, read",
        surefoot::ensure_accessible<access_kind::read, granularity::byte>(p, n, e) ==
            verdict{on_read});
  check("ensure_accessible, each byte, write",
        surefoot::ensure_accessible<access_kind::write, granularity::byte>(p, n, e) ==
            verdict{on_write});

  // Where something is read to, and what must be there then: the prefix, and behind it nothing new.
  constexpr std::uint8_t untouched = 0xee;
  std::vector<std::uint8_t> room(n, untouched), prefix(n, untouched);
  for (std::size_t i = 0; i < done; ++i) prefix[i] = p[i];
  const auto reads = [&](const char* verb, bool fine) {
    check(verb, fine && room == prefix);
    std::memset(room.data(), untouched, n);
  };
  iovec halves[2] = {{p, n / 2}, {p + n / 2, n - n / 2}};
  reads("try_copy from it", surefoot::try_copy(room.data(), p, n, e) == reading);
  reads("try_gather", surefoot::try_gather(room.data(), halves, e) == reading);
  const auto string = surefoot::try_copy_string(reinterpret_cast<char*>(room.data()),
                                                reinterpret_cast<char*>(p), n, e);
  reads("try_copy_string from it", string.copied == reading && !string.terminated);
  // salvage goes on behind what is lost, where there is something.
  const std::size_t lost =
      surefoot::detail::smaller(n, static_cast<std::size_t>(d.first + d.extent - p)) - done;
  for (std::size_t i = done + lost; i < n; ++i) prefix[i] = p[i];
  std::size_t holes = 0;
  const auto saved = surefoot::salvage(
      room.data(), p, n,
      [&](const fault& why, std::size_t at, std::size_t bytes) {
        check("a hole of salvage", ++holes == 1 && why == on_read && at == done && bytes == lost);
      },
      e);
  reads("salvage", saved == surefoot::salvaged{.copied = n - lost, .lost = lost, .holes = 1});

  const auto* const text = reinterpret_cast<const char*>(p);
  check("try_length", surefoot::try_length(text, n, e).stopped_by == on_read);
  check("try_find", surefoot::try_find(p, 0, n, e).stopped_by == on_read);
  check("try_compare, left", surefoot::try_compare(p, prefix.data(), n, e).stopped_by == on_read);
  check("try_compare, right", surefoot::try_compare(prefix.data(), p, n, e).stopped_by == on_read);

  // What is written to it must stand in the prefix.
  std::vector<std::uint8_t> source(n);
  const auto writes = [&](const char* verb, bool fine) {
    check(verb, fine && std::memcmp(p, source.data(), done) == 0);
    std::memcpy(p, prefix.data(), done);
  };
  for (std::size_t i = 0; i < n; ++i) source[i] = static_cast<std::uint8_t>(i % 100 + 1);
  writes("try_copy to it", surefoot::try_copy(p, source.data(), n, e) == writing);
  writes("try_scatter", surefoot::try_scatter(halves, source.data(), e) == writing);
  writes("try_copy_string to it",
         surefoot::try_copy_string(reinterpret_cast<char*>(p),
                                   reinterpret_cast<char*>(source.data()), n, e)
                 .copied == writing);
  std::memset(source.data(), 0x5a, n);
  writes("try_fill", surefoot::try_fill(p, 0x5a, n, e) == writing);
  std::memset(source.data(), 0, n);
  writes("try_zero", surefoot::try_zero(p, n, e) == writing);
}

// The verbs that take one value, at p, which may begin before the first bad byte or behind it.
template <class T, class E, class Check>
void of_value(std::uint8_t* p, const damage& d, Check check) {
  const E e{};
  auto* const value = reinterpret_cast<T*>(p);
  check("try_load", surefoot::try_load<T>(static_cast<const void*>(p), e).stopped_by ==
                        d.met<E>(access_kind::read, p));
  check("try_store",
        surefoot::try_store(value, T{}, e).stopped_by == d.met<E>(access_kind::write, p));
}

template <class T, class E, class Check>
void of_atomic(std::uint8_t* p, const damage& d, Check check) {
  const E e{};
  auto* const value = reinterpret_cast<T*>(p);
  const fault met = d.met<E>(access_kind::write, p);
  check("try_exchange", surefoot::try_exchange(value, T{1}, e).stopped_by == met);
  check("try_compare_exchange",
        surefoot::try_compare_exchange(value, T{1}, T{2}, e).stopped_by == met);
  check("try_fetch_add", surefoot::try_fetch_add(value, T{1}, e).stopped_by == met);
  check("try_fetch_and", surefoot::try_fetch_and(value, T{1}, e).stopped_by == met);
  check("try_fetch_or", surefoot::try_fetch_or(value, T{1}, e).stopped_by == met);
  check("try_fetch_xor", surefoot::try_fetch_xor(value, T{1}, e).stopped_by == met);
}

// All of them, at the edges of a broken unit [d.first, d.first + unit) with good bytes around it.
template <class E, class Check>
void at_the_edges(const damage& d, std::size_t unit, Check check) {
  auto* const bad = const_cast<std::uint8_t*>(d.first);
  for (const std::ptrdiff_t before : {100, 16, 1, 0, -1, -100})
    for (const std::size_t n : {101u, 200u, 5000u}) of_ranges<E>(bad - before, n, d, check);
  of_ranges<E>(bad + unit - 1, 50, d, check);

  for (const std::ptrdiff_t at : {-1, 0, 1, 100}) of_value<std::uint16_t, E>(bad + at, d, check);
  for (const std::ptrdiff_t at : {-7, -3, 0, 40}) of_value<std::uint64_t, E>(bad + at, d, check);
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

}  // namespace every_verb
