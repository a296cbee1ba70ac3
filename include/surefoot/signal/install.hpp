// Our handler, and taking and giving back the two signals. All of it is lock-free and
// async-signal-safe.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/signal/chain.hpp>
#include <surefoot/signal/claim.hpp>
#include <surefoot/signal/image.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace signals {

inline constexpr int owned[2] = {SIGSEGV, SIGBUS};

// The one byte that a call with a default engine tests: 1 once the handler is in place.
inline constinit unsigned char ready_byte = 0;

inline void on_signal(int signal, siginfo_t* info, void* ucontext, unsigned entry) noexcept {
  if (claim(signal, info, ucontext)) return;
  if (!forward(signal, *info, ucontext, entry)) default_action(signal, *info, ucontext);
}

inline auto our_entry(unsigned number) noexcept {
  return arch::entry_of<&on_signal, &this_image>(number);
}
inline std::uintptr_t address_of_entry(unsigned number) noexcept {
  return reinterpret_cast<std::uintptr_t>(our_entry(number));
}

// What the handler cannot do without.
inline constexpr int needed_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;

inline bool has_our_handler(const struct sigaction& a) noexcept {
  return entry_point_of(a).image == &this_image;
}
// Not where somebody put us back with signal(), which keeps the handler's address only.
inline bool is_ours(const struct sigaction& a) noexcept {
  return has_our_handler(a) && (a.sa_flags & needed_flags) == needed_flags;
}

// What an image registers, by which entry ever.
inline void make_whole(struct sigaction& a) noexcept {
  a.sa_flags = needed_flags | os::expose_tag_bits;
  sigemptyset(&a.sa_mask);
}

// Who had the signal before this image, at that moment. An image that was uninstalled but stands in
// somebody's chain is passed over: whom it displaced is meant, if anybody. Null where nobody had; otherwise `to` is
// what he has to have again.
inline const owner* owner_before(const image_record& r, int signal, std::uint64_t before,
                                 struct sigaction& to) noexcept {
  while (const owner* const o = owners_of(r, signal).newest(before, before)) {
    const image_record* const image = o->image_of();
    if (image == nullptr) {
      to = {};
      to.sa_handler = SIG_DFL;
      if (!o->is_spent()) to = o->action;
      return o;
    }
    const unsigned number = o->number_at(before);
    if (image != &this_image && __atomic_load_n(image->in_use, __ATOMIC_ACQUIRE) != 0) {
      to = o->action;
      const std::uintptr_t first = handler_of(to) - entry_point_of(to).number * arch::entry_stride;
      to.sa_sigaction =
          reinterpret_cast<decltype(to.sa_sigaction)>(first + number * arch::entry_stride);
      make_whole(to);
      return o;
    }
    // Displaced with an earlier registration: whoever came after that one had gone.
    before = detail::smaller(before, owners_of(*image, signal).moment_of(number) + 1);
    if (const owner* const its = owner_before(*image, signal, before, to)) return its;
  }
  return nullptr;
}

inline bool is_prepared() noexcept {
  return __atomic_load_n(&this_image.root, __ATOMIC_ACQUIRE) != nullptr;
}

