/// @file
/// try_length, try_find, try_compare, try_copy_string: strnlen, memchr, memcmp and a bounded string
/// copy, over memory that may fault. They stop at the first fault or at their answer, whichever
/// comes first: an answer that lies before a bad byte is an answer.
///
/// What lies behind the answer is touched only within the range, up to 127 bytes further on, and never in another
/// page (of the left side of a comparison). Engines that do not search by themselves copy pieces of up to 256
/// bytes, which do not cross a 256-byte boundary.
#pragma once

#include <string.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// What try_copy_string() says.
///
/// @snippet try_string.cpp string_copy
struct [[nodiscard]] SUREFOOT_PUBLIC string_copy {
  progress copied{};        ///< all() where the terminator was copied, or n bytes without one
  bool terminated = false;  ///< the last byte written is the terminator

  friend constexpr bool operator==(const string_copy&, const string_copy&) = default;
};

namespace detail {

inline constexpr std::size_t piece_size = 256;

struct piece {
  unsigned char bytes[piece_size];
};

// Loads the piece of [p, p + n) that begins at p.
template <class E>
progress load_piece(piece& to, const volatile void* p, std::size_t n, const E& e) noexcept {
  return e.copy(to.bytes, p, smaller(to_next(address(p), piece_size), n));
}

// As engines that search do it (engine/concept.hpp), for those that do not.
template <class E>
std::size_t find_in_pieces(const volatile void* p, unsigned char byte, std::size_t n, fault& why,
                           const E& e) noexcept {
  piece here;
  for (std::size_t at = 0; at < n;) {
    const progress loaded = load_piece(here, forward(p, at), n - at, e);
    if (const void* const found = ::memchr(here.bytes, byte, loaded.done))
      return at + static_cast<std::size_t>(static_cast<const unsigned char*>(found) - here.bytes);
    if (!loaded.all()) {
      why = loaded.stopped_by;
      return engine::met_fault;
    }
    at += loaded.done;
  }
  return n;
}
template <class E>
[[gnu::always_inline]] inline std::size_t find_byte(const volatile void* p, unsigned char byte,
                                                    std::size_t n, fault& why,
                                                    const E& e) noexcept {
  if constexpr (engine::searching<E>)
    return e.find(p, byte, n, why);
  else
    return find_in_pieces(p, byte, n, why, e);
}

template <class E>
[[gnu::noinline]] result<int> compare_in_pieces(const volatile void* a, const volatile void* b,
                                                std::size_t n, const E& e) noexcept {
  piece left, right;
  for (std::size_t at = 0; at < n;) {
    const progress one = load_piece(left, forward(a, at), n - at, e);
    const progress two = e.copy(right.bytes, forward(b, at), larger(one.done, std::size_t{1}));
    const std::size_t both = smaller(one.done, two.done);
    if (const int order = both == 0 ? 0 : ::memcmp(left.bytes, right.bytes, both)) return order;
    if (both == one.done && !one.all()) return result<int>::stopped(one.stopped_by);
    if (!two.all()) return result<int>::stopped(two.stopped_by);
    at += both;
  }
  return 0;
}

template <class E>
[[gnu::always_inline]] inline result<int> compare_bytes(const volatile void* a,
                                                        const volatile void* b, std::size_t n,
                                                        const E& e) noexcept {
  if constexpr (engine::searching<E>)
    return e.compare(a, b, n);
  else
    return compare_in_pieces(a, b, n, e);
}
// The rare ones, as copy_oddly().
template <class E>
[[gnu::cold, gnu::noinline]] result<int> compare_oddly(const volatile void* a,
                                                       const volatile void* b, std::size_t n,
                                                       const E& e) noexcept {
  if (n == 0) return 0;
  if (wraps(a, n)) return result<int>::stopped(wrapped(a, access_kind::read));
  if (wraps(b, n)) return result<int>::stopped(wrapped(b, access_kind::read));
  if (!e.ready()) return result<int>::stopped(not_ready(a, access_kind::read));
  if (n == engine::met_fault) return compare_in_pieces(a, b, n, e);
  return compare_bytes(a, b, n, e);
}

// A string's bound may be larger than the address space behind it: then it ends there.
inline std::size_t bounded(const volatile void* p, std::size_t n) noexcept {
  return wraps(p, n) ? static_cast<std::size_t>(0 - address(p)) : n;
}

}  // namespace detail

