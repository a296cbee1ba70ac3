// One way of doing some work, and what a turn of it takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

struct way {
  std::string name;
  // Does the work n times. What that took, in the contest's unit: nanoseconds, mostly.
  std::function<double(std::size_t n)> turn;
  // Whatever it takes, a turn is the work once.
  bool single = false;
};

// The ways of one contest: ours, then the limits, the fastest of which ours is compared with, then peers
// that are only shown. Without limits ours is compared with nothing: the goal is a figure itself.
struct ways {
  way ours;
  std::vector<way> limits;
  std::vector<way> peers;

  // All of them, in that order.
  std::vector<const way*> all() const {
    std::vector<const way*> each{&ours};
    for (const way& w : limits) each.push_back(&w);
    for (const way& w : peers) each.push_back(&w);
    return each;
  }
};

// What something takes, in nanoseconds.
template <class F>
double nanoseconds(F&& something) {
  using clock = std::chrono::steady_clock;
  const auto begin = clock::now();
  something();
  return std::chrono::duration<double, std::nano>(clock::now() - begin).count();
}

// work(n) does it n times.
template <class F>
way counted(std::string name, F work) {
  return {std::move(name), [work](std::size_t n) { return nanoseconds([&] { work(n); }); }};
}

// once() does it once; kept inline in the loop.
template <class F>
way repeated(std::string name, F once) {
  return counted(std::move(name), [once](std::size_t n) {
    for (; n > 0; --n) once();
  });
}

// The work needs something that lives meanwhile: make() returns it, before the clock starts, and it goes when
// the clock has stopped.
template <class Make, class F>
way during(std::string name, Make make, F work) {
  return {std::move(name), [make, work](std::size_t n) {
            [[maybe_unused]] const auto meanwhile = make();
            return nanoseconds([&] { work(n); });
          }};
}

// The work uses up what before() makes, which is made again each time, with the clock stopped.
template <class Before, class F>
way prepared(std::string name, Before before, F once) {
  return {std::move(name), [before, once](std::size_t n) {
            double took = 0;
            for (; n > 0; --n) {
              before();
              took += nanoseconds(once);
            }
            return took;
          }};
}

// What the compiler cannot see through.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "r"(value) : "memory");
}
template <class T>
inline T hide(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

}  // namespace bench
