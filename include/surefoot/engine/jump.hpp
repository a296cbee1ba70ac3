/// @file
/// engine::jump: sigsetjmp(buf, 0) before, siglongjmp out of the handler after a fault. Portable
/// POSIX; the only engine that can run arbitrary code. No system call on the way in (5 ns; but see
/// engine/populate.hpp), one on the way out of a fault.
///
/// A jump out of a handler loses what the kernel's return would have restored, so it is restored by
/// hand: the signal mask (after the jump), the floating-point control words, the protection key
/// rights, and an alternate stack that SS_AUTODISARM took away.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/populate.hpp>
#include <surefoot/engine/sanitizers.hpp>
#include <surefoot/engine/survey.hpp>
#include <surefoot/engine/walk.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>
#include <surefoot/signal/claim.hpp>
#include <surefoot/signal/classify.hpp>
#include <surefoot/signal/image.hpp>
#include <surefoot/signal/install.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {

/// A guard with what it needs to be jumped to.
class landing_place : public signals::guard {
 public:
  landing_place() noexcept : signals::guard{nullptr, 0, {1, 1}, {0, 0}, 0, &leave_handler} {}
  landing_place(const landing_place&) = delete;
  landing_place& operator=(const landing_place&) = delete;

  void cover_everything() noexcept {
    flags |= signals::guards_everything | signals::guards_unplaced;
  }
  void cover_unplaced() noexcept { flags |= signals::guards_unplaced; }
  // Up to two ranges. One that wraps ends with the address space.
  void cover(unsigned which, const volatile void* p, std::size_t n) noexcept {
    if (n == 0) return;
    first[which] = detail::address(p);
    last[which] = surefoot::detail::wraps(p, n) ? ~std::uintptr_t{0} : detail::address(p) + (n - 1);
  }

  // What ended the guarded code.
  const arch::trap& trap() const noexcept { return trap_; }
  fault what() const noexcept {
    return signals::unpack(
        trap_.info, trap_.address,
        (trap_.info & signals::trap_writes) != 0 ? access_kind::write : access_kind::read);
  }

 private:
  friend struct jump;

  // Runs in the signal handler.
  [[noreturn]] static void leave_handler(void* self, int signal, siginfo_t* info,
                                         void* ucontext) noexcept {
    auto* const to = static_cast<landing_place*>(static_cast<signals::guard*>(self));
    const int error = errno;
    const arch::context interrupted(ucontext);
    to->trap_ = {
        signals::pack(signal, *info) | (interrupted.was_store() ? signals::trap_writes : 0),
        reinterpret_cast<std::uintptr_t>(info->si_addr)};
    to->mask_ = interrupted.signal_mask();
    *signals::guard_slot(signals::this_image) = to->outer;
    if ((interrupted.alternate_stack().ss_flags & autodisarm) != 0) {
      // From here to the jump no signal may be delivered: it would take the stack that we stand on.
      os::set_mask(~os::signal_mask{0});
      os::arm_alternate_stack(interrupted.alternate_stack());
    }
    detail::leaves_by_jump(ucontext, interrupted.stack_pointer(), to->frame);
    interrupted.restore_control_state();
    errno = error;
    os::surefoot_plain_siglongjmp(to->where_, 1);
  }
  static constexpr int autodisarm = static_cast<int>(1u << 31);  // SS_AUTODISARM

  sigjmp_buf where_;
  os::signal_mask mask_ = 0;
  arch::trap trap_{};
};

/// A guard around each access, left by a jump. What it costs and needs stands above; its members are those of the
/// concept (engine/concept.hpp). It offers all verbs but search, and tag only where the machine has tags.
///
/// @snippet engines.cpp jump
struct SUREFOOT_PUBLIC jump {
  /// @cond
  static constexpr bool offers(verb v) noexcept {
    return v != verb::search && (v != verb::tag || arch::has_tags);
  }
  static constexpr bool sees(cause) noexcept { return true; }
  static constexpr std::size_t page_size() noexcept { return arch::page_size(); }
  static constexpr std::size_t granule() noexcept { return arch::granule(); }
  SUREFOOT_HIDDEN static bool ready() noexcept { return signals::ensure_installed(); }
  using survey = detail::survey<jump>;

