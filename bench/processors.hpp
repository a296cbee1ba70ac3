// The processors that this process may use, what they are, and staying on one of them.
#pragma once

#include <sched.h>

#include <fstream>
#include <string>
#include <vector>

namespace bench {

// Those that it could use when first asked, before anything was pinned.
inline const std::vector<int>& processors() {
  static const std::vector<int> all = [] {
    std::vector<int> found;
    cpu_set_t allowed;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return found;
    for (int i = 0; i < CPU_SETSIZE; ++i)
      if (CPU_ISSET(static_cast<std::size_t>(i), &allowed)) found.push_back(i);
    return found;
  }();
  return all;
}

// Keeps the calling thread there. False where the kernel refuses.
[[nodiscard]] inline bool pin_to(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(processor), &one);
  return ::sched_setaffinity(0, sizeof one, &one) == 0;
}

// What it calls itself.
inline std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace bench
