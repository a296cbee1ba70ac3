// What the user asked for. Parsed by CLI11, in a file of its own: that header takes ten seconds.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <salvage/sabotage.hpp>
#include <string>
#include <vector>

namespace tool {

struct command_line {
  std::string source;
  std::string destination;
  std::string map;  // empty: none
  std::optional<std::chrono::duration<double>> map_interval;
  bool resume = false;
  std::size_t chunk = std::size_t{512} * 1024;  // bytes; a multiple of the page
  unsigned retries = 0;
  std::vector<tool::sabotage> sabotage;
  std::string color = "auto";  // or always, never
  bool quiet = false;
  bool only_talk = false;  // --help or --version: it was said, nothing is left to do
};

// Throws failure{status::usage} with the one line to say.
command_line parse(int argc, const char* const* argv);

}  // namespace tool
