/// @file
/// What a primitive answers: plain structs, all of them literal types, all counts in bytes.
///
/// No primitive returns `bool` or `int`. Inverted tests of exactly such results shipped in two
/// kernels (the ppc `kvm_use_magic_page` and gfs2 cases in the review of "iov_iter: Introduce
/// fault_in_iov_iter_writeable", August 2021).
#pragma once

#include <errno.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// What an access wants. Not called `access`: POSIX has a function of that name.
///
/// @snippet fault.cpp access_kind
enum class SUREFOOT_PUBLIC access_kind : unsigned char { read, write };

/// Why an access was refused.
///
/// @snippet fault.cpp cause
enum class SUREFOOT_PUBLIC cause : unsigned char {
  none,          ///< it was not refused
  unmapped,      ///< SIGSEGV SEGV_MAPERR: nothing there; guard pages too
  denied,        ///< SIGSEGV SEGV_ACCERR: mapped, without this permission
  key_denied,    ///< SIGSEGV SEGV_PKUERR: a protection key forbids it
  tag_mismatch,  ///< SIGSEGV SEGV_MTESERR, SEGV_MTEAERR, SEGV_ADI*
  no_backing,    ///< SIGBUS BUS_ADRERR: past end of file, I/O error, no space, userfaultfd
  poisoned,      ///< SIGBUS BUS_MCEERR_AR: hardware memory error, extent known
  misaligned,    ///< SIGBUS BUS_ADRALN, and atomics refused before any access
  bad_address,  ///< no address of this process: non-canonical, in the kernel half, or the range wraps
  stalled,      ///< a retry loop gave up: "fine" round after round, without progress
  overrun,      ///< a loop's step claimed more than it was offered: those bytes are not counted
  stopped,      ///< a loop's step asked for the end with `stop()`: nothing failed
  unknown       ///< an engine that cannot tell, or that could not be made ready
};

/// Why, and exactly where.
///
/// @snippet fault.cpp fault
struct SUREFOOT_PUBLIC fault {
  const volatile void* address = nullptr;  ///< first byte that could not be accessed
  cause kind = cause::none;                ///< why; none: there was no fault
  access_kind during = access_kind::read;  ///< in a copy read: the source, write: the destination
  int signal = 0;                          ///< the signal; 0 where none was involved
  int code = 0;                            ///< its si_code; 0 where no signal was involved
  std::size_t extent = 0;  ///< poisoned: bytes lost, from si_addr_lsb, aligned to that; else 0

  friend constexpr bool operator==(const fault&, const fault&) = default;
};

/// How far an operation came. Ternary on purpose (all, some, nothing): it does not convert to bool.
///
/// @snippet fault.cpp progress
struct [[nodiscard]] SUREFOOT_PUBLIC progress {
  std::size_t done = 0;  ///< bytes; done + left is the length that was asked for
  std::size_t left = 0;  ///< bytes that were not done
  fault stopped_by{};    ///< kind is none exactly where left is 0

  /// All of it was done, which may be nothing.
  constexpr bool all() const noexcept { return left == 0; }
  /// Some of it was done, or there was nothing to do.
  constexpr bool any() const noexcept { return done > 0 || left == 0; }

  friend constexpr bool operator==(const progress&, const progress&) = default;
};

/// All or nothing.
///
/// @snippet fault.cpp verdict
struct [[nodiscard]] SUREFOOT_PUBLIC verdict {
  fault stopped_by{};  ///< kind is none where it is all

  /// The answer.
  constexpr explicit operator bool() const noexcept { return stopped_by.kind == cause::none; }

  friend constexpr bool operator==(const verdict&, const verdict&) = default;
};

/// A value, or the fault that was met instead of it. No conversion to bool: a `result<bool>` would
/// read as its value.
///
/// @snippet fault.cpp result
template <class T>
struct [[nodiscard]] SUREFOOT_PUBLIC result {
  static_assert(__is_trivially_copyable(T),
                "a result is left by jumps: T must be trivially copyable");

  fault stopped_by{};  ///< kind is none where it is ok()

  /// A value.
  constexpr result(const T& v) noexcept : value_(v) {}
  /// The fault that was met. Precondition: its kind is not none.
  static constexpr result stopped(const fault& f) noexcept { return result(f, 0); }

  /// There is a value.
  constexpr bool ok() const noexcept { return stopped_by.kind == cause::none; }

  /// Precondition: ok(). Stops the process (in every build) where it does not hold.
  constexpr const T& value() const noexcept {
    if (!ok()) __builtin_trap();
    return value_;
  }

  /// The value, or this one where there is none.
  constexpr T value_or(const T& otherwise) const noexcept { return ok() ? value_ : otherwise; }

  /// Equal faults, or equal values.
  friend constexpr bool operator==(const result& a, const result& b) noexcept {
    return a.stopped_by == b.stopped_by && (!a.ok() || a.value_ == b.value_);
  }

 private:
  // A word gets a value even so: then it may live in a register, whatever the result turns out to be.
  static constexpr bool is_word = __is_trivially_constructible(T) && sizeof(T) <= sizeof(void*);
  constexpr result(const fault& f, int) noexcept requires is_word : stopped_by(f), value_() {}
  constexpr result(const fault& f, int) noexcept : stopped_by(f), no_value_() {}

