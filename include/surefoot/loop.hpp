/// @file
/// resume and restart: the retry loops around a copy, each with the question that belongs to it.
///
/// resume: for steps that keep what they did and go on from there. Asks fault_in: some progress is
/// enough.
///
/// restart: for operations that begin again from the start. Asks ensure_accessible: every byte, or
/// nothing.
///
/// The wrong pairing retries for ever: the first page is fine, so the fault-in "succeeds", the
/// operation fails on the second page, again and again (the livelock the Linux review began with,
/// restoring FPU registers; btrfs had it on arm64 with memory tagging). Here it does not compile: a
/// probe for restart() must return a verdict.
///
/// Both loops end. Rounds without progress are bounded; then the answer is `stalled`.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/ensure_accessible.hpp>
#include <surefoot/fault.hpp>
#include <surefoot/fault_in.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

/// How patient a loop is, and how much it offers at once.
///
/// @snippet loop.cpp loop_options
struct SUREFOOT_PUBLIC loop_options {
  /// How many rounds in a row may bring nothing although the probe says "fine", before the loop
  /// gives up. Enough for memory that is reclaimed or repaired meanwhile; few enough that a livelock
  /// ends in microseconds.
  unsigned rounds = 16;
  /// The most bytes that a step is offered at once; 0: all that is left. After a short step the
  /// chunk is halved, down to a page; after a whole one it grows again.
  std::size_t chunk = 0;
};

/// What a step returns to end the loop although nothing failed: it has done `done` bytes of the
/// `offered` ones. Touches nothing, so it is async-signal-safe, and costs nothing.
///
/// @snippet loop.cpp stop
constexpr progress stop(std::size_t done, std::size_t offered) noexcept {
  return {done, done < offered ? offered - done : 0, {.kind = cause::stopped}};
}

/// The usual fault-in policy: fault_in_readable or fault_in_writeable with an engine. A policy of
/// one's own (a pager) is called in the same way, (access_kind, address, bytes), and returns how far
/// it made the range accessible.
///
/// @snippet loop.cpp touch_with
template <engine::offering<engine::verb::probe> E = engine::standard>
struct SUREFOOT_PUBLIC touch_with {
  /// What makes the accesses.
  [[no_unique_address]] E engine{};

  /// Faults in [p, p + n). Async-signal-safe after install().
  SUREFOOT_HIDDEN progress operator()(access_kind kind, const volatile void* p,
                                      std::size_t n) const noexcept {
    return kind == access_kind::read ? detail::fault_in<access_kind::read>(p, n, engine)
                                     : detail::fault_in<access_kind::write>(p, n, engine);
  }
};
/// Named by its engine.
template <class E>
touch_with(E) -> touch_with<E>;
/// The default policy of both loops, with the standard engine.
///
/// @snippet loop.cpp touch_with
inline constexpr touch_with<> touch{};

/// The usual probe of restart(): ensure_accessible, every byte.
///
/// @snippet loop.cpp ensure_with
template <detail::ensures<granularity::hardware> E = engine::standard,
          granularity G = granularity::hardware>
struct SUREFOOT_PUBLIC ensure_with {
  /// What makes the accesses.
  [[no_unique_address]] E engine{};

  /// Asks every byte of [p, p + n). Async-signal-safe after install().
  SUREFOOT_HIDDEN verdict operator()(access_kind kind, const volatile void* p,
                                     std::size_t n) const noexcept {
    return {kind == access_kind::read
                ? detail::first_bad_byte<access_kind::read, G>(p, n, engine)
                : detail::first_bad_byte<access_kind::write, G>(p, n, engine)};
  }
};
/// Named by its engine.
template <class E>
ensure_with(E) -> ensure_with<E>;
/// The default probe of restart(), with the standard engine.
///
/// @snippet loop.cpp ensure_with
inline constexpr ensure_with<> ensure{};

namespace detail {

// A need is kept while the loop runs: it must not name the elements of a temporary that owns them.
// Views (span, string_view) are trivially copyable, owners are not.
template <class R>
concept lasting = is_reference<R> || __is_trivially_copyable(R);
template <class R>
concept lasting_bytes = byte_range<R> && lasting<R>;
template <class R>
concept lasting_writeable_bytes = writeable_byte_range<R> && lasting<R>;
template <class R>
concept lasting_buffers = buffer_range<R> && lasting<R>;

}  // namespace detail