  template <class F>
  SUREFOOT_HIDDEN static fault run(F& f) noexcept {
    landing_place g;
    g.cover_everything();
    return enter(g, f) ? fault{} : g.what();
  }
  template <class F>
  SUREFOOT_HIDDEN static fault run_within(const volatile void* p, std::size_t n, F& f) noexcept {
    landing_place g;
    g.cover(0, p, n);
    return enter(g, f) ? fault{} : g.what();
  }

  template <access_kind K>
  SUREFOOT_HIDDEN static fault probe(const volatile void* p) noexcept {
    return probe_each<K>(p, 1, 1).stopped_by;
  }

  template <access_kind K>
  SUREFOOT_HIDDEN static progress probe_each(const volatile void* p, std::size_t n,
                                             std::size_t stride) noexcept {
    if (detail::are_many(n, stride)) return probe_pages<K>(p, n);
    volatile detail::place now{};
    landing_place g;
    cover(g, 0, p, n);
    arch::trap none;
    auto walk = [&]() noexcept { detail::walk_probes<K, false>(p, n, stride, now, none); };
    if (enter(g, walk)) [[likely]]
      return {n, 0};
    return detail::stopped_at(p, now.at, n, g.trap(), K);
  }

  // The same where the unit is a page and any byte of it may be asked, as engine/populate.hpp does it: what
  // touches is guarded, what asks the clock and the kernel is not.
  template <access_kind K, class Clock = detail::clock>
  [[gnu::noinline]] SUREFOOT_HIDDEN static progress probe_pages(const volatile void* p,
                                                                std::size_t n) noexcept {
    std::size_t at = 0;
    arch::trap t{};
    const auto touch = [&](std::size_t from, std::size_t to, std::size_t unit) noexcept {
      volatile detail::place now{};
      landing_place g;
      const volatile void* const first = detail::forward(p, from);
      cover(g, 0, first, to - from);
      arch::trap none;
      auto walk = [&]() noexcept {
        detail::walk_probes<K, false>(first, to - from, unit, now, none, n <= detail::worth_rows);
      };
      if (enter(g, walk)) [[likely]]
        return false;
      at = from + now.at;
      t = g.trap();
      return true;
    };
    if (!detail::fault_in_pages<K, Clock>(p, n, touch)) [[likely]]
      return {n, 0};
    return detail::stopped_at(p, at, n, t, K);
  }

  SUREFOOT_HIDDEN static progress scan(const volatile void* p, std::size_t n) noexcept {
    volatile detail::place now{};
    landing_place g;
    cover(g, 0, p, n);
    arch::trap none;
    auto walk = [&]() noexcept { detail::walk_scan<false>(p, n, now, none); };
    if (enter(g, walk)) [[likely]]
      return {n, 0};
    return detail::settle_scan<access_kind::read>(jump{}, p, n, now.at, g.trap());
  }

  SUREFOOT_HIDDEN static progress copy(volatile void* dst, const volatile void* src,
                                       std::size_t n) noexcept {
    volatile detail::place now{};
    landing_place g;
    cover(g, 0, src, n);
    cover(g, 1, dst, n);
    arch::trap none;
    auto walk = [&]() noexcept { detail::walk_copy<false>(dst, src, n, now, none); };
    if (enter(g, walk)) [[likely]] {
      detail::written(dst, n);
      return {n, 0};
    }
    return settle(dst, src, n, now, g,
                  [=](std::size_t from, std::size_t to, auto& here, arch::trap& unused) noexcept {
                    detail::walk_bytes<false>(dst, src, from, to, here, unused);
                  });
  }

