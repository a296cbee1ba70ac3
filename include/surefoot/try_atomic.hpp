/// @file
/// Atomic read-modify-writes of one value, at an address that may fault: sequentially consistent,
/// all or nothing. T has 1, 2, 4 or 8 bytes, or 16 where the processor can (else `unknown`).
///
/// A misaligned address is refused before any access (`misaligned`): a locked access that crosses a
/// cache line stops every core, and some machines forbid it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/try_value.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// What try_compare_exchange() found, and whether it stored.
///
/// @snippet try_atomic.cpp exchanged
template <class T>
struct SUREFOOT_PUBLIC exchanged {
  T was;         ///< what was there
  bool swapped;  ///< the new value was stored

  friend constexpr bool operator==(const exchanged&, const exchanged&) = default;
};

namespace detail {

template <class T>
concept exchangeable = storable<T> && one_instruction<bare_t<T>>;

// Integers, but not bool: what can be added and combined.
template <class T>
concept combinable = storable<T> && one_instruction<bare_t<T>> && sizeof(T) <= 8 &&
                     !same<bare_t<T>, bool> && requires(bare_t<T> v) {
  v = static_cast<bare_t<T>>(v & v);
  requires bare_t<T>(3)
  / bare_t<T>(2) == bare_t<T>(1);
};

template <class T>
using word_for = typename word_of<sizeof(T)>::type;

// The fault of an atomic that must not even be tried; none where it may.
template <class T, class E>
fault before_atomic(const volatile void* p, const E& e) noexcept {
  if (address(p) % sizeof(T) != 0)
    return {.address = p, .kind = cause::misaligned, .during = access_kind::write};
  if (!e.ready()) [[unlikely]]
    return not_ready(p, access_kind::write);
  return {};
}

// One read-modify-write with v, access(word) -> result<word>, and what was there before it.
template <class T, class E, class Access>
result<T> one_access(const volatile void* p, T v, const E& e, Access access) noexcept {
  using word = word_for<T>;
  if (const fault bad = before_atomic<T>(p, e); bad.kind != cause::none)
    return result<T>::stopped(bad);
  const result<word> was = access(__builtin_bit_cast(word, v));
  if (!was.ok()) [[unlikely]]
    return result<T>::stopped(was.stopped_by);
  return value_of<T>(was.value());
}

// Loads, then compares and exchanges with change(what is there) until no other thread came between.
template <class T, class E, class Change>
result<T> combine(volatile void* p, const E& e, Change change) noexcept {
  using word = word_for<T>;
  if (const fault bad = before_atomic<T>(p, e); bad.kind != cause::none)
    return result<T>::stopped(bad);
  // Where the load fails, the exchange says why: a page may refuse the two for different reasons. (Or it
  // succeeds, because the page came meanwhile: then what was there comes from it.) Poison is met once.
  const result<word> first = e.template load<word>(p);
  if (!first.ok() && first.stopped_by.kind == cause::poisoned) [[unlikely]] {
    fault bad = first.stopped_by;
    bad.during = access_kind::write;
    return result<T>::stopped(bad);
  }
  for (word was = first.value_or(word{});;) {
    const T now = value_of<T>(was);
    const auto tried = e.template compare_exchange<word>(
        p, was, __builtin_bit_cast(word, static_cast<T>(change(now))));
    if (!tried.ok()) return result<T>::stopped(tried.stopped_by);
    if (tried.value().swapped) return now;
    was = tried.value().was;
  }
}

template <class E>
concept swaps = engine::offering<E, engine::verb::atomic>;
template <class E>
concept combines = engine::offering<E, engine::verb::atomic, engine::verb::load>;

}  // namespace detail

/// Stores v and returns what was there. Async-signal-safe after install(), as are all below. Costs the locked
/// instruction and a few more (16 bytes: a compare and exchange, until no other thread came between), and one
/// signal where it faults.
///
/// @snippet try_atomic.cpp try_exchange
template <detail::exchangeable T, detail::swaps E = engine::standard>
result<detail::bare_t<T>> try_exchange(T* p, detail::identity_t<detail::bare_t<T>> v,
                                       E e = E{}) noexcept {
  return detail::one_access<detail::bare_t<T>>(
      p, v, e, [&](auto word) noexcept { return e.template exchange<decltype(word)>(p, word); });
}

/// Stores `desired` where `expected` is there, byte for byte, and returns what was there. It never
/// fails spuriously. Async-signal-safe after install(). Costs the locked instruction and a few more.
///
/// @snippet try_atomic.cpp try_compare_exchange
template <detail::exchangeable T, detail::swaps E = engine::standard>
result<exchanged<detail::bare_t<T>>> try_compare_exchange(
    T* p, detail::identity_t<detail::bare_t<T>> expected,
    detail::identity_t<detail::bare_t<T>> desired, E e = E{}) noexcept {
  using value = detail::bare_t<T>;
  using word = detail::word_for<value>;
  using answer = result<exchanged<value>>;
  if (const fault bad = detail::before_atomic<value>(p, e); bad.kind != cause::none)
    return answer::stopped(bad);
  const auto tried = e.template compare_exchange<word>(p, __builtin_bit_cast(word, expected),
                                                       __builtin_bit_cast(word, desired));
  if (!tried.ok()) return answer::stopped(tried.stopped_by);
  return exchanged<value>{detail::value_of<value>(tried.value().was), tried.value().swapped};
}

/// Adds v (wrapping, also for signed types) and returns what was there. T is an integer, but not bool.
/// Async-signal-safe after install(). Costs the locked instruction and a few more.
///
/// @snippet try_atomic.cpp try_fetch_add
template <detail::combinable T, detail::swaps E = engine::standard>
result<detail::bare_t<T>> try_fetch_add(T* p, detail::identity_t<detail::bare_t<T>> v,
                                        E e = E{}) noexcept {
  return detail::one_access<detail::bare_t<T>>(
      p, v, e, [&](auto word) noexcept { return e.template fetch_add<decltype(word)>(p, word); });
}

/// Combines v with what is there by AND, and returns what was there. T is an integer, but not bool.
/// Async-signal-safe after install(). Costs a load and a locked compare and exchange, again where another
/// thread came between.
///
/// @snippet try_atomic.cpp try_fetch_and
template <detail::combinable T, detail::combines E = engine::standard>
result<detail::bare_t<T>> try_fetch_and(T* p, detail::identity_t<detail::bare_t<T>> v,
                                        E e = E{}) noexcept {
  return detail::combine<detail::bare_t<T>>(p, e, [v](auto now) noexcept { return now & v; });
}
/// The same by OR. Async-signal-safe after install(); costs as much.
///
/// @snippet try_atomic.cpp try_fetch_or
template <detail::combinable T, detail::combines E = engine::standard>
result<detail::bare_t<T>> try_fetch_or(T* p, detail::identity_t<detail::bare_t<T>> v,
                                       E e = E{}) noexcept {
  return detail::combine<detail::bare_t<T>>(p, e, [v](auto now) noexcept { return now | v; });
}
/// The same by exclusive OR. Async-signal-safe after install(); costs as much.
///
/// @snippet try_atomic.cpp try_fetch_xor
template <detail::combinable T, detail::combines E = engine::standard>
result<detail::bare_t<T>> try_fetch_xor(T* p, detail::identity_t<detail::bare_t<T>> v,
                                        E e = E{}) noexcept {
  return detail::combine<detail::bare_t<T>>(p, e, [v](auto now) noexcept { return now ^ v; });
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