/// A range that an operation reads or writes. Made by reads() and writes().
///
/// @snippet loop.cpp need
struct SUREFOOT_PUBLIC need {
  access_kind kind = access_kind::read;  ///< what the operation does there
  const volatile void* data = nullptr;   ///< where the range begins; null where `buffers` is set
  std::size_t size = 0;                  ///< bytes; where `buffers` is set, how many of them
  const iovec* buffers = nullptr;  ///< a vector of buffers, which must last as long as the loop
};

/// n bytes that an operation reads. Touches nothing, so it is async-signal-safe, and costs nothing.
///
/// @snippet loop.cpp need
inline need reads(const volatile void* p, std::size_t n) noexcept {
  return {access_kind::read, p, n};
}
/// The bytes of a range, which must last as long as the loop: a temporary that owns them does not compile.
template <detail::lasting_bytes R>
need reads(R&& range) noexcept {
  return {access_kind::read, detail::data(range), detail::bytes_of(range)};
}
/// The same for each of many buffers.
template <detail::lasting_buffers R>
need reads(R&& buffers) noexcept {
  return {access_kind::read, nullptr, detail::size(buffers), detail::data(buffers)};
}
/// n bytes that an operation writes. Touches nothing, so it is async-signal-safe, and costs nothing.
///
/// @snippet loop.cpp need
inline need writes(volatile void* p, std::size_t n) noexcept { return {access_kind::write, p, n}; }
/// The bytes of a range, as of reads().
template <detail::lasting_writeable_bytes R>
need writes(R&& range) noexcept {
  return {access_kind::write, detail::data(range), detail::bytes_of(range)};
}
/// The same for each of many buffers.
template <detail::lasting_buffers R>
need writes(R&& buffers) noexcept {
  return {access_kind::write, nullptr, detail::size(buffers), detail::data(buffers)};
}

/// Several needs, made by needs().
///
/// @snippet loop.cpp needs
template <std::size_t N>
struct SUREFOOT_PUBLIC need_list {
  need each[N];  ///< in the order in which they are asked
};
/// One or more of them: needs(reads(a), writes(b)). Touches nothing, so it is async-signal-safe, and costs
/// nothing.
///
/// @snippet loop.cpp needs
template <class... More>
auto needs(need first, More... more) noexcept -> need_list<1 + sizeof...(More)> {
  return {{first, more...}};
}