/// The bytes before the first null byte of the string at p, or `limit` where the first `limit` bytes
/// have none (strnlen). A limit that reaches past the end of the address space ends there.
/// A limit of 0: 0, nothing touched. Async-signal-safe after install(). Costs what strnlen does where the engine
/// searches (engine::table on x86-64; bench/strings.cpp), else a copy of what is looked at.
///
/// @snippet try_string.cpp try_length
template <engine::offering<engine::verb::copy> E = engine::standard>
result<std::size_t> try_length(const volatile char* p, std::size_t limit, E e = E{}) noexcept {
  if (detail::may_be_odd(p, limit) || !e.ready()) [[unlikely]] {
    if (limit == 0) return std::size_t{0};
    if (!e.ready()) return result<std::size_t>::stopped(detail::not_ready(p, access_kind::read));
    limit = detail::bounded(p, limit);
  }
  fault met;
  const std::size_t at = detail::find_byte(p, 0, limit, met, e);
  if (at == engine::met_fault) [[unlikely]]
    return result<std::size_t>::stopped(met);
  return at;
}

/// The address of the first byte of that value in [p, p + n), null where there is none (memchr).
/// A range that wraps: bad_address. n == 0: null, nothing touched. Async-signal-safe after install(). Costs what
/// memchr does, or a copy, as try_length().
///
/// @snippet try_string.cpp try_find
template <engine::offering<engine::verb::copy> E = engine::standard>
result<const void*> try_find(const volatile void* p, unsigned char byte, std::size_t n,
                             E e = E{}) noexcept {
  using answer = result<const void*>;
  if (detail::may_be_odd(p, n) || !e.ready()) [[unlikely]] {
    if (n == 0) return answer(nullptr);
    if (detail::wraps(p, n)) return answer::stopped(detail::wrapped(p, access_kind::read));
    if (!e.ready()) return answer::stopped(detail::not_ready(p, access_kind::read));
  }
  fault met;
  const std::size_t at = detail::find_byte(p, byte, n, met, e);
  if (at >= n) [[unlikely]] {
    if (at == engine::met_fault) return answer::stopped(met);
    return answer(nullptr);
  }
  return answer(const_cast<const unsigned char*>(detail::forward(p, at)));
}

/// Negative, zero or positive, as memcmp. Stops at the first byte that differs or cannot be read on
/// either side; where both sides end at the same byte, a is asked first. A range that wraps:
/// bad_address. n == 0: 0, nothing touched. Async-signal-safe after install(). Costs what memcmp does, or copies of
/// both sides, as try_length().
///
/// @snippet try_string.cpp try_compare
template <engine::offering<engine::verb::copy> E = engine::standard>
result<int> try_compare(const volatile void* a, const volatile void* b, std::size_t n,
                        E e = E{}) noexcept {
  if (detail::may_be_odd(a, n) || detail::may_be_odd(b, n) || !e.ready()) [[unlikely]]
    return detail::compare_oddly(a, b, n, e);
  return detail::compare_bytes(a, b, n, e);
}

/// Copies the string at src up to and with its terminator, at most n bytes. Exactly copied.done
/// bytes are written, and no byte behind a terminator that was copied, also where another thread
/// changes the source. Either side may fault. n == 0: nothing touched, not terminated.
/// Async-signal-safe after install(). Costs two copies in pieces of up to 256 bytes, and a signal where it faults.
///
/// @snippet try_string.cpp try_copy_string
template <engine::offering<engine::verb::copy> E = engine::standard>
string_copy try_copy_string(volatile char* dst, const volatile char* src, std::size_t n,
                            E e = E{}) noexcept {
  if (n == 0) return {};
  if (detail::wraps(dst, n))
    return {detail::nothing_done(n, detail::wrapped(dst, access_kind::write))};
  if (!e.ready()) [[unlikely]]
    return {detail::nothing_done(n, detail::not_ready(src, access_kind::read))};
  const std::size_t end = detail::bounded(src, n);
  detail::piece here;
  for (std::size_t at = 0; at < end;) {
    const progress loaded = detail::load_piece(here, detail::forward(src, at), end - at, e);
    const void* const null = ::memchr(here.bytes, 0, loaded.done);
    const std::size_t use =
        null == nullptr
            ? loaded.done
            : static_cast<std::size_t>(static_cast<const unsigned char*>(null) - here.bytes) + 1;
    const progress stored =
        use == 0 ? progress{} : e.copy(detail::forward(dst, at), here.bytes, use);
    at += stored.done;
    if (!stored.all()) return {{at, n - at, stored.stopped_by}};
    if (null != nullptr) return {{at, 0}, true};
    if (!loaded.all()) return {{at, n - at, loaded.stopped_by}};
  }
  return {{n, 0}};
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
