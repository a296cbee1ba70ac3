// What the programs have in common that change a file's size while salvage copies it: the file, and
// how salvage's claims are compared with the copy that it made.
//
// The file has no zero byte: one that was counted although it lay past the end shows, because it
// reads as zero.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using bytes = std::vector<char>;

[[noreturn]] inline void fail(const std::string& why) {
  std::printf("FAILED: %s\n", why.c_str());
  std::exit(1);
}

inline bytes noise(std::size_t size) {
  constexpr std::size_t period = (1 << 18) - 13;  // no multiple of a page or of salvage's chunk
  std::mt19937 random(1);
  bytes all(size);
  for (std::size_t i = 0; i < std::min(period, size); ++i)
    all[i] = static_cast<char>(1 + random() % 255);
  for (std::size_t at = period; at < size; at += period)
    std::copy_n(all.data(), std::min(period, size - at), all.data() + at);
  return all;
}

inline bytes content(const char* name) {
  std::ifstream file(name, std::ios::binary | std::ios::ate);
  bytes all(file ? static_cast<std::size_t>(file.tellg()) : 0);
  file.seekg(0);
  file.read(all.data(), static_cast<std::streamsize>(all.size()));
  return all;
}

inline std::string report() {
  const bytes out = content("out");
  return {out.begin(), out.end()};
}

inline void write_file(const char* name, const bytes& all) {
  std::ofstream file(name, std::ios::binary);
  if (!file.write(all.data(), static_cast<std::streamsize>(all.size())))
    fail(std::string("cannot write ") + name);
}

// salvage's chunk in these tests, bytes.
constexpr std::size_t chunk = std::size_t{256} * 1024;

// Becomes `salvage src dst`, in a child.
[[noreturn]] inline void become_salvage(const char* salvage) {
  const int out = ::open("out", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  const int err = ::open("err", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execl(salvage, salvage, "src", "dst", "--chunk", std::to_string(chunk).c_str(),
          static_cast<char*>(nullptr));
  ::_exit(127);
}

// Has it opened and mapped the file? Then it writes its temporary one. From there on a truncation
// is a truncation while it copies.
inline bool has_begun(pid_t salvage) {
  const std::string temporary = ".salvage-" + std::to_string(salvage) + ".part";
  return ::access(temporary.c_str(), F_OK) == 0;
}

struct lost_run {
  std::size_t offset, length;
};

// The table that salvage printed.
inline std::vector<lost_run> lost_runs() {
  std::vector<lost_run> runs;
  std::istringstream out(report());
  for (std::string line; std::getline(out, line);) {
    std::istringstream words(line);
    lost_run r{};
    std::string cause, signal, code, more;
    if (words >> r.offset >> r.length >> cause >> signal >> code && !(words >> more))
      runs.push_back(r);
  }
  return runs;
}

// The size of the file over its life.
struct sizes {
  std::size_t smallest = 0;  // ever
  bool grew = false;         // zeros from `smallest` on may then be the file's own
};

inline void check_copied(const bytes& copy, const bytes& original, std::size_t begin,
                         std::size_t end, const sizes& had) {
  if (std::memcmp(copy.data() + begin, original.data() + begin, end - begin) == 0) return;
  for (std::size_t i = begin; i < end; ++i)
    if (copy[i] != original[i] && !(had.grew && i >= had.smallest && copy[i] == 0))
      fail("byte " + std::to_string(i) + ", counted as copied, is wrong\n" + report());
}

inline void check_lost(const bytes& copy, const lost_run& r, const sizes& had) {
  if (r.offset < had.smallest)
    fail("lost at " + std::to_string(r.offset) + ", although it was always there\n" + report());
  static const bytes zeros(copy.size());
  if (std::memcmp(copy.data() + r.offset, zeros.data(), r.length) != 0)
    fail("the hole at " + std::to_string(r.offset) + " is not zero\n" + report());
}

// Compares exit status, table and DST. Returns whether anything was lost.
inline bool check_copy(const bytes& original, const sizes& had, int status) {
  if (!WIFEXITED(status)) fail("killed by signal " + std::to_string(WTERMSIG(status)));
  const std::vector<lost_run> lost = lost_runs();
  if (WEXITSTATUS(status) != (lost.empty() ? 0 : 1))
    fail("exit status " + std::to_string(WEXITSTATUS(status)) + "\n" + report());
  const bytes copy = content("dst");
  if (copy.size() != original.size()) fail("dst has another size\n" + report());
  std::size_t at = 0;
  for (const lost_run& r : lost) {
    if (r.offset < at || r.length == 0 || r.length > copy.size() - r.offset)
      fail("runs out of order\n" + report());
    check_copied(copy, original, at, r.offset, had);
    check_lost(copy, r, had);
    at = r.offset + r.length;
  }
  check_copied(copy, original, at, copy.size(), had);
  return !lost.empty();
}
