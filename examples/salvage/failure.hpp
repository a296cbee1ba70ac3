// Why the program ends without having done its work: one line for the user, and the exit status.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace tool {

enum class status : int { all_copied = 0, holes = 1, usage = 2, cannot_open_or_write = 3 };

struct failure {
  status exit;
  std::string line;
};

// Names the file and the reason. Reads errno unless it is given.
[[noreturn]] inline void refuse(const std::string& file, const std::string& what,
                                int error = errno) {
  throw failure{status::cannot_open_or_write, file + ": " + what + ": " + std::strerror(error)};
}

}  // namespace tool
