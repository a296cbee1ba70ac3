// The owners that we displaced, and how a signal that is not ours reaches them as if we did not
// exist.
//
// Owners come back: Catch2 2.x takes SIGSEGV around every test case, libFuzzer after its
// initialisation, and both chain to us; an explicit install() takes the signal back and displaces
// them again. So every displaced owner is kept, with the moment when it was displaced, and a signal
// goes to the newest one first, whichever image displaced it; a delivery that comes round to us goes
// one owner further down, at last to SIG_DFL.
//
// Owners also put back what they had displaced (Python's faulthandler, before it returns to the
// instruction), and that may be an earlier registration of ours. Without us that would be the end of
// them and of whoever came after it, so none of those is asked any more: each registration of ours has an entry of its
// own (arch/header.hpp), by which they are told apart.
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

// Whose registration this is, where it is an image's. The first one of an image is number 0, those that follow 1 to 15
// (3 without headers), by turns. Of what somebody has registered now: an owner of earlier may be unmapped.
inline entry_point entry_point_of(const struct sigaction& a) noexcept {
  return entry_point_at(handler_of(a));
}

// The same registration.
inline bool same(const struct sigaction& a, const struct sigaction& b) noexcept {
  return handler_of(a) == handler_of(b) && a.sa_flags == b.sa_flags &&
         os::mask_of(a.sa_mask) == os::mask_of(b.sa_mask);
}

// One displaced disposition.
struct owner {
  std::uint32_t
      state;  // 0 free, 1 being written, 2 readable and fixed (g++ leaves a byte to libatomic)
  std::uint32_t first_number, last_number;  // of an image: of its registration that was displaced
  std::uint64_t first, last;  // the moments when it was displaced; last 0: it has the signal again
  image_record* image;  // whose handler it is, where that is another image of ours; null: foreign
  struct sigaction action;
  unsigned char spent;  // what SA_RESETHAND leaves behind: SIG_DFL, until it is registered again

  // The same one; of an image perhaps another registration.
  bool is(const struct sigaction& other, const image_record* its_image) const noexcept {
    if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != 2) return false;
    return its_image != nullptr ? its_image == image_of() : same(action, other);
  }
  // When it was displaced last before that moment, as far as that is known; 0: never.
  std::uint64_t displaced_before(std::uint64_t moment) const noexcept {
    const std::uint64_t at = __atomic_load_n(&last, __ATOMIC_ACQUIRE);
    if (at < moment) return at;
    const std::uint64_t earlier = __atomic_load_n(&first, __ATOMIC_RELAXED);
    return earlier < moment ? earlier : 0;
  }
  // Which registration of its image was displaced at that moment.
  unsigned number_at(std::uint64_t moment) const noexcept {
    const bool is_last = __atomic_load_n(&last, __ATOMIC_ACQUIRE) == moment;
    return __atomic_load_n(is_last ? &last_number : &first_number, __ATOMIC_RELAXED);
  }
  bool is_spent() const noexcept { return __atomic_load_n(&spent, __ATOMIC_RELAXED) != 0; }
  image_record* image_of() const noexcept { return __atomic_load_n(&image, __ATOMIC_ACQUIRE); }
};

// What an image knows of the owners of one signal. Each change is one step, so that a handler never
// sees half of one. Lock-free and async-signal-safe. FROZEN.
struct owners {
  static constexpr unsigned most = 15;
  static constexpr std::uint64_t any_moment = ~std::uint64_t{0} - 1;

  owner known[most];
  std::uint32_t first_in_use;  // number 0 is registered, or somebody has displaced it
  std::uint32_t later;         // the registrations that followed one with number 0, so far
  std::uint64_t
      taken[arch::entries];  // by the number: the moment of the last registration that has it

  // The one that was displaced last before that moment, and when; null where there is none.
  owner* newest(std::uint64_t before, std::uint64_t& at) noexcept {
    owner* found = nullptr;
    at = 0;
    for (owner& each : known) {
      const std::uint64_t its = each.displaced_before(before);
      if (its <= at) continue;
      found = &each;
      at = its;
    }
    return found;
  }

