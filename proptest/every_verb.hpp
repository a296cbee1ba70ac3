// Every verb, each asked once about the same bytes, and what it must answer where some of them are damaged.
//
// A damage says which bytes those are, and what is met there:
//   const std::uint8_t* first, *end           the bytes that are refused
//   fault met<E>(during, p)                   of the engine E, at the byte p
//   progress faulted_in<E>(during, p, n)      what faulting in [p, p + n) answers, which asks page by page
//
// Two are here and in poison/edges.hpp: a bad page, and a broken one. At their edges all verbs can be asked.
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

// What faulting in answers where the damage is whole pages: any byte of one tells of it.
template <class E, class Damage>
progress faulted_in_pages(const Damage& d, access_kind during, const std::uint8_t* p,
                          std::size_t n) {
  const std::size_t done = p < d.first ? static_cast<std::size_t>(d.first - p) : 0;
  if (done >= n || p >= d.end) return {n, 0};
  return {done, n - done, met_by<E>(d, during, p, n)};
}

// All of them, at the edges of a damaged unit of memory, [d.first, d.first + unit), with good bytes around it.
template <class E, class Damage, class Check>
void at_the_edges(const Damage& d, std::size_t unit, Check check) {
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
              met_by<E>(d, access_kind::read, bad + at, sizeof(pair)));
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

// A page of this kind, which refuses all access, with good ones around it.
class bad_page {
 public:
  explicit bad_page(memory::kind k)
      : kind_(k),
        land_{memory::kind::good, k, memory::kind::good},
        first(land_.page(1)),
        end(land_.page(2)) {
    for (const std::size_t good : {0u, 2u})
      std::memset(land_.page(good), 7, memory::page_size);  // the pattern has zeros
  }

  template <class E>
  fault met(access_kind during, const std::uint8_t* p) const {
    return memory::fault_of<E>(kind_, during, p);
  }
  template <class E>
  progress faulted_in(access_kind during, const std::uint8_t* p, std::size_t n) const {
    return faulted_in_pages<E>(*this, during, p, n);
  }

 private:
  memory::kind kind_;
  memory::pages land_;

 public:
  const std::uint8_t* const first;
  const std::uint8_t* const end;
};

template <class E, class Check>
void at_the_edges(const bad_page& d, Check check) {
  at_the_edges<E>(d, memory::page_size, check);
}

}  // namespace every_verb
