#include "contest.hpp"

#include <benchmark/benchmark.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace bench {

namespace {

using clock = std::chrono::steady_clock;

// Each way has this long at least in each round, and so many rounds.
constexpr double nanoseconds_a_turn = 100'000;
constexpr std::size_t rounds = 31;

struct figure {
  std::string name;
  double nanoseconds;
};

struct result {
  std::string variant;
  double ratio;
  std::vector<figure> figures;  // ours, limits, peers
};

struct row {
  goal wanted;
  std::vector<result> results;
};

std::vector<row> table;

row& row_of(const goal& wanted) {
  for (row& r : table)
    if (r.wanted.row == wanted.row) return r;
  return table.emplace_back(row{wanted, {}});
}

double median(std::vector<double> all) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

double took(const way& w, std::size_t n) {
  const auto begin = clock::now();
  w.work(n);
  return std::chrono::duration<double, std::nano>(clock::now() - begin).count();
}

// How often the work is done in a turn.
std::size_t repetitions(const way& w) {
  std::size_t n = 1;
  for (;;) {
    // The better of two: what interrupts one of them is not the work.
    const double now = std::min(took(w, n), took(w, n));
    if (now >= nanoseconds_a_turn) return n;
    const double wanted = nanoseconds_a_turn * 1.2 / std::max(now, 1.0);
    n *= static_cast<std::size_t>(std::clamp(wanted, 2.0, 10.0));
  }
}

void run(benchmark::State& state, const goal& wanted, const std::string& variant,
         const std::function<ways()>& make) {
  const ways made = make();
  std::vector<const way*> all{&made.ours};
  for (const way& w : made.limits) all.push_back(&w);
  for (const way& w : made.peers) all.push_back(&w);

  std::vector<std::size_t> n;
  for (const way* w : all) n.push_back(repetitions(*w));
  std::vector<std::vector<double>> samples(all.size());
  std::size_t round = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t turn = (i + round) % all.size();
      samples[turn].push_back(took(*all[turn], n[turn]) / static_cast<double>(n[turn]));
    }
    state.SetIterationTime(samples[0].back() * 1e-9);
    ++round;
  }

  result met{variant, 0, {}};
  std::size_t best = 1;
  for (std::size_t i = 0; i < all.size(); ++i) {
    met.figures.push_back({all[i]->name, median(samples[i])});
    state.counters[all[i]->name + ", ns"] = met.figures[i].nanoseconds;
    if (i >= 1 && i <= made.limits.size() &&
        met.figures[i].nanoseconds < met.figures[best].nanoseconds)
      best = i;
  }
  std::vector<double> ratios;
  for (std::size_t r = 0; r < round; ++r) ratios.push_back(samples[0][r] / samples[best][r]);
  met.ratio = median(ratios);
  state.counters["ratio"] = met.ratio;
  state.SetLabel("beside " + all[best]->name);
  row_of(wanted).results.push_back(met);
}

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

void print_table() {
  std::size_t goals_met = 0;
  std::printf(
      "\nGoals, on %s (ratios: ours to the fastest limit, medians of %zu rounds, of the "
      "contests that ran)\n\n",
      processor().c_str(), rounds);
  std::printf("%-52s %9s %9s  %-32s %s\n", "work", "mean", "worst", "where", "goal");
  for (const row& r : table) {
    double logarithms = 0;
    const result* worst = &r.results.front();
    for (const result& one : r.results) {
      logarithms += std::log(one.ratio);
      if (one.ratio > worst->ratio) worst = &one;
    }
    const double mean = std::exp(logarithms / static_cast<double>(r.results.size()));
    const bool met = worst->ratio <= r.wanted.each && (r.wanted.mean == 0 || mean <= r.wanted.mean);
    goals_met += met;
    char wanted[64];
    if (r.wanted.mean != 0)
      std::snprintf(wanted, sizeof wanted, "%.2f, mean %.2f", r.wanted.each, r.wanted.mean);
    else
      std::snprintf(wanted, sizeof wanted, "%.2f", r.wanted.each);
    std::printf("%-52s %9.3f %9.3f  %-32s %s: %s\n", r.wanted.row.c_str(), mean, worst->ratio,
                worst->variant.c_str(), wanted, met ? "met" : "NOT MET");
  }
  std::printf("\n%zu of %zu goals met\n", goals_met, table.size());
}

// On one processor, the last that this process may use: the first serves most interrupts.
void pin() {
  cpu_set_t all, one;
  CPU_ZERO(&one);
  if (::sched_getaffinity(0, sizeof all, &all) != 0) return;
  for (std::size_t i = CPU_SETSIZE; i-- > 0;)
    if (CPU_ISSET(i, &all)) {
      CPU_SET(i, &one);
      ::sched_setaffinity(0, sizeof one, &one);
      return;
    }
}

}  // namespace

void enter(const goal& for_row, const std::string& variant, std::function<ways()> make) {
  const std::string name = for_row.row + "/" + variant;
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { run(state, for_row, variant, make); })
      ->Iterations(rounds)
      ->UseManualTime();
}

}  // namespace bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  bench::pin();
  bench::enter_values();
  bench::enter_copies();
  bench::enter_strings();
  bench::enter_faults();
  bench::enter_scans();
  if (benchmark::RunSpecifiedBenchmarks() == 0) return 2;
  benchmark::Shutdown();
  bench::print_table();
}