  // Makes `action` the newest owner. False where 15 different owners are known already.
  bool remember(const struct sigaction& action, image_record* image, std::uint64_t now) noexcept {
    owner* const it = entry_of(action, image);
    if (it == nullptr) return false;
    const unsigned number = image == nullptr ? 0 : entry_point_of(action).number;
    __atomic_store_n(&it->last_number, number, __ATOMIC_RELAXED);
    __atomic_store_n(&it->spent, 0, __ATOMIC_RELAXED);
    std::uint64_t never = __atomic_load_n(&it->first, __ATOMIC_RELAXED);
    if (never == 0) __atomic_store_n(&it->first_number, number, __ATOMIC_RELAXED);
    never = 0;  // of two threads the one that came first counts
    __atomic_compare_exchange_n(&it->first, &never, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    __atomic_store_n(&it->last, now, __ATOMIC_RELEASE);
    return true;
  }

  // An owner that has the signal again is none that was displaced, up to that moment: another thread may do so anew.
  // Those before it stay: it may hand on to us.
  void forget(const struct sigaction& action, const image_record* image,
              std::uint64_t until) noexcept {
    for (owner& each : known) {
      std::uint64_t at = __atomic_load_n(&each.last, __ATOMIC_ACQUIRE);
      if (at > until || !each.is(action, image)) continue;
      // Of an image another registration of it stays displaced.
      const std::uint64_t first = __atomic_load_n(&each.first, __ATOMIC_RELAXED);
      const bool stays = image != nullptr && first < at;
      if (stays) __atomic_store_n(&each.last_number, each.first_number, __ATOMIC_RELAXED);
      if (__atomic_compare_exchange_n(&each.last, &at, stays ? first : 0, false, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED) &&
          !stays)
        __atomic_store_n(&each.first, 0, __ATOMIC_RELAXED);
    }
  }

  // The number of the next registration.
  unsigned next_number() noexcept {
    if (__atomic_exchange_n(&first_in_use, 1, __ATOMIC_RELAXED) == 0) return 0;
    return 1 + __atomic_fetch_add(&later, 1, __ATOMIC_RELAXED) % (arch::entries_here - 1);
  }
  // Any moment, where this signal never had that number: somebody registered what was the other one's.
  std::uint64_t moment_of(unsigned number) const noexcept {
    const std::uint64_t at = __atomic_load_n(&taken[number], __ATOMIC_ACQUIRE);
    return at != 0 ? at : any_moment;
  }
  void set_moment_of(unsigned number, std::uint64_t now) noexcept {
    __atomic_store_n(&taken[number], now, __ATOMIC_RELEASE);
  }

 private:
  owner* entry_of(const struct sigaction& action, image_record* image) noexcept {
    for (owner& each : known)
      if (each.is(action, image)) return &each;
    for (owner& each : known) {
      std::uint32_t free = 0;
      if (!__atomic_compare_exchange_n(&each.state, &free, 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED))
        continue;
      each.action = action;
      __atomic_store_n(&each.image, image, __ATOMIC_RELAXED);
      __atomic_store_n(&each.state, 2, __ATOMIC_RELEASE);
      return &each;
    }
    return nullptr;
  }
};

inline constinit owners owners_of_segv{};
inline constinit owners owners_of_bus{};
inline owners& owners_of(const image_record& r, int signal) noexcept {
  return *__atomic_load_n(signal == SIGBUS ? &r.of_bus : &r.of_segv, __ATOMIC_RELAXED);
}

// A moment later than all that an image of our list knows, and than those of images that do not know
// us yet: they have the same clock.
inline std::uint64_t later_moment() noexcept {
  std::uint64_t last = __atomic_load_n(&this_image.latest, __ATOMIC_RELAXED);
  for (;;) {
    std::uint64_t now = os::monotonic_clock();
    for (const image_record* r = list_with(&this_image); r != nullptr; r = next_of(r))
      now = detail::larger(now, __atomic_load_n(&r->latest, __ATOMIC_RELAXED) + 1);
    if (__atomic_compare_exchange_n(&this_image.latest, &last, now, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
      return now;
  }
}

// The image of our list whose registration this is; null where it is somebody else's.
inline image_record* image_with(const struct sigaction& a) noexcept {
  image_record* const r = entry_point_of(a).image;
  return r != nullptr && list_with(r) == list_with(&this_image) ? r : nullptr;
}

// What the kernel would do to a signal without a handler. The signal is queued to the thread itself
// and stays blocked until the kernel's return from the handler restores the mask: then it is
// delivered at the interrupted instruction with its original siginfo, whatever happened to the
// memory meanwhile.
inline void default_action(int signal, const siginfo_t& info, void* ucontext) noexcept {
  os::block(os::only(signal));
  // Without a queue (a seccomp filter), a real fault comes again by itself; what was sent must be
  // sent again. Valgrind 3.19 takes a queued fault for one of its own, and ends with an internal error.
  const bool comes_again = reports_access(signal, info);
  const bool may_queue = !comes_again || !arch::context(ucontext).is_of_valgrind();
  if (!(may_queue && os::queue_to_self(signal, info)) && !comes_again) os::raise(signal);
  struct sigaction dfl {};
  dfl.sa_handler = SIG_DFL;
  struct sigaction ignored {};
  (void)os::exchange(signal, dfl, ignored);
}

// A delivery that an image is forwarding. It hangs off the signal frame's mark, which the kernel
// clears for each delivery; owners pass the frame on. So a delivery that comes round is known by
// it, whatever copy of the siginfo comes with it, and one that an owner left by longjmp leaves
// nothing behind. FROZEN: images of other versions go on with it.
struct forwarding {
  static constexpr std::uint32_t most = 60;

  std::uint64_t magic;
  forwarding* outer;  // of an image that is not in our list, through which the delivery came here
  image_record* by;
  std::uint64_t until;         // the owners are those that were displaced up to then
  std::uint32_t count, asked;  // of to_ask
  std::uint32_t images;        // in our list, when it was asked last
  std::uint32_t by_kernel;     // 1: to one of our images, not to somebody who called one
  owner* to_ask[most];         // newest first

  // All that are to be asked of what came to this entry, as they are now: what others do meanwhile takes nobody away.
  void collect(int signal, unsigned entry) noexcept {
    struct sigaction current {};
    by_kernel = !os::query(signal, current) || image_with(current) != nullptr ? 1 : 0;
    until = owners_of(this_image, signal).moment_of(entry);
    count = asked = images = 0;
    // A foreign one that has the signal handed it to us itself.
    walk(signal, by_kernel != 0 ? nullptr : &current);
  }
  // An owner may have made another image known to us.
  void collect_more(int signal) noexcept {
    std::uint32_t now = 0;
    for (const image_record* r = list_with(&this_image); r != nullptr; r = next_of(r)) ++now;
    if (now == images) return;
    struct sigaction current {};
    walk(signal, os::query(signal, current) ? &current : nullptr);
  }

 private:
  void walk(int signal, const struct sigaction* handed_on_by) noexcept {
    std::uint64_t before = until + 1;
    while (count < most && before != 0) {
      const std::uint64_t at = newest_of_all(signal, before);
      std::uint64_t next = at;
      // Images that did not know each other may have the same moment.
      for (const image_record* r = list_with(&this_image); at != 0 && r != nullptr;
           r = next_of(r)) {
        std::uint64_t its = 0;
        owner* const o = owners_of(*r, signal).newest(before, its);
        if (its == at) add(*o, signal, at, handed_on_by, next);
      }
      before = next;
    }
  }
  // One that was displaced at that moment; `before`: those that come next were displaced before then.
  void add(owner& o, int signal, std::uint64_t at, const struct sigaction* handed_on_by,
           std::uint64_t& before) noexcept {
    if (const image_record* const image = o.image_of()) {
      // Displaced with an earlier registration: whoever came after that one had gone.
      before = detail::smaller(before, owners_of(*image, signal).moment_of(o.number_at(at)) + 1);
      return;
    }
    if (count == most || (handed_on_by != nullptr && o.is(*handed_on_by, nullptr))) return;
    // Two images may have displaced the same one.
    for (std::uint32_t i = 0; i < count; ++i)
      if (to_ask[i]->is(o.action, nullptr)) return;
    to_ask[count++] = &o;
  }
  // When any image of the list displaced somebody last before that moment; 0: never.
  std::uint64_t newest_of_all(int signal, std::uint64_t before) noexcept {
    std::uint64_t at = 0;
    images = 0;
    for (const image_record* r = list_with(&this_image); r != nullptr; r = next_of(r)) {
      std::uint64_t its = 0;
      (void)owners_of(*r, signal).newest(before, its);
      at = detail::larger(at, its);
      ++images;
    }
    return at;
  }
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

// The same report as this owner would have got it: we ask the kernel for the tags of addresses, which
// it cuts off otherwise (untagged_addr() of arm64: those of user space only).
inline siginfo_t seen_by(const struct sigaction& owner, const siginfo_t& info) noexcept {
  siginfo_t copy = info;
  const auto at = reinterpret_cast<std::uintptr_t>(info.si_addr);
  if ((owner.sa_flags & os::expose_tag_bits) == 0 && info.si_code > 0)
    copy.si_addr = reinterpret_cast<void*>(at & arch::untagged(at));
  return copy;
}

inline void call(const struct sigaction& a, int signal, siginfo_t* info, void* ucontext) noexcept {
  if ((a.sa_flags & SA_SIGINFO) != 0)
    a.sa_sigaction(signal, info, ucontext);
  else
    a.sa_handler(signal);
}

// Hands the signal to one owner: as the kernel does, or where an owner called us, as that one would have.
inline void deliver(owner& to, int signal, const siginfo_t& info, void* ucontext,
                    bool by_kernel) noexcept {
  const struct sigaction& a = to.action;
  const std::uintptr_t handler = handler_of(a);
  const bool ignored = handler == reinterpret_cast<std::uintptr_t>(SIG_IGN);
  if (ignored && !reports_access(signal, info)) return;
  if (ignored || handler == reinterpret_cast<std::uintptr_t>(SIG_DFL) || to.is_spent())
    return default_action(signal, info, ucontext);
  siginfo_t copy = seen_by(a, info);  // what an owner writes there does not reach the next one
  if (!by_kernel) return call(a, signal, &copy, ucontext);

  if ((a.sa_flags & static_cast<int>(SA_RESETHAND)) != 0)
    __atomic_store_n(&to.spent, 1, __ATOMIC_RELAXED);
  os::signal_mask blocked = os::mask_of(a.sa_mask);
  if ((a.sa_flags & SA_NODEFER) == 0) blocked |= os::only(signal);
  const os::signal_mask before = os::block(blocked);
  call(a, signal, &copy, ucontext);
  // What came to it meanwhile, and had to wait, is delivered where the interrupted code goes on: some put
  // back what they had displaced, and raise the signal for that one (Catch2).
  const bool deferred = (blocked & ~before) != 0;
  os::set_mask(deferred ? before | os::pending() : before);
}

inline bool is_of_our_list(const forwarding& f) noexcept {
  return list_with(f.by) == list_with(&this_image);
}

// Asks the next one of the owners that are left, of those that were displaced up to that moment. False where there is
// none.
inline bool ask_owner(forwarding& f, int signal, const siginfo_t& info, void* ucontext,
                      std::uint64_t until = owners::any_moment) noexcept {
  if (f.asked == f.count && is_of_our_list(f)) f.collect_more(signal);
  while (f.asked != f.count && f.to_ask[f.asked]->displaced_before(until + 1) == 0) ++f.asked;
  if (f.asked == f.count) return false;
  owner& next = *f.to_ask[f.asked++];
  deliver(next, signal, info, ucontext, f.by_kernel != 0 && f.asked == 1);
  return true;
}

// The same of the first of these that has any, `first` before all others.
inline bool ask_any(forwarding& first, std::uint64_t until, forwarding* all, int signal,
                    const siginfo_t& info, void* ucontext) noexcept {
  if (ask_owner(first, signal, info, ucontext, until)) return true;
  for (forwarding* f = all; f != nullptr; f = f->outer)
    if (ask_owner(*f, signal, info, ucontext)) return true;
  return false;
}

// Hands the signal to the owner that was displaced last, or where it came round to the next one that
// was not asked yet; where there is none, to the next one of an image that does not know us, through which it
// came here. False where there is none either.
inline bool forward(int signal, const siginfo_t& info, void* ucontext, unsigned entry) noexcept {
  arch::context interrupted(ucontext);
  const std::uintptr_t mark = interrupted.mark();
  forwarding* const all = forwarding_at(mark);
  for (forwarding* f = all; f != nullptr; f = f->outer)
    if (is_of_our_list(*f)) {
      // Whoever hands it on stands over this registration: those that came after it have gone, or were asked.
      const std::uint64_t until = owners_of(this_image, signal).moment_of(entry);
      return ask_any(*f, until, all, signal, info, ucontext);
    }

  forwarding f;  // NOLINT: 540 bytes of a signal's stack, of which collect() writes what is read
  f.magic = forwarding_magic;
  f.outer = all;
  f.by = &this_image;
  f.collect(signal, entry);
  interrupted.mark(reinterpret_cast<std::uintptr_t>(&f));
  const bool taken = ask_any(f, owners::any_moment, all, signal, info, ucontext);
  interrupted.mark(mark);
  return taken;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
