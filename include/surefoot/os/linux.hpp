// Every system call that the library makes, by what it is for. All are async-signal-safe and leave
// `errno` as they found it.
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace os {

// Keeps errno over a scope.
class errno_kept {
 public:
  errno_kept() noexcept : was_(errno) {}
  ~errno_kept() { errno = was_; }
  errno_kept(const errno_kept&) = delete;
  errno_kept& operator=(const errno_kept&) = delete;

 private:
  int was_;
};

// A signal mask as the kernel has it: 64 signals. libc's sigset_t is larger, but a signal frame
// holds only these 8 bytes of it.
using signal_mask = std::uint64_t;

constexpr signal_mask only(int signal) noexcept { return signal_mask{1} << (signal - 1); }

inline signal_mask mask_of(const sigset_t& set) noexcept {
  signal_mask m = 0;
  __builtin_memcpy(&m, &set, sizeof m);
  return m;
}

inline signal_mask change_mask(int how, signal_mask change) noexcept {
  const errno_kept kept;
  signal_mask before = 0;
  ::syscall(SYS_rt_sigprocmask, how, &change, &before, sizeof change);
  return before;
}
inline signal_mask block(signal_mask which) noexcept { return change_mask(SIG_BLOCK, which); }
inline signal_mask unblock(signal_mask which) noexcept { return change_mask(SIG_UNBLOCK, which); }
inline signal_mask set_mask(signal_mask to) noexcept { return change_mask(SIG_SETMASK, to); }

// Dispositions go through libc's sigaction(), which sanitizers intercept, so that their view stays
// true.
inline bool query(int signal, struct sigaction& now) noexcept {
  const errno_kept kept;
  return ::sigaction(signal, nullptr, &now) == 0;
}
inline bool exchange(int signal, const struct sigaction& to, struct sigaction& before) noexcept {
  const errno_kept kept;
  return ::sigaction(signal, &to, &before) == 0;
}

// Queues `info`, as it is, to the calling thread itself. The kernel allows any si_code for that.
inline bool queue_to_self(int signal, const siginfo_t& info) noexcept {
  const errno_kept kept;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::syscall(SYS_getpid), ::syscall(SYS_gettid), signal,
                   &info) == 0;
}
inline void raise(int signal) noexcept {
  const errno_kept kept;
  ::syscall(SYS_tgkill, ::syscall(SYS_getpid), ::syscall(SYS_gettid), signal);
}

// Takes one pending, blocked `signal` that this process sent to the thread (raise(), abort()).
// False where there is none; any other stays pending.
inline bool take_raised(int signal) noexcept {
  const errno_kept kept;
  const signal_mask which = only(signal);
  const struct timespec at_once {};
  siginfo_t info;
  if (::syscall(SYS_rt_sigtimedwait, &which, &info, &at_once, sizeof which) != signal) return false;
  if (info.si_code == SI_TKILL && info.si_pid == ::syscall(SYS_getpid)) return true;
  (void)queue_to_self(signal, info);
  return false;
}

// Arms the alternate signal stack again that an SS_AUTODISARM delivery took away.
inline void arm_alternate_stack(const stack_t& to) noexcept {
  const errno_kept kept;
  ::sigaltstack(&to, nullptr);
}

// siglongjmp() under its plain name. With _FORTIFY_SOURCE the header's name means __longjmp_chk,
// which takes a jump down from an SS_AUTODISARM alternate stack (not "on" it any more, says the
// kernel) for a corrupted buffer, and aborts.
extern "C" [[noreturn, gnu::visibility("default")]] void surefoot_plain_siglongjmp(sigjmp_buf,
                                                                                   int) noexcept
    __asm__("siglongjmp");

}  // namespace os
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
