// The program around a target where no fuzzer brings one.
//
//   fuzz_TARGET FILE|DIRECTORY...          replays each file; 0: no finding
//   fuzz_TARGET --show FILE...             prints the programs first
//   fuzz_TARGET --bench SECONDS DIRECTORY  replays them again and again: executions a second
//
// Compiled by afl-clang-fast++ without arguments: a persistent target of AFL++.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "entry.hpp"

#ifdef __AFL_COMPILER
#include <unistd.h>
// AFL++'s macros are not written for our warnings.
#pragma clang diagnostic ignored "-Wgnu-statement-expression"
#pragma clang diagnostic ignored "-Wshorten-64-to-32"
#pragma clang diagnostic ignored "-Wextra-semi"
__AFL_FUZZ_INIT()
#endif

namespace {

// C stdio and dirent: MemorySanitizer fails inside std::filesystem.
[[noreturn]] void refuse(const std::string& path) {
  std::fprintf(stderr, "%s: %s\n", path.c_str(), std::strerror(errno));
  std::exit(2);
}

std::vector<std::uint8_t> content_of(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) refuse(path);
  std::vector<std::uint8_t> bytes;
  std::uint8_t part[4096];
  while (const std::size_t n = std::fread(part, 1, sizeof part, file))
    bytes.insert(bytes.end(), part, part + n);
  if (std::ferror(file) != 0) refuse(path);
  std::fclose(file);
  return bytes;
}

void collect(const std::string& path, std::vector<std::string>& files) {
  struct stat what {};
  if (::stat(path.c_str(), &what) != 0) refuse(path);
  if (!S_ISDIR(what.st_mode)) return files.push_back(path);
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) refuse(path);
  std::vector<std::string> names;
  while (const dirent* const entry = ::readdir(directory))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) collect(path + "/" + name, files);
}

double now() {
  struct timespec t {};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[noreturn]] void usage() {
  std::fputs("usage: fuzz_TARGET [--show | --bench SECONDS] FILE|DIRECTORY...\n", stderr);
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
#ifdef __AFL_COMPILER
  if (count == 1) {
    // Everything that happens once, before the fork server takes its picture.
    LLVMFuzzerInitialize(&count, &arguments);
    __AFL_INIT();
    const std::uint8_t* const data = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(100'000))
      LLVMFuzzerTestOneInput(data, static_cast<std::size_t>(__AFL_FUZZ_TESTCASE_LEN));
    return 0;
  }
#endif
  bool shows = false;
  double seconds = 0;
  std::vector<std::string> files;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--show") {
      shows = true;
    } else if (argument == "--bench") {
      if (++i == count || (seconds = std::atof(arguments[i])) <= 0) usage();
    } else if (argument.substr(0, 2) == "--") {
      usage();
    } else {
      collect(arguments[i], files);
    }
  }
  if (files.empty()) {
    if (count == 1) usage();
    std::fputs("there is nothing to replay\n", stderr);
    return 2;
  }

  LLVMFuzzerInitialize(&count, &arguments);
  std::vector<std::vector<std::uint8_t>> inputs;
  for (const std::string& path : files) inputs.push_back(content_of(path));
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (shows)
      std::printf("%s\n%s", files[i].c_str(),
                  fuzz::text_of(inputs[i].data(), inputs[i].size()).c_str());
    fuzz::replayed = files[i].c_str();
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(inputs[i].data(), inputs[i].size());
  }
  std::printf("%zu inputs replayed, no finding\n", files.size());

  if (seconds > 0) {
    std::size_t executions = 0;
    const double begin = now();
    double end = begin;
    for (; end - begin < seconds; end = now())
      for (std::size_t i = 0; i < inputs.size(); ++i, ++executions) {
        fuzz::replayed = files[i].c_str();
        LLVMFuzzerTestOneInput(inputs[i].data(), inputs[i].size());
      }
    std::printf("%.0f executions a second (%zu inputs)\n",
                static_cast<double>(executions) / (end - begin), inputs.size());
  }
  return 0;
}
