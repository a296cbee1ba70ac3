// A load that faults, each time: by an engine of ours, beside the smallest handler that comes back to the
// program.
#pragma once

#include <string>

#include "way.hpp"

namespace bench {

ways one_fault_by_table();
ways one_fault_by_jump();

// The variant of these contests, with the size of this program's exception table.
std::string with_table_entries();

}  // namespace bench
