// What one fault costs.
#include <memory>
#include <stdexcept>

#include "contest.hpp"
#include "elsewhere.hpp"
#include "memory.hpp"
#include "one_fault.hpp"

namespace bench {

void enter_faults() {
  enter({"one fault, table engine", 1.05}, with_table_entries(), one_fault_by_table);
  enter({"one fault, jump engine", 1.05, 0, "ns",
         "the limit knows that the fault is its own; ours looks for it in the table and among the "
         "guards, and says what it met: 380 instructions more, 20 to 40 ns"},
        "no access", one_fault_by_jump);

  // The same in a program with a larger table: many_entries/.
  const goal larger{"one fault, table engine, 10,000 entries more", 1.05};
  try {
    const auto other = std::make_shared<elsewhere>(own_directory() / "surefoot_bench_10000");
    enter(larger, other->variant(), [=] { return other->all(); });
  } catch (const std::runtime_error& problem) {
    enter(larger, "no access",
          [why = std::string(problem.what())]() -> ways { throw not_here(why); });
  }
}

}  // namespace bench
