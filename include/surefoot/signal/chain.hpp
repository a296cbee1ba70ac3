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
#include <surefoot/arch/select.hpp>
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

// One displaced disposition.
struct owner {
  std::uint32_t
      state;  // 0 free, 1 being written, 2 readable and fixed (g++ leaves a byte to libatomic)
  unsigned char spent;  // what SA_RESETHAND leaves behind: SIG_DFL, until it is registered again
  image_record* image;  // whose handler it is, where that is another image of ours; null: foreign
  struct sigaction action;

  bool is(const struct sigaction& other) const noexcept {
    return __atomic_load_n(&state, __ATOMIC_ACQUIRE) == 2 &&
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

  static constexpr std::uint64_t without(std::uint64_t order, unsigned which) noexcept {
    std::uint64_t others = empty;
    int at = 0;
    for (; (order & 15) != none; order = behind_first(order))
      if ((order & 15) != which) {
        others = (others & ~(std::uint64_t{15} << at)) | (order & 15) << at;
        at += 4;
      }
    return others;
  }
  // At most 14 others.
  static constexpr std::uint64_t with_last(std::uint64_t order, unsigned which) noexcept {
    int at = 0;
    while ((order >> at & 15) != none) at += 4;
    return (order & ~(std::uint64_t{15} << at)) | std::uint64_t{which} << at;
  }
  static constexpr std::uint64_t behind_first(std::uint64_t order) noexcept {
    return order >> 4 | std::uint64_t{none} << 60;
  }

  // Makes `action` the newest owner. False where 15 different owners are known already.
  bool remember(const struct sigaction& action) noexcept {
    const unsigned which = index_of(action);
    if (which == none) return false;
    __atomic_store_n(&known[which].spent, 0, __ATOMIC_RELAXED);
    change([which](std::uint64_t now) noexcept { return without(now, which) << 4 | which; });
    return true;
  }

  // An owner that has the signal again is none that we displaced. Those before it stay: it may hand
  // on to us.
  void forget(const struct sigaction& action) noexcept {
    for (unsigned i = 0; i < none; ++i)
      if (known[i].is(action)) change([i](std::uint64_t now) noexcept { return without(now, i); });
  }

  // The owners to ask about a signal that came to us through `current`, newest first: all but that
  // one. Another image comes last instead: it may have taken the signal in another thread since this
  // one was delivered to us, and if it did come through that image, that image knows (forwarding).
  std::uint64_t to_ask(const struct sigaction& current) const noexcept {
    std::uint64_t all = newest_first();
    for (unsigned i = 0; i < none; ++i) {
      const std::uint64_t others = without(all, i);
      if (others == all || !known[i].is(current)) continue;
      const bool is_image = __atomic_load_n(&known[i].image, __ATOMIC_ACQUIRE) != nullptr;
      all = is_image ? with_last(others, i) : others;
    }
    return all;
  }

 private:
  template <class Change>
  void change(Change to) noexcept {
    std::uint64_t now = newest_first();
    while (!__atomic_compare_exchange_n(&order, &now, to(now), false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
    }
  }

  unsigned index_of(const struct sigaction& action) noexcept {
    for (unsigned i = 0; i < none; ++i)
      if (known[i].is(action)) return i;
    for (unsigned i = 0; i < none; ++i) {
      std::uint32_t free = 0;
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

// A delivery that an image is forwarding. It hangs off the signal frame's mark, which the kernel
// clears for each delivery; owners pass the frame on. So a delivery that comes round is known by
// it, whatever copy of the siginfo comes with it, and one that an owner left by longjmp leaves
// nothing behind. FROZEN: images of other versions walk this list.
struct forwarding {
  std::uint64_t magic;
  forwarding* outer;  // another image's, through which the delivery came here
  const image_record* by;
  std::uint64_t owners_left;
};
inline constexpr std::uint64_t forwarding_magic = 0x667573'2d647766;

// The forwarding that this mark is; null where it is something else: somebody may call a handler
// with a context of their own making.
inline forwarding* forwarding_at(std::uintptr_t mark) noexcept {
  std::uint64_t magic = 0;
  arch::trap ignored;
  if (mark == 0 || arch::access<true>::load(reinterpret_cast<const void*>(mark), magic, ignored))
    return nullptr;
  return magic == forwarding_magic ? reinterpret_cast<forwarding*>(mark) : nullptr;
}

// Is our handler the one that is registered now?
inline bool is_current(int signal) noexcept {
  struct sigaction now {};
  return os::query(signal, now) && record_behind(handler_of(now)) == &this_image;
}

// The same report as this owner would have got it: we ask the kernel for the tags of addresses, which
// it cuts off otherwise (untagged_addr() of arm64: those of user space only).
inline siginfo_t seen_by(const struct sigaction& owner, const siginfo_t& info) noexcept {
  siginfo_t copy = info;
  const auto at = reinterpret_cast<std::uintptr_t>(info.si_addr);
  if ((owner.sa_flags & os::expose_tag_bits) == 0 && info.si_code > 0)
    copy.si_addr = reinterpret_cast<void*>(at & arch::untagged(at));
  return copy;
}

// Hands the signal to one owner. False where the next one is to have it, too: that owner is another
// image of ours, which had nobody to ask, or it sent the signal on.
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
  siginfo_t copy = seen_by(a, info);  // what an owner writes there does not reach the next one
  if (image_record* const other = __atomic_load_n(&to.image, __ATOMIC_ACQUIRE)) {
    // While another thread makes one list of two, that image's table may not have been asked.
    if (other->ask_table(signal, &copy, ucontext) == landed) return true;
    return other->forward(signal, &copy, ucontext) != 0;
  }

  if ((a.sa_flags & static_cast<int>(SA_RESETHAND)) != 0)
    __atomic_store_n(&to.spent, 1, __ATOMIC_RELAXED);
  os::signal_mask blocked = os::mask_of(a.sa_mask);
  if ((a.sa_flags & SA_NODEFER) == 0) blocked |= os::only(signal);
  const os::signal_mask before = os::block(blocked);
  if ((a.sa_flags & SA_SIGINFO) != 0)
    a.sa_sigaction(signal, &copy, ucontext);
  else
    a.sa_handler(signal);
  // An owner may have put back what it had displaced and raised the signal for that one, while it
  // was blocked (Catch2 does). Where what it put back is us, those before it are meant.
  const bool sent_on =
      (blocked & ~before & os::only(signal)) != 0 && is_current(signal) && os::take_raised(signal);
  os::set_mask(before);
  return !sent_on;
}

// Asks the owners that are left, newest first, until one takes the signal.
inline int ask_owners(forwarding& f, int signal, const siginfo_t& info, void* ucontext) noexcept {
  for (;;) {
    const auto which = static_cast<unsigned>(f.owners_left & 15);
    if (which == owners::none) return 0;
    f.owners_left = owners::behind_first(f.owners_left);
    if (deliver(owners_of(signal).known[which], signal, info, ucontext)) return 1;
  }
}

// Hands the signal to this image's displaced owners, newest first, and where it came round to those
// that were not asked yet: 1, or 0 where none took it (image_record::forward).
inline int forward(int signal, siginfo_t* info, void* ucontext) noexcept {
  arch::context interrupted(ucontext);
  const std::uintptr_t mark = interrupted.mark();
  for (forwarding* f = forwarding_at(mark); f != nullptr; f = f->outer)
    if (f->by == &this_image) return ask_owners(*f, signal, *info, ucontext);

  const owners& all = owners_of(signal);
  struct sigaction current {};
  const bool known = os::query(signal, current);
  forwarding f{forwarding_magic, forwarding_at(mark), &this_image,
               known ? all.to_ask(current) : all.newest_first()};
  interrupted.mark(reinterpret_cast<std::uintptr_t>(&f));
  const int taken = ask_owners(f, signal, *info, ucontext);
  interrupted.mark(mark);
  return taken;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
