// The goals, and what the contests came to: a table, each row marked met or not met.
#pragma once

#include <string>

namespace bench {

// A row of the table of goals. Ours may take so many times what the fastest limit takes: in each contest,
// and in the geometric mean of all (0: there is no such goal). Where a contest has no limits, so many of the
// unit.
struct goal {
  std::string row;
  double each;
  double mean = 0;
  std::string unit = "ns";  // of the figures
  std::string reason = {};  // why it cannot be met, where it is not: printed below the table
};

// A contest of the row came to this: a ratio, or a figure in the row's unit.
void note_result(const goal& of, const std::string& variant, double came_to, bool is_ratio);
// In a contest the limit's turns took so many times as long in the slowest tenth as in the fastest one.
void note_spread(double slowest_to_fastest);
void note_not_run(const std::string& contest, const std::string& why);

void print_goals();

}  // namespace bench