namespace detail {

template <class S, access_kind K>
concept step_for = requires(S& step, typename pointer_for<K>::type p, std::size_t n) {
  requires same<decltype(step(p, n)), progress> || same<decltype(step(p, n)), std::size_t>;
};

template <class F>
concept fault_in_policy = requires(F& policy, const volatile void* p, std::size_t n) {
  requires same<decltype(policy(access_kind::read, p, n)), progress>;
};

// Every byte or nothing: a probe that answers page by page returns `progress`, and is the wrong
// one.
template <class P>
concept whole_probe = requires(P& probe, const volatile void* p, std::size_t n) {
  requires same<decltype(probe(access_kind::read, p, n)), verdict>;
};

template <class Op>
concept restartable = requires(Op& op) {
  requires same<decltype(op()), progress> || same<decltype(op()), verdict>;
};

// Is this fault one that faulting in [p, p + n) for this kind of access may mend?
inline bool concerns(const fault& f, access_kind kind, const volatile void* p,
                     std::size_t n) noexcept {
  return f.during == kind && f.kind != cause::stopped && address(f.address) - address(p) < n;
}

template <access_kind K, class Step, class FaultIn>
progress resume_loop(typename pointer_for<K>::type start, std::size_t n, Step& step,
                     const loop_options& options, FaultIn& fault_in) noexcept {
  const std::size_t largest = options.chunk == 0 ? n : options.chunk;
  std::size_t chunk = largest;
  unsigned idle = 0;
  progress all{0, n};
  const auto end_with = [&](fault why) noexcept {
    all.stopped_by = why;
    return all;
  };
  while (all.left > 0) {
    const typename pointer_for<K>::type here = forward(start, all.done);
    const std::size_t offered = smaller(chunk, all.left);
    const auto answer = step(here, offered);
    progress got;
    if constexpr (same<decltype(step(here, offered)), progress>)
      got = answer;
    else
      got = {answer, offered - answer};
    if (got.done > offered) return end_with({.address = here, .kind = cause::overrun, .during = K});
    all.done += got.done;
    all.left -= got.done;
    if (all.left == 0) break;
    // The step's own fault: one that faulting in what is left of the offer cannot mend.
    const fault& own = got.stopped_by;
    if (own.kind == cause::stopped)
      return end_with({.address = forward(here, got.done), .kind = own.kind, .during = K});
    if (own.kind != cause::none && !concerns(own, K, here, offered)) return end_with(own);
    if (got.done == offered) {
      idle = 0;
      chunk = chunk > largest / 2 ? largest : chunk * 2;
      continue;
    }
    chunk = smaller(largest, larger(smaller(chunk, offered) / 2, fault_in_unit));
    if (got.done > 0) {
      idle = 0;
      continue;
    }
    const progress ready = fault_in(K, here, offered);
    if (!ready.any()) {
      const bool says_why = ready.stopped_by.kind != cause::none;
      return end_with(says_why ? ready.stopped_by
                               : fault{.address = here, .kind = cause::unknown, .during = K});
    }
    if (++idle >= options.rounds)
      return end_with({.address = here, .kind = cause::stalled, .during = K});
    // Offer what is there now, so that a step which takes all or nothing can take it: as far as the
    // fault-in came, without the byte that stopped the step.
    std::size_t there = smaller(ready.done, offered);
    if (own.kind != cause::none) {
      const std::size_t reached = address(own.address) - address(here);
      if (reached > 0) there = smaller(there, reached);
    }
    chunk = smaller(chunk, larger(there, std::size_t{1}));
  }
  return all;
}

// The first bad byte among the needs of an operation, and where it stands: in which need, in which
// of its buffers, and how many bytes of that range begin there.
struct unmet {
  fault bad{};
  std::size_t need = 0;
  std::size_t buffer = 0;
  std::size_t bytes = 0;

  bool met() const noexcept { return bad.kind == cause::none; }
  bool lies_behind(const unmet& other) const noexcept {
    if (need != other.need) return need > other.need;
    if (buffer != other.buffer) return buffer > other.buffer;
    return address(bad.address) > address(other.bad.address);
  }
};

template <class Probe>
unmet first_unmet(const need* all, std::size_t count, Probe& probe) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const bool one_range = all[i].buffers == nullptr;
    for (std::size_t j = 0; j < (one_range ? 1 : all[i].size); ++j) {
      const volatile void* const p = one_range ? all[i].data : all[i].buffers[j].iov_base;
      const std::size_t n = one_range ? all[i].size : all[i].buffers[j].iov_len;
      const verdict v = probe(all[i].kind, p, n);
      if (v) continue;
      const std::size_t before = address(v.stopped_by.address) - address(p);
      return {v.stopped_by, i, j, before < n ? n - before : n};
    }
  }
  return {};
}

// Why an operation did not do all of it; none where it did. A short count without a cause (a
// write() that did less) is no success.
inline fault failure(const verdict& v) noexcept { return v.stopped_by; }
inline fault failure(const progress& p) noexcept {
  if (p.all()) return {};
  return p.stopped_by.kind == cause::none ? fault{.kind = cause::unknown} : p.stopped_by;
}

template <class Op, class Probe, class FaultIn>
verdict restart_loop(const need* all, std::size_t count, Op& op, const loop_options& options,
                     Probe& probe, FaultIn& fault_in) noexcept {
  unmet furthest;
  for (unsigned idle = 0;;) {
    const fault last = failure(op());
    if (last.kind == cause::none || last.kind == cause::stopped) return {last};
    const unmet now = first_unmet(all, count, probe);
    if (!now.met() && !fault_in(all[now.need].kind, now.bad.address, now.bytes).any())
      return {now.bad};
    // Progress is a first bad byte further on than ever before: so a pager may bring in any number
    // of pages, one a round, and an adversary who takes them away again still meets an end.
    if (!now.met() && (furthest.met() || now.lies_behind(furthest))) {
      furthest = now;
      idle = 0;
    } else if (++idle >= options.rounds) {
      return {{.address = last.address, .kind = cause::stalled, .during = last.during}};
    }
  }
}

}  // namespace detail

