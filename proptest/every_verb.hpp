// Every verb, each asked once about the same bytes, and what it must answer where some of them are damaged.
//
// A damage says which bytes those are, and what is met there:
//   const std::uint8_t* first, *end           the bytes that are refused
//   fault met<E>(during, p)                   of the engine E, at the byte p
//   progress faulted_in<E>(during, p, n)      what faulting in [p, p + n) answers, which asks page by page
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <utility>
#include <vector>

#include "unit/engines.hpp"
#include "unit/memory.hpp"

namespace every_verb {

using surefoot::access_kind;
using surefoot::fault;
using surefoot::granularity;
using surefoot::progress;
using surefoot::verdict;

// The fault of an access of n bytes at p; none where it does not meet the damage.
template <class E, class Damage>
fault met_by(const Damage& d, access_kind during, const std::uint8_t* p, std::size_t n) {
  if (p >= d.end || p + n <= d.first) return {};
  return d.template met<E>(during, p < d.first ? d.first : p);
}

// [p, p + n) holds the kit's pattern (which has no zeros) up to the first bad byte. Calls
// check(verb, fine) for each verb that takes a range; the bytes before the bad one are as they were
// again then.
template <class E, class Damage, class Check>
void of_ranges(std::uint8_t* p, std::size_t n, const Damage& d, Check check) {
  const E e{};
  const bool hit = p < d.end && p + n > d.first;
  const std::size_t done = !hit ? n : p < d.first ? static_cast<std::size_t>(d.first - p) : 0;
  const fault on_read = met_by<E>(d, access_kind::read, p, n);
  const fault on_write = met_by<E>(d, access_kind::write, p, n);
  const progress reading{done, n - done, on_read}, writing{done, n - done, on_write};

  check("fault_in_readable",
        surefoot::fault_in_readable(p, n, e) == d.template faulted_in<E>(access_kind::read, p, n));
  check("fault_in_writeable", surefoot::fault_in_writeable(p, n, e) ==
                                  d.template faulted_in<E>(access_kind::write, p, n));
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
      hit ? surefoot::detail::smaller(n, static_cast<std::size_t>(d.end - p)) - done : 0;
  for (std::size_t i = done + lost; i < n; ++i) prefix[i] = p[i];
  std::size_t holes = 0;
  const auto saved = surefoot::salvage(
      room.data(), p, n,
      [&](const fault& why, std::size_t at, std::size_t bytes) {
        check("a hole of salvage", ++holes == 1 && why == on_read && at == done && bytes == lost);
      },
      e);
  reads("salvage",
        saved == surefoot::salvaged{.copied = n - lost, .lost = lost, .holes = hit ? 1u : 0u});

  // find_holes asks what faulting in asks, and goes on behind it.
  const progress first = d.template faulted_in<E>(access_kind::read, p, n);
  bool is_first = true;
  const auto found = surefoot::find_holes(
      p, n,
      [&](const fault& why, std::size_t at, std::size_t) {
        if (std::exchange(is_first, false))
          check("a hole of find_holes", why == first.stopped_by && at == first.done);
      },
      e);
  check("find_holes", found.good + found.bad == n && is_first == first.all());

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

// The verbs that take one value, at p. Those of good memory change it.
template <class T, class E, class Damage, class Check>
void of_value(std::uint8_t* p, const Damage& d, Check check) {
  const E e{};
  auto* const value = reinterpret_cast<T*>(p);
  check("try_load", surefoot::try_load<T>(static_cast<const void*>(p), e).stopped_by ==
                        met_by<E>(d, access_kind::read, p, sizeof(T)));
  check("try_store", surefoot::try_store(value, T{}, e).stopped_by ==
                         met_by<E>(d, access_kind::write, p, sizeof(T)));
}

template <class T, class E, class Damage, class Check>
void of_atomic(std::uint8_t* p, const Damage& d, Check check) {
  const E e{};
  auto* const value = reinterpret_cast<T*>(p);
  const fault met = met_by<E>(d, access_kind::write, p, sizeof(T));
  check("try_exchange", surefoot::try_exchange(value, T{1}, e).stopped_by == met);
  check("try_compare_exchange",
        surefoot::try_compare_exchange(value, T{1}, T{2}, e).stopped_by == met);
  check("try_fetch_add", surefoot::try_fetch_add(value, T{1}, e).stopped_by == met);
  check("try_fetch_and", surefoot::try_fetch_and(value, T{1}, e).stopped_by == met);
  check("try_fetch_or", surefoot::try_fetch_or(value, T{1}, e).stopped_by == met);
  check("try_fetch_xor", surefoot::try_fetch_xor(value, T{1}, e).stopped_by == met);
}

}  // namespace every_verb
