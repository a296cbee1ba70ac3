// Ways of doing the same work, side by side in one process: in each round every way has its turn, in an order
// that is drawn. So what the machine does meanwhile (another clock, a noisy neighbour) meets all of them, and so
// does what another way leaves behind (a file's large pages that were split, or are to be written back: the next
// one takes 1.2 times as long). All contests run in several passes, and their rounds count together: a neighbour
// is noisy for seconds.
// What counts is the median of the ratios in the third of the rounds that took least, both sides together: a
// neighbour on the same core takes more from what has more instructions (1.0 becomes 1.4), and which third is quiet
// does not depend on who won it. The median over all rounds is printed beside it.
//
// Google Benchmark runs the contests, chooses them (--benchmark_filter) and writes their figures as JSON
// (--benchmark_out); progress, and the table of goals in the end (goals.hpp), are printed by this program.
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>

#include "goals.hpp"
#include "way.hpp"

namespace bench {

// Thrown by what makes a contest's ways, as any other exception may be: this machine cannot do it. It is listed,
// with the reason.
struct not_here : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr std::size_t passes = 5;
// In each of them.
constexpr std::size_t usual_rounds = 11;
constexpr std::size_t few_rounds = 5;  // where one turn takes long

// Enters a contest. Its ways are made when its turn comes, and taken down after it.
void enter(const goal& for_row, const std::string& variant, std::function<ways()> make,
           std::size_t rounds = usual_rounds);

// Runs those that --benchmark_filter names, and says how many these are.
std::size_t run_contests();

// The contests of each file.
void enter_values();
void enter_copies();
void enter_strings();
void enter_faults();
void enter_scans();
void enter_fault_in();
void enter_holes();
void enter_threads();
void enter_first_use();

// This program, started with this argument and what to use first, says what that took.
constexpr const char* first_use_argument = "--first-use";
int first_use(const char* first);

}  // namespace bench
