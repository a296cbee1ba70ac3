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
  if (argc == 3 && std::strcmp(argv[1], bench::first_use_argument) == 0)
    return bench::first_use(argv[2]);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  pin();
  benchmark::AddCustomContext("processor", bench::processor_name());
  bench::enter_values();
  bench::enter_copies();
  bench::enter_strings();
  bench::enter_faults();
  bench::enter_scans();
  bench::enter_fault_in();
  bench::enter_holes();
  bench::enter_threads();
  bench::enter_first_use();
  if (bench::run_contests() == 0) return 2;
  benchmark::Shutdown();
  bench::print_goals();
}
