/// @file
/// try_load, try_store: one value, at an address that may fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/probed_store.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>
#include <surefoot/try_copy.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace detail {

// The engine's word of this size; void where one instruction does not do.
template <std::size_t Size>
struct word_of : identity<void> {};
template <>
struct word_of<1> : identity<std::uint8_t> {};
template <>
struct word_of<2> : identity<std::uint16_t> {};
template <>
struct word_of<4> : identity<std::uint32_t> {};
template <>
struct word_of<8> : identity<std::uint64_t> {};
template <>
struct word_of<16> : identity<engine::word16> {};

template <class T>
inline constexpr bool one_instruction = !same<typename word_of<sizeof(T)>::type, void>;

// A value that may be made of any bytes, and copied. Arrays have no values; an std::atomic is no
// plain value.
template <class T>
concept loadable =
    !is_reference<T> && !same<bare_t<T>, void> && __is_trivially_copyable(bare_t<T>) &&
    same<typename unbounded<bare_t<T>>::type, bare_t<T>> && requires(const bare_t<T>& v) {
  bare_t<T>(v);
};
template <class T>
concept storable = loadable<T> && !is_const<T>;

// The value that these bytes are. Memory may hold any byte where a bool is expected; its value is
// whether that is 0.
template <class T, class Word>
T value_of(Word word) noexcept {
  if constexpr (same<T, bool>)
    return word != 0;
  else
    return __builtin_bit_cast(T, word);
}

template <class T, class E>
result<T> load_value(const volatile void* p, const E& e) noexcept {
  if (!e.ready()) [[unlikely]]
    return result<T>::stopped(not_ready(p, access_kind::read));
  // One instruction that would wrap begins in the kernel half and faults by itself: no test on the
  // good path.
  if constexpr (one_instruction<T>) {
    const auto word = e.template load<typename word_of<sizeof(T)>::type>(p);
    if (!word.ok()) [[unlikely]]
      return result<T>::stopped(word.stopped_by);
    return value_of<T>(word.value());
  } else {
    if (wraps(p, sizeof(T))) return result<T>::stopped(wrapped(p, access_kind::read));
    room<T> to;
    const progress copied = e.copy(to.bytes, p, sizeof(T));
    if (!copied.all()) return result<T>::stopped(copied.stopped_by);
    return to.value;
  }
}

}  // namespace detail

/// Loads a T from p. T is any trivially copyable type; any alignment; sizes 1, 2, 4, 8 and 16 are
/// one instruction, others a try_copy. Nothing of the value is seen where a byte of it could not be
/// loaded; `stopped_by.address` is the first such byte. A load of more than 8 bytes, or of one that
/// crosses a cache line, is no snapshot under a concurrent writer. Any byte but 0 is a true bool;
/// other types (enums) are what their bytes say, whether or not that is one of their values.
/// Async-signal-safe after install(). With an engine from install() it costs two instructions more
/// than a plain load.
///
/// @snippet try_value.cpp try_load
template <detail::loadable T,
          engine::offering<engine::verb::load, engine::verb::copy> E = engine::standard>
result<detail::bare_t<T>> try_load(const volatile T* p, E e = E{}) noexcept {
  return detail::load_value<detail::bare_t<T>>(p, e);
}
/// The same from an untyped or otherwise typed address; T has to be named.
template <detail::loadable T,
          engine::offering<engine::verb::load, engine::verb::copy> E = engine::standard>
result<detail::bare_t<T>> try_load(const volatile void* p, E e = E{}) noexcept {
  return detail::load_value<detail::bare_t<T>>(p, e);
}

/// Stores v to p, all of it or nothing. Sizes of one instruction as above: x86-64 stores nothing at
/// all where such a store crosses into a bad page. Where the machine does not promise that (aarch64,
/// across 16 bytes), and for other sizes, what is to be written is probed first, then copied: only
/// where another thread takes the memory away in between is a part of it stored, and then the
/// verdict is false. `stopped_by.address` is the first byte that could not be stored. Async-signal-safe after
/// install(). With an engine from install() a store of one instruction costs two more than a plain one; any
/// other a write probe a page (16 bytes with memory tags) and a copy.
///
/// @snippet try_value.cpp try_store
template <detail::storable T,
          engine::offering<engine::verb::store, engine::verb::copy, engine::verb::probe> E =
              engine::standard>
verdict try_store(T* p, detail::identity_t<detail::bare_t<T>> v, E e = E{}) noexcept {
  using value = detail::bare_t<T>;
  if (!e.ready()) [[unlikely]]
    return {detail::not_ready(p, access_kind::write)};
  if constexpr (detail::one_instruction<value>) {
    return e.store(p, __builtin_bit_cast(typename detail::word_of<sizeof(value)>::type, v));
  } else {
    if (detail::wraps(p, sizeof(value))) return {detail::wrapped(p, access_kind::write)};
    return engine::detail::probed_store(e, p, __builtin_addressof(v), sizeof(value));
  }
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
