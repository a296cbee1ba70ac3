// What a process pays that uses us for the first time: a new one, each time.
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "child.hpp"
#include "contest.hpp"

namespace bench {

namespace {

constexpr const char *by_install = "install", *by_load = "try_load";

// In microseconds, said by another process of this program.
way in_a_new_process(const char* name, const char* first) {
  return {name,
          [=](std::size_t) {
            return std::stod(child({"/proc/self/exe", first_use_argument, first}).hear());
          },
          true};
}

}  // namespace

int first_use(const char* first) {
  static const int there = 1;
  (void)nanoseconds([] {});  // the clock's own first use
  double took = 0;
  if (std::strcmp(first, by_install) == 0)
    took = nanoseconds([] { keep(static_cast<bool>(surefoot::install())); });
  else if (std::strcmp(first, by_load) == 0)
    took = nanoseconds([] { keep(surefoot::try_load(hide(&there)).ok()); });
  else
    return 2;
  std::printf("%.3f\n", took / 1000);
  return 0;
}

void enter_first_use() {
  enter({"first use, per process: install()", 10, 0, "us"}, "a new process", [] {
    return ways{in_a_new_process("install()", by_install),
                {},
                {in_a_new_process("first try_load, the default engine", by_load)}};
  });
}

}  // namespace bench
