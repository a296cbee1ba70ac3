// kill_steps REFERENCE BEFORE STATUS SALVAGE ARGUMENT...: runs the command again and again, from the
// files in the directory BEFORE, and kills it at each of its system calls in turn, from the first that
// has made a file, once before and once after it; each time it is then run to its end, which must have
// the exit status STATUS.
//
// What that leaves must equal what one run has left in the directory REFERENCE: the files dst and map,
// and nothing else. A random moment decides by luck whether it hits a window; this visits them all.
#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "traced.hpp"

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(int stop, const std::string& why) {
  std::printf("FAILED: killed at stop %d: %s\n", stop, why.c_str());
  std::exit(1);
}

std::string content(const fs::path& name) {
  std::ifstream in(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

[[noreturn]] void become(char** command) {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::execv(command[0], command);
  ::_exit(127);
}

// What the command has made: all but the source.
std::vector<fs::path> made() {
  std::vector<fs::path> all;
  for (const fs::directory_entry& each : fs::directory_iterator("."))
    if (each.path() != "./src") all.push_back(each.path());
  return all;
}

// False: it had ended before that stop.
bool kill_at(int stop, const fs::path& before, char** command) {
  for (const fs::path& each : made()) fs::remove(each);
  fs::copy(before, ".");
  const std::size_t given = made().size();
  traced run("salvage killed at each system call", [=] { become(command); });
  int stops = 0;
  for (bool begun = false; run.step();) {
    begun = begun || made().size() > given;
    if (begun && stops++ == stop) return run.kill(), true;
  }
  return false;
}

int run_to_its_end(char** command) {
  const pid_t child = ::fork();
  if (child == 0) become(command);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5)
    return std::fputs("usage: kill_steps REFERENCE BEFORE STATUS SALVAGE ARGUMENT...\n", stderr), 2;
  const fs::path reference = argv[1], before = argv[2];
  const int expected = std::atoi(argv[3]);
  char** const command = argv + 4;
  int stop = 0, on_the_way = 0;
  for (; kill_at(stop, before, command); stop += stride) {
    const std::string map = content("map");
    if (map.find("  +\n") != std::string::npos && map.find("  ?\n") != std::string::npos)
      ++on_the_way;
    if (const int status = run_to_its_end(command); status != expected)
      fail(stop, "the second run ended with status " + std::to_string(status));
    for (const char* name : {"dst", "map"})
      if (content(name) != content(reference / name)) fail(stop, std::string(name) + " differs");
    for (const fs::path& each : made())
      if (each != "./dst" && each != "./map") fail(stop, each.string() + " is left behind");
  }
  std::printf("killed at %d moments, at %d of them with a part of the work written down\n",
              stop / stride, on_the_way);
  if (stop < 100 || (fs::is_empty(before) && on_the_way < 20))
    fail(stop, "too few of them to call it a test");
}
