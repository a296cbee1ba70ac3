#include "goals.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "processors.hpp"

namespace bench {

namespace {

struct result {
  std::string variant;
  double came_to;
};

struct row {
  goal wanted;
  bool is_ratio;
  std::vector<result> results;

  double mean() const {
    double logarithms = 0;
    for (const result& one : results) logarithms += std::log(one.came_to);
    return std::exp(logarithms / static_cast<double>(results.size()));
  }
  const result& worst() const {
    const result* w = &results.front();
    for (const result& one : results)
      if (one.came_to > w->came_to) w = &one;
    return *w;
  }
  bool met() const {
    return worst().came_to <= wanted.each && (wanted.mean == 0 || mean() <= wanted.mean);
  }
  // A figure with its unit, if it is no ratio.
  std::string text(double figure, int digits) const {
    char room[64];
    std::snprintf(room, sizeof room, "%.*f%s%s", digits, figure, is_ratio ? "" : " ",
                  is_ratio ? "" : wanted.unit.c_str());
    return room;
  }
};

std::vector<row> table;
std::vector<std::pair<std::string, std::string>> not_run;
std::vector<double> spreads;

}  // namespace

void note_result(const goal& of, const std::string& variant, double came_to, bool is_ratio) {
  for (row& r : table)
    if (r.wanted.row == of.row) {
      r.results.push_back({variant, came_to});
      return;
    }
  table.push_back({of, is_ratio, {{variant, came_to}}});
}

void note_spread(double slowest_to_fastest) { spreads.push_back(slowest_to_fastest); }

void note_not_run(const std::string& contest, const std::string& why) {
  not_run.emplace_back(contest, why);
}

void print_goals() {
  std::size_t goals_met = 0;
  std::printf(
      "\nGoals, on %s (where no unit stands, ratios: ours to the fastest limit; medians of the "
      "quietest third of the rounds, of the contests that ran)\n\n",
      processor_name().c_str());
  std::printf("%-52s %9s %9s  %-36s %s\n", "work", "mean", "worst", "where", "goal");
  for (const row& r : table) {
    goals_met += r.met();
    std::string wanted = r.text(r.wanted.each, 2);
    if (r.wanted.mean != 0) wanted += ", mean " + r.text(r.wanted.mean, 2);
    std::printf("%-52s %9s %9s  %-36s %s: %s\n", r.wanted.row.c_str(), r.text(r.mean(), 3).c_str(),
                r.text(r.worst().came_to, 3).c_str(), r.worst().variant.c_str(), wanted.c_str(),
                r.met() ? "met" : "NOT MET");
  }
  std::printf("\n%zu of %zu goals met\n", goals_met, table.size());
  for (const row& r : table)
    if (!r.met() && !r.wanted.reason.empty())
      std::printf("%s: %s\n", r.wanted.row.c_str(), r.wanted.reason.c_str());
  if (!spreads.empty()) {
    const auto middle = spreads.begin() + static_cast<std::ptrdiff_t>(spreads.size() / 2);
    std::nth_element(spreads.begin(), middle, spreads.end());
    std::printf(
        "how quiet the machine was: in every second contest the limit's slowest turns took more "
        "than %.2f times what its fastest did (a tenth of them each)\n",
        *middle);
  }
  for (const auto& [contest, why] : not_run)
    std::printf("not run here: %s: %s\n", contest.c_str(), why.c_str());
}

}  // namespace bench
