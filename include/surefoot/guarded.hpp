/// @file
/// guarded: runs arbitrary code, and comes back with a fault instead of a crash.
///
/// f is left by siglongjmp, in the middle of whatever it was doing. So it must not own anything,
/// throw, switch stacks or be cancelled, nor hold a lock of its own or of libc's (allocate, print);
/// what it changed survives a fault only where it is volatile or atomic (captured locals are lost at
/// -O1 and -O2).
///
/// f is left by returning or by our jump, and by nothing else: the guard is a part of the frame of
/// guarded(). A longjmp out of f leaves it behind in a dead frame, also one that another handler
/// makes when it gets a fault which a guard with a range did not take; who must do so puts
/// exchange_guard() back to what it was.
///
/// A guard takes faults only from code whose stack pointer lies below the guarding function's frame,
/// and none of any primitive's accesses. Nested guards: the innermost that covers the fault. A fault
/// in a signal handler that interrupted f counts as f's; then the signals that this handler blocked
/// stay blocked.
#pragma once

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/jump.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace detail {

template <class F>
using result_of = decltype(lvalue<F>()());

// As far as the language can say it: f says that it does not throw, and neither it nor its value
// owns anything.
template <class F>
concept guardable = __is_trivially_copyable(F) && noexcept(lvalue<F>()()) &&
                    (same<result_of<F>, void> || __is_trivially_copyable(result_of<F>));

// Runs `run(body)`, an engine's verb, and brings f's value out of it.
template <class F, class Run>
result<result_of<F>> bring_back(F& f, Run run) noexcept {
  using R = result_of<F>;
  if constexpr (same<R, void>) {
    return {run(f)};
  } else {
    room<R> value;
    auto body = [&]() noexcept {
      const R returned = f();
      __builtin_memcpy(value.bytes, __builtin_addressof(returned), sizeof(R));
    };
    const fault met = run(body);
    if (met.kind != cause::none) return result<R>::stopped(met);
    return value.value;
  }
}

template <class F>
result<result_of<F>> not_run(const fault& why) noexcept {
  if constexpr (same<result_of<F>, void>)
    return {why};
  else
    return result<result_of<F>>::stopped(why);
}

template <class F, class E>
result<result_of<F>> guard_range(const volatile void* p, std::size_t n, F& f, const E& e) noexcept {
  if (wraps(p, n)) return not_run<F>(wrapped(p, access_kind::read));
  if (!e.ready()) [[unlikely]]
    return not_run<F>(not_ready(p, access_kind::read));
  return bring_back(f, [&](auto& body) noexcept { return e.run_within(p, n, body); });
}

}  // namespace detail

/// Runs f() and catches any fault in it. `stopped_by.address` is where the machine says the fault
/// was (null where it does not say), `during` says read or write for page faults. Async-signal-safe
/// after install() as far as f is. Costs 5 ns on the way in; one signal and one system call where f
/// faults.
///
/// @snippet guarded.cpp guarded
template <detail::guardable F, engine::offering<engine::verb::run> E = engine::jump>
result<detail::result_of<F>> guarded(F f, E e = E{}) noexcept {
  if (!e.ready()) [[unlikely]]
    return detail::not_run<F>(detail::not_ready(nullptr, access_kind::read));
  return detail::bring_back(f, [&](auto& body) noexcept { return e.run(body); });
}

/// The same, but only for faults whose address lies in the range (for poison: where what was lost,
/// aligned to its extent, meets it). Any other goes to outer guards and then to the previous handler,
/// as if this guard were not there; so does a fault without address. A range that wraps: bad_address,
/// and f is not run.
///
/// @snippet guarded.cpp guarded_range
template <detail::guardable F, engine::offering<engine::verb::run> E = engine::jump>
result<detail::result_of<F>> guarded(const volatile void* p, std::size_t n, F f,
                                     E e = E{}) noexcept {
  return detail::guard_range(p, n, f, e);
}
/// The same for the bytes of a range.
template <byte_range R, detail::guardable F, engine::offering<engine::verb::run> E = engine::jump>
result<detail::result_of<F>> guarded(R&& range, F f, E e = E{}) noexcept {
  return detail::guard_range(detail::data(range), detail::bytes_of(range), f, e);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
