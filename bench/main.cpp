#include <benchmark/benchmark.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "contest.hpp"
#include "processors.hpp"

namespace {

// On one processor, the last that this process may use: the first serves most interrupts.
void pin() {
  if (bench::processors().empty() || !bench::pin_to(bench::processors().back()))
    std::printf("not pinned to a processor (%s): the figures will scatter\n", std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  pin();
  bench::enter_values();
  bench::enter_copies();
  bench::enter_strings();
  bench::enter_faults();
  bench::enter_scans();
  bench::enter_fault_in();
  if (bench::run_contests() == 0) return 2;
  benchmark::Shutdown();
  bench::print_goals();
}
