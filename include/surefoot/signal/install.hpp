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

inline void on_signal(int signal, siginfo_t* info, void* ucontext) noexcept {
  if (claim(signal, info, ucontext)) return;
  if (forward(signal, info, ucontext) == 0) default_action(signal, *info);
}

inline auto our_entry() noexcept { return &arch::entry<&on_signal, &this_image>; }

inline bool is_ours(const struct sigaction& a) noexcept {
  return handler_of(a) == reinterpret_cast<std::uintptr_t>(our_entry());
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
  // Not a plain store: another thread's install() may have taken over the chain of another image
  // already.
  __atomic_compare_exchange_n(&this_image.guard_slot, &no_slot, own_slot, false, __ATOMIC_RELAXED,
                              __ATOMIC_RELAXED);
  __atomic_store_n(&this_image.ask_table, &ask_table, __ATOMIC_RELAXED);
  __atomic_store_n(&this_image.forward, &forward, __ATOMIC_RELAXED);
  (void)order_of_table();
  image_record* none = nullptr;
  __atomic_compare_exchange_n(&this_image.root, &none, &this_image, false, __ATOMIC_ACQ_REL,
                              __ATOMIC_RELAXED);
}

// Joins the list of the image that owned `signal` before us, if there is one. Before this image's
// first guard its threads take over the other's chain of guards, so that there is one.
inline void join_previous(int signal) noexcept {
  owners& all = owners_of(signal);
  std::uint64_t order = all.newest_first();
  for (; (order & 15) != owners::none; order = order >> 4 | std::uint64_t{owners::none} << 60) {
    owner& previous = all.known[order & 15];
    image_record* const other = record_behind(handler_of(previous.action));
    if (other == nullptr || other == &this_image) continue;
    if (__atomic_load_n(&ready_byte, __ATOMIC_ACQUIRE) == 0)
      __atomic_store_n(&this_image.guard_slot,
                       __atomic_load_n(&other->guard_slot, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    join(&this_image, other);
    __atomic_store_n(&previous.image, other, __ATOMIC_RELEASE);
  }
}

// Looks, publishes the owner it finds, then sets. True where the signal is ours afterwards.
inline bool take(int signal) noexcept {
  struct sigaction now {};
  if (!os::query(signal, now)) return false;
  if (is_ours(now)) return true;
  owners& all = owners_of(signal);
  if (!all.remember(now)) return false;
  struct sigaction ours {};
  ours.sa_sigaction = our_entry();
  constexpr int expose_tag_bits = 0x800;  // SA_EXPOSE_TAGBITS
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | expose_tag_bits;
  sigemptyset(&ours.sa_mask);
  struct sigaction before {};
  if (!os::exchange(signal, ours, before)) return false;
  // Somebody may have come between the look and the set.
  if (!is_ours(before)) (void)all.remember(before);
  return true;
}

// Idempotent: takes what is not ours (any more). True where both signals are ours afterwards.
[[gnu::cold, gnu::noinline]] inline bool install() noexcept {
  prepare_record();
  bool all = true;
  for (const int signal : owned) all = take(signal) && all;
  for (const int signal : owned) join_previous(signal);
  if (all) __atomic_store_n(&ready_byte, 1, __ATOMIC_RELEASE);
  return all;
}

// For a host that keeps its own handler and calls try_handle() from it: nothing is taken.
inline void install_hosted() noexcept {
  prepare_record();
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
  if (!os::query(signal, now) || !is_ours(now)) return false;
  owners& all = owners_of(signal);
  const auto newest = static_cast<unsigned>(all.newest_first() & 15);
  struct sigaction to {};
  to.sa_handler = SIG_DFL;
  if (newest != owners::none && __atomic_load_n(&all.known[newest].spent, __ATOMIC_RELAXED) == 0)
    to = all.known[newest].action;
  struct sigaction before {};
  if (!os::exchange(signal, to, before)) return false;
  if (!is_ours(before)) {  // taken between the look and the set: theirs again
    (void)os::exchange(signal, before, to);
    return false;
  }
  all.forget_all();
  return true;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
