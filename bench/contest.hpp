// Ways of doing the same work, side by side in one process: in each round every way has its turn, in an order
// that rotates, and what counts is the median of the rounds' ratios. So what the machine does meanwhile
// (another clock, a noisy neighbour) meets all of them.
//
// Google Benchmark runs the contests, chooses them (--benchmark_filter) and writes their figures as JSON
// (--benchmark_out); the table of goals is printed by this program in the end.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

// Does the work n times.
struct way {
  std::string name;
  std::function<void(std::size_t n)> work;
};

// What does it once; kept inline in the loop.
template <class F>
way repeated(std::string name, F once) {
  return {std::move(name), [once](std::size_t n) {
            for (; n > 0; --n) once();
          }};
}

// The ways of one contest: ours, then the limits, the fastest of which ours is compared with, then peers
// that are only shown.
struct ways {
  way ours;
  std::vector<way> limits;
  std::vector<way> peers;
};

// A row of the table of goals. Ours may take so many times what the fastest limit takes: in each contest,
// and in the geometric mean of all (0: there is no such goal).
struct goal {
  std::string row;
  double each;
  double mean = 0;
};

// Enters a contest. Its ways are made when its turn comes, and taken down after it.
void enter(const goal& for_row, const std::string& variant, std::function<ways()> make);

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

// The contests of each file.
void enter_values();
void enter_copies();
void enter_strings();
void enter_faults();
void enter_scans();

}  // namespace bench