/// Hands [p, p + n), one contiguous range, to `step` piece by piece, each byte once and in order,
/// until all of it is done.
///
/// step(p, n) returns what it did of the n bytes at p: a `progress`, or exactly a std::size_t;
/// nothing else compiles. Of a progress `done` and `stopped_by` count: a step that takes only a part
/// of what it is offered returns what came of that part.
///  - Less than offered: the loop goes on with the rest, in smaller chunks.
///  - Nothing: the loop faults in from p, at most the current chunk, and ends only if that fails as
///    well. A step that takes all or nothing says so with the fault that stopped it: it is then offered
///    what comes before that byte.
///  - A fault of its own, that is one outside [p, p + n) or on the other side of a copy, ends the
///    loop, as does stop().
///  - More than offered ends the loop with `overrun`; those bytes are not counted.
/// After loop_options::rounds steps in a row that did nothing although the fault-in says "fine":
/// `stalled`. The answer's `done` counts the bytes that steps reported. A range that wraps:
/// bad_address, and no step is made. Noexcept, allocates nothing. Async-signal-safe after install() as far as the
/// step and the policy are. Costs its steps, and one fault-in for each that did nothing.
///
/// @snippet loop.cpp resume
template <access_kind K, detail::step_for<K> Step,
          detail::fault_in_policy FaultIn = const touch_with<>&>
progress resume(typename detail::pointer_for<K>::type p, std::size_t n, Step&& step,
                loop_options options = {}, FaultIn&& fault_in = touch) noexcept {
  if (detail::wraps(p, n)) return detail::nothing_done(n, detail::wrapped(p, K));
  return detail::resume_loop<K>(p, n, step, options, fault_in);
}
/// The same for the bytes of a range.
template <access_kind K, detail::range_for<K> R, detail::step_for<K> Step,
          detail::fault_in_policy FaultIn = const touch_with<>&>
progress resume(R&& range, Step&& step, loop_options options = {},
                FaultIn&& fault_in = touch) noexcept {
  return surefoot::resume<K>(detail::data(range), detail::bytes_of(range), step, options, fault_in);
}

/// Runs `op`, which begins from the start each time, until it succeeds. op() returns `progress` or
/// `verdict`; bool does not compile.
///
/// `what` is one or more of reads(range), writes(range), put together with needs(): every range that
/// the operation touches, which may be more than its data claims (kernel CVE-2024-26603). After a
/// failure the loop asks the probe for all of them; where that fails it asks the fault-in policy
/// once, from the failing address on, and ends with the probe's fault if that fails too. After
/// loop_options::rounds failures of an operation whose needs are fine: `stalled`, with the address
/// of its last fault. An op that returns stop() ends the loop. Noexcept, allocates
/// nothing. Async-signal-safe after install() as far as the operation and the policies are. Costs nothing beside
/// an operation that succeeds, and one probe of all the needs after each that failed.
///
/// @snippet loop.cpp restart
template <detail::restartable Op, detail::whole_probe Probe = const ensure_with<>&,
          detail::fault_in_policy FaultIn = const touch_with<>&>
verdict restart(const need& what, Op&& op, loop_options options = {}, Probe&& probe = ensure,
                FaultIn&& fault_in = touch) noexcept {
  return detail::restart_loop(&what, 1, op, options, probe, fault_in);
}
/// The same for several needs.
template <std::size_t N, detail::restartable Op, detail::whole_probe Probe = const ensure_with<>&,
          detail::fault_in_policy FaultIn = const touch_with<>&>
verdict restart(const need_list<N>& what, Op&& op, loop_options options = {},
                Probe&& probe = ensure, FaultIn&& fault_in = touch) noexcept {
  return detail::restart_loop(what.each, N, op, options, probe, fault_in);
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
