/// @file
/// The slow, obvious oracle: asks the kernel for one byte at a time. It shares no code with the engines:
/// no handler, no table, no process_vm_readv.
///
/// A load is a write() of that byte into a pipe, a store is a read() out of it, a write probe is
/// FUTEX_WAKE_OP with OR 0 (which changes nothing). All three go through the kernel's own user access,
/// so they agree with the processor where process_vm_readv does not (memfd_secret, memory tags). Where
/// they do not agree with it: memory that only a load of the processor may meet is not theirs to judge.
/// Of poison a system call may die, and a protection key counts for it too; a minefield's own answers
/// decide there.
///
/// What it costs: two system calls a byte, about a microsecond; three for a write probe.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <surefoot/testing/tile/ground.hpp>
#include <surefoot/testing/tile/tile.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// Not for two threads at once.
///
/// @snippet reference.cpp reference
class reference {
 public:
  /// Throws std::system_error where there is no pipe to be had.
  reference() {
    int ends[2];
    detail::require(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2");
    out_ = detail::descriptor(ends[0]);
    in_ = detail::descriptor(ends[1]);
  }

  /// The byte there, if it can be read.
  std::optional<std::uint8_t> load(const volatile void* p) const {
    if (!answered(::write(in_.number(), const_cast<const void*>(p), 1), "write to a pipe"))
      return {};
    std::uint8_t byte = 0;
    detail::require(::read(out_.number(), &byte, 1) == 1, "read of a pipe");
    return byte;
  }

  /// Stores it, if it can be stored.
  bool store(volatile void* p, std::uint8_t byte) const {
    detail::require(::write(in_.number(), &byte, 1) == 1, "write to a pipe");
    if (answered(::read(out_.number(), const_cast<void*>(p), 1), "read of a pipe")) return true;
    detail::require(::read(out_.number(), &byte, 1) == 1,
                    "read of a pipe");  // it is still in there
    return false;
  }

  /// Could it be stored to? Changes nothing. FUTEX_WAKE_OP does not look at memory tags (measured on
  /// Linux 6.12, arm64): those are found by a load, and what cannot be loaded cannot be stored to.
  bool writable(const volatile void* p) const {
    constexpr int wake_op_private = 5 | 128;
    // Compares with -2048: where the word compares equal, one waiter would be woken.
    constexpr int or_0 = 2 << 28 | 0x800;
    const auto word = reinterpret_cast<std::uintptr_t>(p) & ~std::uintptr_t{3};
    std::uint32_t nobody = 0;
    return load(p).has_value() &&
           answered(::syscall(SYS_futex, &nobody, wake_op_private, 0, nullptr, word, or_0),
                    "FUTEX_WAKE_OP");
  }

  /// Can this byte be accessed so?
  bool accessible(const volatile void* p, access_kind during) const {
    return during == access_kind::write ? writable(p) : load(p).has_value();
  }

  /// How many bytes from p on can be accessed, at most n.
  std::size_t accessible(const volatile void* p, std::size_t n, access_kind during) const {
    for (std::size_t i = 0; i < n; ++i)
      if (!accessible(static_cast<const volatile unsigned char*>(p) + i, during)) return i;
    return n;
  }

  /// Copies in order until a byte cannot be loaded or stored; how many were.
  std::size_t copy(volatile void* dst, const volatile void* src, std::size_t n) const {
    for (std::size_t i = 0; i < n; ++i) {
      const auto byte = load(static_cast<const volatile unsigned char*>(src) + i);
      if (!byte || !store(static_cast<volatile unsigned char*>(dst) + i, *byte)) return i;
    }
    return n;
  }

 private:
  // The memory refused, or it did not; anything else is no answer.
  static bool answered(long outcome, const char* what) {
    if (outcome < 0 && errno != EFAULT) detail::refuse(what);
    return outcome >= 0;
  }

  detail::descriptor out_, in_;
};

/// One for all of a process; a child of fork() has its own, not its parent's pipe. Not for two threads at once.
///
/// @snippet reference.cpp reference
[[gnu::noinline]] inline const reference& reference_of_this_process() {
  static detail::process_mark& process = *new detail::process_mark;
  static const reference* ours = nullptr;
  if (process.is_new()) ours = new reference;
  return *ours;
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
