// Which images a scenario is played with: the executable's own and those of shared objects.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "image.hpp"

namespace cast {

struct company {
  std::string name;
  std::size_t size;
  // Loads what has to be loaded. In the process of the scenario.
  std::vector<const guest::image*> (*enter)();
};

// Each executable has its own.
std::vector<company> companies();

}  // namespace cast
