// The owners that we displaced, and how a signal that is not ours reaches them as if we did not
// exist.
//
// Owners come back: Catch2 2.x takes SIGSEGV around every test case, libFuzzer after its
// initialisation, and both chain to us; an explicit install() takes the signal back and displaces
// them again. So every displaced owner is kept, newest first, and a delivery that comes round to us
// again goes one owner further down, at last to SIG_DFL.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/os/linux.hpp>
#include <surefoot/signal/classify.hpp>
#include <surefoot/signal/image.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace signals {

inline std::uintptr_t handler_of(const struct sigaction& a) noexcept {
  // sa_handler and sa_sigaction share their storage.
  return reinterpret_cast<std::uintptr_t>(a.sa_sigaction);
}

// One displaced disposition. Written once, then only read; `spent` is what SA_RESETHAND leaves
// behind.
struct owner {
  unsigned char state;  // 0 free, 1 being written, 2 readable
  unsigned char spent;
  image_record* image;  // whose handler it is, where that is another image of ours; null: foreign
  struct sigaction action;

  bool is(const struct sigaction& other) const noexcept {
    return __atomic_load_n(&state, __ATOMIC_ACQUIRE) == 2 &&
           __atomic_load_n(&spent, __ATOMIC_RELAXED) == 0 &&
           handler_of(action) == handler_of(other) && action.sa_flags == other.sa_flags &&
           os::mask_of(action.sa_mask) == os::mask_of(other.sa_mask);
  }
};

// The owners of one signal. Their order is one word, newest first, four bits each, ended by 15: it
// changes in one step, so that a handler never sees half of a change. Lock-free and
// async-signal-safe.
struct owners {
  static constexpr unsigned none = 15;
  static constexpr std::uint64_t empty = ~std::uint64_t{0};

  owner known[none];
  std::uint64_t order;

  std::uint64_t newest_first() const noexcept { return __atomic_load_n(&order, __ATOMIC_ACQUIRE); }

  static constexpr std::uint64_t with_first(std::uint64_t order, unsigned which) noexcept {
    std::uint64_t others = empty;
    int at = 0;
    for (; (order & 15) != none; order = order >> 4 | std::uint64_t{none} << 60)
      if ((order & 15) != which) {
        others = (others & ~(std::uint64_t{15} << at)) | (order & 15) << at;
        at += 4;
      }
    return others << 4 | which;
  }

  // Makes `action` the newest owner. False where 15 different owners are known already.
  bool remember(const struct sigaction& action) noexcept {
    const unsigned which = index_of(action);
    if (which == none) return false;
    std::uint64_t now = newest_first();
    while (!__atomic_compare_exchange_n(&order, &now, with_first(now, which), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
    return true;
  }

  void forget_all() noexcept { __atomic_store_n(&order, empty, __ATOMIC_RELEASE); }

 private:
  unsigned index_of(const struct sigaction& action) noexcept {
    for (unsigned i = 0; i < none; ++i)
      if (known[i].is(action)) return i;
    for (unsigned i = 0; i < none; ++i) {
      unsigned char free = 0;
      if (!__atomic_compare_exchange_n(&known[i].state, &free, 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED))
        continue;
      known[i].action = action;
      __atomic_store_n(&known[i].state, 2, __ATOMIC_RELEASE);
      return i;
    }
    return none;
  }
};

inline constinit owners owners_of_segv{{}, owners::empty};
inline constinit owners owners_of_bus{{}, owners::empty};
inline owners& owners_of(int signal) noexcept {
  return signal == SIGBUS ? owners_of_bus : owners_of_segv;
}

// What the kernel would do to a signal without a handler. The signal is queued to the thread itself
// and stays blocked until the kernel's return from the handler restores the mask: then it is
// delivered at the interrupted instruction with its original siginfo, whatever happened to the
// memory meanwhile.
inline void default_action(int signal, const siginfo_t& info) noexcept {
  os::block(os::only(signal));
  // Without a queue (a seccomp filter), a real fault comes again by itself; what was sent must be
  // sent again.
  if (!os::queue_to_self(signal, info) && !reports_access(signal, info)) os::raise(signal);
  struct sigaction dfl {};
  dfl.sa_handler = SIG_DFL;
  struct sigaction ignored {};
  (void)os::exchange(signal, dfl, ignored);
}

// A delivery that is being forwarded on this thread. Owners get a copy of the siginfo, never the
// one that came: a delivery of the same context with another siginfo has been through here, one
// with the same siginfo is new. The context's address alone would not tell, since an owner may
// leave by longjmp and the next signal then find its frame at the same place.
struct forwarding {
  const void* ucontext;
  const siginfo_t* info;
  std::uint64_t owners_left;
};
[[gnu::tls_model("initial-exec")]] inline constinit thread_local forwarding in_progress{};

// Hands the signal to one owner. False where that owner is another image of ours, which had nobody
// to ask.
inline bool deliver(owner& to, int signal, const siginfo_t& info, void* ucontext) noexcept {
  const struct sigaction& a = to.action;
  const std::uintptr_t handler = handler_of(a);
  const bool ignored = handler == reinterpret_cast<std::uintptr_t>(SIG_IGN);
  if (ignored && !reports_access(signal, info)) return true;
  if (ignored || handler == reinterpret_cast<std::uintptr_t>(SIG_DFL) ||
      __atomic_load_n(&to.spent, __ATOMIC_RELAXED) != 0) {
    default_action(signal, info);
    return true;
  }
  siginfo_t copy = info;
  if (image_record* const other = __atomic_load_n(&to.image, __ATOMIC_ACQUIRE))
    return other->forward(signal, &copy, ucontext) != 0;

  if ((a.sa_flags & static_cast<int>(SA_RESETHAND)) != 0)
    __atomic_store_n(&to.spent, 1, __ATOMIC_RELAXED);
  os::signal_mask blocked = os::mask_of(a.sa_mask);
  if ((a.sa_flags & SA_NODEFER) == 0) blocked |= os::only(signal);
  const os::signal_mask before = os::block(blocked);
  if ((a.sa_flags & SA_SIGINFO) != 0)
    a.sa_sigaction(signal, &copy, ucontext);
  else
    a.sa_handler(signal);
  os::set_mask(before);
  return true;
}

// Asks this image's displaced owners, newest first, until one takes the signal: 1, or 0 where none
// is left (image_record::forward).
inline int forward(int signal, siginfo_t* info, void* ucontext) noexcept {
  const forwarding before = in_progress;
  const bool again = before.ucontext == ucontext && before.info != info;
  owners& all = owners_of(signal);
  if (!again) in_progress = {ucontext, info, all.newest_first()};
  bool taken = false;
  while (!taken) {
    const auto which = static_cast<unsigned>(in_progress.owners_left & 15);
    if (which == owners::none) break;
    in_progress.owners_left = in_progress.owners_left >> 4 | std::uint64_t{owners::none} << 60;
    taken = deliver(all.known[which], signal, *info, ucontext);
  }
  if (!again) in_progress = before;
  return taken ? 1 : 0;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