// What everybody may find of this image must be there before anybody can find it.
inline void prepare_record() noexcept {
  if (is_prepared()) return;
  std::intptr_t no_slot = 0;
  const auto own_slot = reinterpret_cast<std::intptr_t>(&innermost_guard) -
                        static_cast<std::intptr_t>(arch::thread_pointer());
  // Not a plain store: another thread's install() may have chosen already.
  __atomic_compare_exchange_n(&this_image.guard_slot, &no_slot, own_slot | slot_is_open, false,
                              __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  __atomic_store_n(&this_image.ask_table, &ask_table, __ATOMIC_RELAXED);
  __atomic_store_n(&this_image.of_segv, &owners_of_segv, __ATOMIC_RELAXED);
  __atomic_store_n(&this_image.of_bus, &owners_of_bus, __ATOMIC_RELAXED);
  __atomic_store_n(&this_image.in_use, &ready_byte, __ATOMIC_RELAXED);
  __atomic_store_n(&these_entries, &address_of_entry, __ATOMIC_RELAXED);
  (void)order_of_table();
  image_record* none = nullptr;
  __atomic_compare_exchange_n(&this_image.root, &none, &this_image, false, __ATOMIC_ACQ_REL,
                              __ATOMIC_RELAXED);
}

// Before this image's first guard its threads take over the chain of guards of an image that it
// meets, so that there is one. Decided once, by whoever is first: from then on a thread may be in a
// guard.
inline void choose_guard_slot(const image_record* met) noexcept {
  std::intptr_t open = __atomic_load_n(&this_image.guard_slot, __ATOMIC_ACQUIRE);
  if ((open & slot_is_open) == 0) return;
  const std::intptr_t from =
      met == nullptr ? open : __atomic_load_n(&met->guard_slot, __ATOMIC_ACQUIRE);
  __atomic_compare_exchange_n(&this_image.guard_slot, &open, from & ~slot_is_open, false,
                              __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// Remembers who has the signal now; where that is another image, becomes one list with it. False
// where no more owners can be remembered.
inline bool displace(int signal, const struct sigaction& now) noexcept {
  image_record* const other = entry_point_of(now).image;
  if (other != nullptr) {
    join(&this_image, other);
    choose_guard_slot(other);
  }
  return owners_of(this_image, signal).remember(now, other, later_moment());
}

// Looks, publishes the owner it finds, then sets: when the first signal comes to our handler, it
// knows whom to ask. True where the signal is ours afterwards. Where the kernel lets nobody look
// any more (a seccomp filter), what was ours is taken to be ours still.
inline bool take(int signal) noexcept {
  struct sigaction now {};
  if (!os::query(signal, now)) return __atomic_load_n(&ready_byte, __ATOMIC_ACQUIRE) != 0;
  if (is_ours(now)) return true;
  // What is left of a registration of ours displaces nobody, and those behind it stay.
  const bool again = has_our_handler(now);
  if (!again && !displace(signal, now)) return false;
  owners& all = owners_of(this_image, signal);
  struct sigaction ours {};
  const unsigned number = all.next_number();
  ours.sa_sigaction = our_entry(number);
  make_whole(ours);
  const std::uint64_t just_before = later_moment();
  all.set_moment_of(number, again ? all.moment_of(entry_point_of(now).number) : later_moment());
  // Somebody may have come between the look and the set. Until another image is known, faults that we
  // cannot place wait (claim.hpp); not those of this thread, which nothing interrupts here.
  os::signal_mask mask = 0;
  const bool blocked = os::block_what_can_wait(mask);
  this_settling.enter();
  struct sigaction before {};
  const bool done = os::exchange(signal, ours, before);
  if (done && !same(before, now)) {
    const entry_point whose = entry_point_of(before);
    if (whose.image == &this_image) {
      all.set_moment_of(number, all.moment_of(whose.number));
    } else if (whose.image == nullptr && !again) {
      (void)all.remember(before, nullptr, just_before);
    } else {
      if (again) (void)displace(signal, now);  // whoever came over what was left
      (void)displace(signal, before);
      all.set_moment_of(number, later_moment());
    }
  }
  this_settling.leave();
  if (blocked) os::set_mask(mask);
  return done;
}

// Idempotent: takes what is not ours (any more). True where both signals are ours afterwards; where
// they are not, calls with a default engine go on trying.
[[gnu::cold, gnu::noinline]] inline bool install() noexcept {
  prepare_record();
  bool all = true;
  for (const int signal : owned) all = take(signal) && all;
  choose_guard_slot(nullptr);
  __atomic_store_n(&ready_byte, all ? 1 : 0, __ATOMIC_RELEASE);
  return all;
}

// For a host that keeps its own handler and calls try_handle() from it: nothing is taken.
inline void install_hosted() noexcept {
  prepare_record();
  choose_guard_slot(nullptr);
  __atomic_store_n(&ready_byte, 1, __ATOMIC_RELEASE);
}

// The test on the way into a call with a default engine.
inline bool ensure_installed() noexcept {
  return __builtin_expect(__atomic_load_n(&ready_byte, __ATOMIC_ACQUIRE) != 0, 1) || install();
}

// Gives one signal back to the owner before us. False where somebody else has it now: then we stay
// behind that one as a pass-through.
inline bool give_back(int signal) noexcept {
  struct sigaction now {};
  if (!os::query(signal, now) || !has_our_handler(now)) return false;
  struct sigaction to {};
  to.sa_handler = SIG_DFL;
  const unsigned number = entry_point_of(now).number;
  const std::uint64_t until = owners_of(this_image, signal).moment_of(number);
  const owner* const found = owner_before(this_image, signal, until + 1, to);
  const image_record* const image = found == nullptr ? nullptr : found->image_of();
  struct sigaction before {};
  if (!os::exchange(signal, to, before)) return false;
  if (!has_our_handler(before)) {  // taken between the look and the set: theirs again
    struct sigaction ignored {};
    (void)os::exchange(signal, before, ignored);
    return false;
  }
  owners_of(this_image, signal).forget(to, image, until);
  // Others remember an image, too, for those before it.
  if (image == nullptr)
    for (const image_record* r = list_with(&this_image); r != nullptr; r = next_of(r))
      owners_of(*r, signal).forget(to, nullptr, until);
  // Nobody has displaced our first registration: the next one is as new.
  if (number == 0)
    __atomic_store_n(&owners_of(this_image, signal).first_in_use, 0, __ATOMIC_RELAXED);
  return true;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
