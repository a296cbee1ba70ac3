/// @file
/// What counts as a range of memory, and the arithmetic of pages and granules, in one place.
///
/// A range is `(pointer, bytes)` or anything with `data()` and `size()`, or an array. A range whose
/// elements are `iovec` always stands for the buffers it lists, never for its own bytes: to touch
/// the array itself pass pointer and bytes. Counts are bytes, also for ranges of wider elements.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace detail {

// The few traits that are needed, without <type_traits> and <concepts> (27 ms to include).
template <class T>
struct identity {
  using type = T;
};
template <class T>
using identity_t = typename identity<T>::type;

template <class T>
struct bare : identity<T> {};
template <class T>
struct bare<T&> : bare<T> {};
template <class T>
struct bare<T&&> : bare<T> {};
template <class T>
struct bare<const T> : bare<T> {};
template <class T>
struct bare<volatile T> : bare<T> {};
template <class T>
struct bare<const volatile T> : bare<T> {};
template <class T>
using bare_t = typename bare<T>::type;  // without reference, const and volatile

template <class A, class B>
inline constexpr bool same = false;
template <class A>
inline constexpr bool same<A, A> = true;

template <class T>
inline constexpr bool is_const = false;
template <class T>
inline constexpr bool is_const<const T> = true;
template <class T>
inline constexpr bool is_reference = false;
template <class T>
inline constexpr bool is_reference<T&> = true;
template <class T>
inline constexpr bool is_reference<T&&> = true;

template <class T>
struct unbounded : identity<T> {};
template <class T, std::size_t N>
struct unbounded<T[N]> : unbounded<T> {};  // the innermost element of an array of arrays

template <class T>
T& lvalue() noexcept;  // for unevaluated operands only

template <class T>
struct pointee {};
template <class T>
struct pointee<T*> : identity<T> {};

// Where a range begins: data(), or a begin() that is a pointer (std::initializer_list), or an
// array.
template <class T, std::size_t N>
constexpr T* data(T (&a)[N]) noexcept {
  return a;
}
template <class R>
constexpr auto data(R& r) noexcept -> decltype(r.data()) {
  return r.data();
}
template <class R>
concept has_data = requires(R& r) {
  r.data();
};
template <class R>
concept begins_at_a_pointer = !has_data<R> && requires(R & r) {
  *r.begin();
  static_cast<const volatile void*>(r.begin());
};
template <begins_at_a_pointer R>
constexpr auto data(R& r) noexcept {
  return r.begin();
}
template <class T, std::size_t N>
constexpr std::size_t size(T (&)[N]) noexcept {
  return N;
}
template <class R>
constexpr auto size(R& r) noexcept -> decltype(static_cast<std::size_t>(r.size())) {
  const auto n = r.size();
  return n < decltype(n){} ? SIZE_MAX : static_cast<std::size_t>(n);
}

// The element type of a range, const and volatile included.
template <class R>
using element = typename pointee<bare_t<decltype(detail::data(detail::lvalue<R>()))>>::type;

template <class T>
inline constexpr std::size_t element_size = sizeof(T);
template <>
inline constexpr std::size_t element_size<void> = 1;
template <>
inline constexpr std::size_t element_size<const void> = 1;

// A range's length. Nothing has more bytes than SIZE_MAX, which wraps wherever it begins.
template <class R>
constexpr std::size_t bytes_of(R& r) noexcept {
  std::size_t n = 0;
  return __builtin_mul_overflow(detail::size(r), element_size<element<R>>, &n) ? SIZE_MAX : n;
}

// Room for a T that need not have a default constructor.
template <class T>
union room {
  char bytes[sizeof(T)];
  T value;
  room() noexcept {}
};

template <class R>
concept contiguous = requires(R& r) {
  element_size<element<R>>;
  detail::size(r);
};
template <class R>
inline constexpr bool lists_buffers = same<bare_t<typename unbounded<element<R>>::type>, iovec>;

}  // namespace detail

/// A contiguous range of objects, to be touched as bytes. Its elements need not be there: only their address
/// and size are asked.
///
/// @snippet range.cpp byte_range
template <class R>
concept byte_range = detail::contiguous<R> && !detail::lists_buffers<R>;

/// The same with elements that are not const: what the write forms take.
///
/// @snippet range.cpp writeable_byte_range
template <class R>
concept writeable_byte_range = byte_range<R> && !detail::is_const<detail::element<R>>;

/// A vector of buffers: they are meant, not the array that lists them.
///
/// @snippet range.cpp buffer_range
template <class R>
concept buffer_range = detail::contiguous<R> &&
    (detail::same<detail::element<R>, iovec> || detail::same<detail::element<R>, const iovec>);

namespace detail {

inline std::uintptr_t address(const volatile void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p);
}

// Addresses are computed as numbers: pointer arithmetic on what may be no object at all is
// undefined.
inline const volatile unsigned char* forward(const volatile void* p, std::size_t n) noexcept {
  return reinterpret_cast<const volatile unsigned char*>(address(p) + n);
}
inline volatile unsigned char* forward(volatile void* p, std::size_t n) noexcept {
  return reinterpret_cast<volatile unsigned char*>(address(p) + n);
}

// Does [p, p + n) leave the address space? Its last byte may be the last there is.
constexpr bool wraps(std::uintptr_t p, std::size_t n) noexcept { return n > 0 && p + (n - 1) < p; }
inline bool wraps(const volatile void* p, std::size_t n) noexcept { return wraps(address(p), n); }

// Might [p, p + n) be empty, or leave the address space? In one test: false says that it does neither; true is
// said of addresses in the upper half, too: the kernel's, and tagged ones with that bit (aarch64).
constexpr bool may_be_odd(std::uintptr_t p, std::size_t n) noexcept {
  return ((p | (n - 1)) >> (8 * sizeof p - 1)) != 0;
}
inline bool may_be_odd(const volatile void* p, std::size_t n) noexcept {
  return may_be_odd(address(p), n);
}

// Do [a, a + m) and [b, b + n) share a byte? Neither wraps.
constexpr bool meet(std::uintptr_t a, std::size_t m, std::uintptr_t b, std::size_t n) noexcept {
  return m > 0 && n > 0 && (a <= b ? b - a < m : a - b < n);
}

// Bytes from p to the next multiple of `unit` (a power of two) above it: 1 to unit.
constexpr std::size_t to_next(std::uintptr_t p, std::size_t unit) noexcept {
  return unit - (p & (unit - 1));
}

template <class T>
constexpr T smaller(T a, T b) noexcept {
  return b < a ? b : a;
}
template <class T>
constexpr T larger(T a, T b) noexcept {
  return a < b ? b : a;
}

// Bytes of all the buffers together; at most SIZE_MAX, also where the sum is more.
constexpr std::size_t total(const iovec* v, std::size_t count) noexcept {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum = v[i].iov_len > SIZE_MAX - sum ? SIZE_MAX : sum + v[i].iov_len;
  return sum;
}

}  // namespace detail

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