  template <class W>
  SUREFOOT_HIDDEN static result<W> load(const volatile void* p) noexcept {
    typename detail::register_of<W>::type word;
    landing_place g;
    cover(g, 0, p, sizeof(W));
    auto access = [&]() noexcept {
      arch::trap none;
      arch::access<false>::load(p, word, none);
    };
    if (enter(g, access)) [[likely]]
      return __builtin_bit_cast(W, word);
    return result<W>::stopped(single<access_kind::read>(p, sizeof(W), g));
  }

  template <class W>
  SUREFOOT_HIDDEN static verdict store(volatile void* p, W w) noexcept {
    if (detail::may_tear(p, sizeof(W))) [[unlikely]]
      return detail::probed_store(jump{}, p, &w, sizeof(W));
    const auto word = __builtin_bit_cast(typename detail::register_of<W>::type, w);
    landing_place g;
    cover(g, 0, p, sizeof(W));
    auto access = [&]() noexcept {
      arch::trap none;
      arch::access<false>::store(p, word, none);
    };
    if (enter(g, access)) [[likely]] {
      detail::written(p, sizeof(W));
      return {};
    }
    return {single<access_kind::write>(p, sizeof(W), g)};
  }

  SUREFOOT_HIDDEN static progress fill(volatile void* dst, std::uint8_t byte,
                                       std::size_t n) noexcept {
    volatile detail::place now{};
    landing_place g;
    cover(g, 0, dst, n);
    arch::trap none;
    auto walk = [&]() noexcept { detail::walk_fill<false>(dst, byte, n, now, none); };
    if (enter(g, walk)) [[likely]] {
      detail::written(dst, n);
      return {n, 0};
    }
    return settle(dst, dst, n, now, g,
                  [=](std::size_t from, std::size_t to, auto& here, arch::trap& unused) noexcept {
                    detail::walk_fill_bytes<false>(dst, byte, from, to, here, unused);
                  });
  }

  SUREFOOT_HIDDEN static result<std::uintptr_t> load_tag(const volatile void* p) noexcept {
    std::uintptr_t seen = detail::address(p);
    if (!arch::tags_are_here()) return seen;
    landing_place g;
    cover(g, 0, reinterpret_cast<const volatile void*>(seen & ~(arch::granule() - 1)),
          arch::granule());
    auto access = [&]() noexcept {
      arch::trap none;
      arch::access<false>::load_tag(p, seen, none);
    };
    if (enter(g, access)) [[likely]]
      return seen;
    return result<std::uintptr_t>::stopped(single<access_kind::read>(p, 1, g));
  }

  template <class W>
  SUREFOOT_HIDDEN static result<W> exchange(volatile void* p, W w) noexcept {
    if constexpr (surefoot::detail::same<W, word16>)
      return detail::exchange_pair(jump{}, p, w);
    else
      return atomic(p, w, [=](W& v, arch::trap& t) noexcept {
        arch::atomic_access<false>::exchange(p, v, t);
        detail::written(p, sizeof(W));
      });
  }
  template <class W>
  SUREFOOT_HIDDEN static result<W> fetch_add(volatile void* p, W w) noexcept {
    return atomic(p, w, [=](W& v, arch::trap& t) noexcept {
      arch::atomic_access<false>::fetch_add(p, v, t);
      detail::written(p, sizeof(W));
    });
  }
  template <class W>
  SUREFOOT_HIDDEN static result<swap<W>> compare_exchange(volatile void* p, W expected,
                                                          W to) noexcept {
    using word = typename detail::atomic_register_of<W>::type;
    if (!detail::has_atomics<W>()) return result<swap<W>>::stopped(detail::not_here(p));
    return atomic(p, swap<W>{expected, false}, [=](swap<W>& v, arch::trap& t) noexcept {
      auto was = __builtin_bit_cast(word, v.was);
      arch::atomic_access<false>::compare_exchange(p, was, __builtin_bit_cast(word, to), v.swapped,
                                                   t);
      detail::written(p, sizeof(W));
      v.was = __builtin_bit_cast(W, was);
    });
  }
  /// @endcond