  union {
    char no_value_;
    T value_;
  };
};

/// For operations that have no value: ok(), and the fault where it is not.
///
/// @snippet fault.cpp result_void
template <>
struct [[nodiscard]] SUREFOOT_PUBLIC result<void> {
  fault stopped_by{};  ///< kind is none where it is ok()

  /// It was done.
  constexpr bool ok() const noexcept { return stopped_by.kind == cause::none; }

  friend constexpr bool operator==(const result&, const result&) = default;
};

/// The name of a cause as it is spelled above; "?" for a number that is none. Async-signal-safe; costs a
/// jump.
///
/// @snippet fault.cpp name
constexpr const char* name(cause c) noexcept {
  switch (c) {
    case cause::none: return "none";
    case cause::unmapped: return "unmapped";
    case cause::denied: return "denied";
    case cause::key_denied: return "key_denied";
    case cause::tag_mismatch: return "tag_mismatch";
    case cause::no_backing: return "no_backing";
    case cause::poisoned: return "poisoned";
    case cause::misaligned: return "misaligned";
    case cause::bad_address: return "bad_address";
    case cause::stalled: return "stalled";
    case cause::overrun: return "overrun";
    case cause::stopped: return "stopped";
    case cause::unknown: return "unknown";
  }
  return "?";
}

/// The error number a system call would have given for this fault; 0 for none. Async-signal-safe;
/// costs a jump.
///
/// @snippet fault.cpp to_errno
constexpr int to_errno(const fault& f) noexcept {
  switch (f.kind) {
    case cause::none: return 0;
    case cause::unmapped:
    case cause::denied:
    case cause::key_denied:
    case cause::tag_mismatch:
    case cause::bad_address:
    case cause::unknown: return EFAULT;
    case cause::no_backing: return EIO;
    case cause::poisoned: return EHWPOISON;
    case cause::misaligned: return EINVAL;
    case cause::stalled: return ELOOP;
    case cause::overrun: return EOVERFLOW;
    case cause::stopped: return ECANCELED;
  }
  return EFAULT;
}

namespace detail {

// The answers that need no access at all.
constexpr progress nothing_done(std::size_t n, const fault& why) noexcept { return {0, n, why}; }
constexpr fault wrapped(const volatile void* p, access_kind during) noexcept {
  return {.address = p, .kind = cause::bad_address, .during = during};
}
constexpr fault not_ready(const volatile void* p, access_kind during) noexcept {
  return {.address = p, .kind = cause::unknown, .during = during};
}

// What is lost with a bad byte is aligned to its own size: a page, or the extent of poison where that
// is more.
constexpr std::size_t lost_unit(const fault& bad, std::size_t page) noexcept {
  const bool is_larger = bad.extent > page && (bad.extent & (bad.extent - 1)) == 0;
  return is_larger ? bad.extent : page;
}

// Appends text to a buffer of fixed size, counting also what no longer fits.
class line {
 public:
  constexpr line(char* to, std::size_t size) noexcept : to_(to), size_(size) {}

  constexpr void text(const char* s) noexcept {
    for (; *s != '\0'; ++s) put(*s);
  }
  constexpr void number(std::uint64_t v, unsigned base) noexcept {
    char digits[20] = {};
    std::size_t n = 0;
    do digits[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) != 0);
    while (n > 0) put(digits[--n]);
  }
  constexpr void integer(int v) noexcept {
    if (v < 0) put('-');
    const auto wide = static_cast<std::int64_t>(v);
    number(static_cast<std::uint64_t>(wide < 0 ? -wide : wide), 10);
  }
  constexpr std::size_t end() noexcept {
    if (size_ > 0) to_[length_ < size_ ? length_ : size_ - 1] = '\0';
    return length_;
  }

 private:
  constexpr void put(char c) noexcept {
    if (length_ < size_) to_[length_] = c;
    ++length_;
  }

  char* to_;
  std::size_t size_;
  std::size_t length_ = 0;
};

}  // namespace detail

/// Writes one line about `f` into the `n` bytes at `to`, for example
///
///     no_backing: read at 0x7f1c2a003000 (signal 7, code 2)
///
/// and ends it with a null byte where n > 0. Returns the length of the whole line without that byte,
/// which may be n or more: then the line was cut. `to` must be writable: a fault there is the
/// caller's. Async-signal-safe, allocates nothing; costs a pass over the line.
///
/// @snippet fault.cpp format
inline std::size_t format(const fault& f, char* to, std::size_t n) noexcept {
  detail::line out(to, n);
  out.text(name(f.kind));
  if (f.kind != cause::none) {
    out.text(f.during == access_kind::read ? ": read at 0x" : ": write at 0x");
    out.number(reinterpret_cast<std::uintptr_t>(f.address), 16);
  }
  if (f.signal != 0) {
    out.text(" (signal ");
    out.integer(f.signal);
    out.text(", code ");
    out.integer(f.code);
    out.text(")");
  }
  if (f.extent != 0) {
    out.text(", ");
    out.number(f.extent, 10);
    out.text(" bytes lost");
  }
  return out.end();
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
