// Engines that fault in however many pages as engine/populate.hpp does it, with a clock that says what the test
// wants: which way is taken does not depend on how fast this machine is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

namespace timed {

// Nobody may know the time: each page is touched.
struct no_clock {
  static std::uint64_t ticks() noexcept { return 0; }
};
// Nothing takes any time: everything was there already.
struct nothing_is_slow {
  static std::uint64_t ticks() noexcept { return 1; }
};
// Everything was cold, as pages without neighbours.
struct all_is_slow {
  static inline std::uint64_t now = 0;
  static std::uint64_t ticks() noexcept { return now += 1'000'000'000; }
};
// Each second look finds something slow: a fault that brought in what lies around it.
struct each_second_is_slow {
  static inline std::uint64_t now = 0;
  static inline bool slow = false;
  static std::uint64_t ticks() noexcept {
    slow = !slow;
    return now += slow ? 1 : 1'000'000'000;
  }
};
// As a huge page: the first look finds it slow, all others do not.
struct first_is_slow {
  static inline unsigned looks = 0;
  static void begin() noexcept { looks = 0; }
  static std::uint64_t ticks() noexcept { return ++looks == 1 ? 1 : 1'000'000'000; }
};
// As a file whose faults bring in sixteen pages each: twice Half for the 256 of a look. Then what a call for 1,024
// takes, and what all else does.
template <std::uint64_t Call, std::uint64_t Else, std::uint64_t Half = 60'000>
struct sixteen_at_once {
  static inline std::uint64_t now = 0;
  static inline unsigned looks = 0;
  static void begin() noexcept { looks = 0; }
  static std::uint64_t ticks() noexcept {
    // The first four pages, of which one was slow; the next one; a huge page's, which is none.
    constexpr std::uint64_t took[] = {1, 10'000, 100, 10'000, 1, 60'000, 60'000, 1, Half, Half};
    const unsigned i = looks++;
    return now += i < 10 ? took[i] : i == 10 ? Call : Else;
  }
};
// Anything.
struct fickle {
  static inline std::uint64_t now = 1;
  static inline std::uint64_t state = 1;
  static std::uint64_t ticks() noexcept {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    constexpr std::uint64_t took[] = {1, 100, 1'000, 10'000, 1'000'000, 1'000'000'000};
    return now += took[state % 6];
  }
};

template <class E, class Clock>
struct engine : E {
  template <surefoot::access_kind K>
  static surefoot::progress probe_each(const volatile void* p, std::size_t n,
                                       std::size_t stride) noexcept {
    if (stride != E::page_size()) return E::template probe_each<K>(p, n, stride);
    if constexpr (requires { Clock::begin(); }) Clock::begin();
    return E::template probe_pages<K, Clock>(p, n);
  }
};

template <class E>
using without_clock = engine<E, no_clock>;
template <class E>
using never_slow = engine<E, nothing_is_slow>;
template <class E>
using always_slow = engine<E, all_is_slow>;
template <class E>
using often_slow = engine<E, each_second_is_slow>;
template <class E>
using slow_once = engine<E, first_is_slow>;
template <class E>
using by_sixteens = engine<E, sixteen_at_once<300'000, 1'200'000>>;
template <class E>
using anyhow = engine<E, fickle>;

}  // namespace timed