 private:
  // Runs f() in the guard. False where a fault ended it: then g.trap() says which.
  template <class F>
  [[gnu::noinline]] SUREFOOT_HIDDEN static bool enter(landing_place& g, F& f) noexcept {
    // What is guarded may stand on this very frame, and its stack end there (aarch64).
    g.frame = detail::address(__builtin_frame_address(0)) + 1;
    if (sigsetjmp(g.where_, 0) != 0) {
      os::set_mask(g.mask_);
      return false;
    }
    signals::guard** const slot = signals::guard_slot(signals::this_image);
    g.outer = *slot;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *slot = &g;
    // Not a formality: clang 14 deleted every store to the slot without these.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    f();
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    // Asked again: a fiber that f let another one go on in may have come back on another thread.
    *signals::guard_slot(signals::this_image) = g.outer;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
  }

  // What runs in these guards is our own, so a fault without address is its.
  SUREFOOT_HIDDEN static void cover(landing_place& g, unsigned which, const volatile void* p,
                                    std::size_t n) noexcept {
    const std::size_t before = detail::address(p) % arch::narrowest_atomic;
    g.cover(which, detail::forward(p, std::size_t{0} - before), n + before);
    g.cover_unplaced();
  }

  SUREFOOT_HIDDEN static detail::place snapshot(const volatile detail::place& p) noexcept {
    return {p.at, p.width, p.during};
  }

  template <access_kind K>
  SUREFOOT_HIDDEN static fault single(const volatile void* p, std::size_t n,
                                      const landing_place& g) noexcept {
    return detail::settle_scan<K>(jump{}, p, n, 0, g.trap()).stopped_by;
  }

  // A copy or a fill that a fault ended; bytes(from, to, here, unused) walks a part of it byte by byte.
  template <class Bytes>
  [[gnu::cold, gnu::noinline]] SUREFOOT_HIDDEN static progress settle(
      volatile void* dst, const volatile void* src, std::size_t n,
      const volatile detail::place& now, const landing_place& g, Bytes bytes) noexcept {
    const auto again = [=](std::size_t from, std::size_t to, detail::place& at,
                           arch::trap& met) noexcept {
      return keep_place(dst, src, to, at, met, [&](auto& here, arch::trap& unused) noexcept {
        bytes(from, to, here, unused);
      });
    };
    return detail::written(dst, detail::settle_copy(dst, src, n, snapshot(now), g.trap(), again));
  }

  // Walks again, byte by byte, in a guard of its own. True where that faulted: then `at` and `met`
  // say where and why.
  template <class Walk>
  [[gnu::cold, gnu::noinline]] SUREFOOT_HIDDEN static bool keep_place(
      volatile void* dst, const volatile void* src, std::size_t n, detail::place& at,
      arch::trap& met, Walk again) noexcept {
    volatile detail::place now{};
    landing_place g;
    cover(g, 0, src, n);
    cover(g, 1, dst, n);
    arch::trap none;
    auto walk = [&]() noexcept { again(now, none); };
    if (enter(g, walk)) return false;
    at = snapshot(now);
    met = g.trap();
    return true;
  }

  static constexpr std::size_t widest = 16;  // bytes of an atomic access

  // One atomic access on a value that comes out changed.
  template <class V, class Access>
  SUREFOOT_HIDDEN static result<V> atomic(volatile void* p, V v, Access access) noexcept {
    landing_place g;
    cover(g, 0, p, widest);
    auto once = [&]() noexcept {
      arch::trap none;
      access(v, none);
    };
    if (enter(g, once)) [[likely]]
      return v;
    return result<V>::stopped(single<access_kind::write>(p, widest, g));
  }
};

static_assert(complete<jump>);

}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
