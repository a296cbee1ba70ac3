// What the user asked for. Parsed by CLI11, in a file of its own: that header takes ten seconds.
#pragma once

#include <salvage/sabotage.hpp>
#include <string>
#include <vector>

namespace tool {

struct command_line {
  std::string source;
  std::string destination;
  std::vector<tool::sabotage> sabotage;
  std::string color = "auto";  // or always, never
  bool only_talk = false;      // --help or --version: it was said, nothing is left to do
};

// Throws failure{status::usage} with the one line to say.
command_line parse(int argc, const char* const* argv);

}  // namespace tool
