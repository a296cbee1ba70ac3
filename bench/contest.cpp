#include "contest.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>
#include <numeric>
#include <random>
#include <regex>
#include <vector>

namespace bench {

namespace {

// Each way has this long at least in each round.
constexpr double nanoseconds_a_turn = 100'000;

// As Google Benchmark names them, which is what its filter sees.
std::vector<std::string> names;
std::size_t chosen = 0, running = 0, pass = 0;

// What has been measured of each contest: a row of turns for each of its ways.
std::map<std::string, std::vector<std::vector<double>>> measured;

double median(std::vector<double> all) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

// What ours took to what the limit did in each round, from the round on in which both together took least. So it is
// the machine that chooses, and neither of them.
std::vector<double> ratios_from_quiet_on(const std::vector<double>& ours,
                                         const std::vector<double>& limit) {
  std::vector<std::size_t> rounds(ours.size());
  std::iota(rounds.begin(), rounds.end(), std::size_t{0});
  std::stable_sort(rounds.begin(), rounds.end(), [&](std::size_t a, std::size_t b) {
    return ours[a] * limit[a] < ours[b] * limit[b];
  });
  std::vector<double> ratios;
  for (const std::size_t r : rounds) ratios.push_back(ours[r] / limit[r]);
  return ratios;
}

std::ptrdiff_t quiet_third(std::size_t rounds) {
  return static_cast<std::ptrdiff_t>((rounds + 2) / 3);
}

// How often the work is done in a turn.
std::size_t repetitions(const way& w) {
  std::size_t n = 1;
  while (!w.single) {
    // The better of two: what interrupts one of them is not the work.
    const double now = std::min(w.turn(n), w.turn(n));
    if (now >= nanoseconds_a_turn) break;
    const double wanted = nanoseconds_a_turn * 1.2 / std::max(now, 1.0);
    n *= static_cast<std::size_t>(std::clamp(wanted, 2.0, 10.0));
  }
  return n;
}

// On a terminal: the contest that is running. Its line is overwritten by that of the next one, or of its result.
void show_begin(const std::string& contest) {
  ++running;
  if (::isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "pass %zu of %zu: [%zu of %zu] %s ...\033[K\r", pass, passes, running,
               chosen, contest.c_str());
}

// Its result, once the last pass has it.
void show_end(const std::string& contest, const std::string& text) {
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\033[K", stderr);
  std::printf("[%zu of %zu] %s: %s\n", running, chosen, contest.c_str(), text.c_str());
  std::fflush(stdout);
}

std::string in_words(const char* format, double figure, const std::string& rest) {
  char room[64];
  std::snprintf(room, sizeof room, format, figure);
  return room + rest;
}

void run(benchmark::State& state, const goal& wanted, const std::string& variant,
         const std::function<ways()>& make) {
  const std::string contest = wanted.row + "/" + variant;
  show_begin(contest);
  ways made;
  try {
    made = make();
  } catch (const std::exception& problem) {
    state.SkipWithError(problem.what());
    if (pass < passes) return;
    show_end(contest, std::string("not run here: ") + problem.what());
    note_not_run(contest, problem.what());
    return;
  }
  const std::vector<const way*> all = made.all();

  std::vector<std::size_t> n;
  for (const way* w : all) n.push_back(repetitions(*w));
  std::vector<std::vector<double>>& samples = measured[contest];
  samples.resize(all.size());
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  static std::minstd_rand shuffler;
  for (auto _ : state) {
    std::shuffle(order.begin(), order.end(), shuffler);
    for (const std::size_t turn : order) {
      samples[turn].push_back(all[turn]->turn(n[turn]) / static_cast<double>(n[turn]));
    }
    state.SetIterationTime(samples[0].back() * 1e-9);
  }
  if (pass < passes) return;

  std::vector<double> medians;
  for (const std::vector<double>& turns : samples) medians.push_back(median(turns));
  const bool is_ratio = !made.limits.empty();
  std::string compared;
  double came_to = medians[0];
  if (is_ratio) {
    const auto limits = medians.begin() + 1;
    const auto best = static_cast<std::size_t>(
        std::min_element(limits, limits + static_cast<std::ptrdiff_t>(made.limits.size())) -
        medians.begin());
    const std::vector<double> ratios = ratios_from_quiet_on(samples[0], samples[best]);
    came_to = median({ratios.begin(), ratios.begin() + quiet_third(ratios.size())});
    state.counters["ratio"] = came_to;
    state.counters["ratio, all rounds"] = median(ratios);
    state.SetLabel("beside " + all[best]->name);
    compared = in_words("%.3f", came_to, " x " + all[best]->name) +
               in_words("; all rounds: %.3f", median(ratios), "; ");
    std::vector<double>& turns = samples[best];
    std::sort(turns.begin(), turns.end());
    note_spread(turns[turns.size() - 1 - turns.size() / 10] / turns[turns.size() / 10]);
  }
  std::string figures;
  for (std::size_t i = 0; i < all.size(); ++i) {
    state.counters[all[i]->name + ", " + wanted.unit] = medians[i];
    figures +=
        (i == 0 ? "" : ", ") + all[i]->name + in_words(" %.4g", medians[i], " " + wanted.unit);
  }
  note_result(wanted, variant, came_to, is_ratio);
  show_end(contest, compared + figures);
}

// Google Benchmark's rules: a regular expression anywhere in the name; "-" before it turns it round.
std::size_t count_chosen() {
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty() || filter == "all") filter = ".";
  const bool others = filter.front() == '-';
  try {
    const std::regex wanted(filter.substr(others ? 1 : 0), std::regex::extended);
    return static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(),
        [&](const std::string& name) { return std::regex_search(name, wanted) != others; }));
  } catch (const std::regex_error&) {
    return 0;  // Google Benchmark says so itself
  }
}

// The lines above are enough.
struct silent : benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

}  // namespace

void enter(const goal& for_row, const std::string& variant, std::function<ways()> make,
           std::size_t rounds) {
  const std::string name = for_row.row + "/" + variant;
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { run(state, for_row, variant, make); })
      ->Iterations(static_cast<benchmark::IterationCount>(rounds))
      ->UseManualTime();
  names.push_back(name + "/iterations:" + std::to_string(rounds) + "/manual_time");
}

std::size_t run_contests() {
  chosen = count_chosen();
  silent display;
  std::size_t ran = 0;
  for (pass = 1; pass <= passes; ++pass) {
    std::printf("pass %zu of %zu\n", pass, passes);
    std::fflush(stdout);
    running = 0;
    ran = benchmark::RunSpecifiedBenchmarks(&display);
    if (ran == 0) break;
  }
  return ran;
}

}  // namespace bench
