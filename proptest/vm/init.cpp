// Process 1 of the virtual machine of ./run vm, and a small ctest: it runs the tests that /vm/plan names,
// two at a time, each test case of a Catch2 program in a process of its own, and turns the machine off.
//
// A line of the plan, its fields divided by tabs:
//   tests  NAME  SECONDS  [VARIABLE=VALUE]...  PROGRAM         each test case of a Catch2 program
//   run    NAME  SECONDS  [VARIABLE=VALUE]...  PROGRAM  ARG...  one test: exit status 0, or it has failed
//   only   REGEX                                              nothing but these
// SECONDS: the time limit of one test. The expressions are POSIX extended ones.
//
// The machine has three ways out, so that nobody writes into another's: the serial line is the kernel's;
// /dev/hvc0 is for people; /dev/hvc1 is for the script, in the words of cmake/run/junit.awk, and its last
// line is "end". Only this program writes there: the tests write into pipes.
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using words = std::vector<std::string>;

constexpr std::size_t workers = 2;
constexpr std::size_t most_output = std::size_t{4} << 20;

double now() {
  struct timespec t {};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[noreturn]] void turn_off() {
  ::tcdrain(STDOUT_FILENO);
  ::sync();
  ::reboot(RB_POWER_OFF);
  for (;;) ::pause();
}

[[noreturn]] void give_up(const char* what) {
  std::printf("vm: %s: %s\n", what, std::strerror(errno));
  std::fflush(stdout);
  turn_off();
}

words split(const std::string& text, char divider) {
  words parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(divider, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool begins(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

// ---- the machine

void put(const char* file, const char* text) {
  const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
  const auto length = static_cast<ssize_t>(std::strlen(text));
  if (fd < 0 || ::write(fd, text, std::strlen(text)) != length) give_up(file);
  ::close(fd);
}

void mount_on(const char* where, const char* type, const char* options = "") {
  if (::mkdir(where, 0755) != 0 && errno != EEXIST) give_up(where);
  if (::mount(type, where, type, 0, options) != 0) give_up(where);
}

void mount_disk(const char* device, const char* where, const char* type) {
  if (::mkdir(where, 0755) != 0 || ::mount(device, where, type, 0, "") != 0) give_up(where);
}

// A terminal that changes no byte. The driver may still be looking for its ports.
int open_line(const char* device) {
  for (int tries = 0; tries < 500; ++tries, ::usleep(10'000)) {
    const int fd = ::open(device, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) continue;
    struct termios line {};
    ::tcgetattr(fd, &line);
    ::cfmakeraw(&line);
    ::tcsetattr(fd, TCSANOW, &line);
    return fd;
  }
  give_up(device);
}

std::FILE* report;

void set_up() {
  ::umask(0);
  mount_on("/dev", "devtmpfs");
  const int people = open_line("/dev/hvc0");
  const int nothing = ::open("/dev/null", O_RDWR);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) give_up("/dev/null");
  ::dup2(people, STDOUT_FILENO);
  ::dup2(people, STDERR_FILENO);
  report = ::fdopen(open_line("/dev/hvc1"), "w");

  mount_on("/proc", "proc");
  mount_on("/sys", "sysfs");
  mount_on("/dev/shm", "tmpfs", "mode=1777");
  mount_on("/dev/hugepages", "hugetlbfs");
  // A file system that keeps its pages elsewhere.
  if (::access("/dev/nvme0n1", F_OK) == 0) mount_disk("/dev/nvme0n1", "/disk", "ext4");
  put("/proc/sys/vm/nr_hugepages", "8");
  put("/proc/sys/vm/unprivileged_userfaultfd", "1");
  // Not a file system of its own: what was packed may lie in there.
  if (::mkdir("/tmp", 01777) != 0 && errno != EEXIST) give_up("/tmp");
  if (::chmod("/tmp", 01777) != 0 || ::chdir("/tmp") != 0) give_up("/tmp");

  ::clearenv();
  ::setenv("PATH", "/vm", 1);
  ::setenv("HOME", "/tmp", 1);
  ::setenv("SUREFOOT_HARDWARE_POISON", "1", 1);
  ::setenv("SUREFOOT_TESTS_EMULATED", "1", 1);
}

// ---- tests

struct test {
  std::string name;
  int limit = 0;
  words environment, command;
};

struct running {
  test what;
  std::string output;
  double began = 0;
  pid_t pid = 0;
  int from = -1, process = -1;
  int status = 0;
  bool ended = false, out_of_time = false;
};

int passed, failed, skipped;

std::unique_ptr<running> start(const test& what) {
  auto job = std::make_unique<running>();
  job->what = what;
  job->began = now();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  std::fflush(stdout);
  job->pid = ::fork();
  if (job->pid < 0) give_up("fork");
  if (job->pid == 0) {
    ::setsid();
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    for (const std::string& set : what.environment) ::putenv(const_cast<char*>(set.c_str()));
    std::vector<char*> arguments;
    for (const std::string& word : what.command)
      arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    ::_exit(127);
  }
  ::close(ends[1]);
  job->from = ends[0];
  ::fcntl(job->from, F_SETFL, O_NONBLOCK);
  job->process = static_cast<int>(::syscall(SYS_pidfd_open, job->pid, 0));
  if (job->process < 0) give_up("pidfd_open");
  return job;
}

void read_output(running& job) {
  char part[65536];
  for (;;) {
    const ssize_t n = ::read(job.from, part, sizeof part);
    if (n <= 0) {
      if (n == 0) ::close(std::exchange(job.from, -1));
      return;
    }
    if (job.output.size() < most_output) job.output.append(part, static_cast<std::size_t>(n));
    if (n < static_cast<ssize_t>(sizeof part)) return;
  }
}

// Waits until something happens to one of them: output, an end, its time is over.
void wait_for(const std::vector<std::unique_ptr<running>>& jobs) {
  std::vector<struct pollfd> all;
  for (const auto& job : jobs) {
    all.push_back({job->process, POLLIN, 0});
    if (job->from >= 0) all.push_back({job->from, POLLIN, 0});
  }
  ::poll(all.data(), all.size(), 500);
  for (const auto& job : jobs)
    if (job->from >= 0) read_output(*job);
  // Process 1 is everybody's parent in the end: most that end here are orphans.
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
    for (const auto& job : jobs)
      if (job->pid == pid) {
        job->ended = true;
        job->status = status;
      }
  for (const auto& job : jobs) {
    if (!job->ended && now() - job->began > job->what.limit) {
      job->out_of_time = true;
      ::kill(-job->pid, SIGKILL);
    }
    if (job->ended) {
      ::kill(-job->pid, SIGKILL);  // what it has left behind
      if (job->from >= 0) read_output(*job);
      if (job->from >= 0) ::close(job->from);
      ::close(job->process);
    }
  }
}

// Why it has failed; empty: it has not.
std::string reason(const running& job) {
  if (job.out_of_time) return "not done within its " + std::to_string(job.what.limit) + " seconds";
  if (WIFSIGNALED(job.status)) {
    const int signal = WTERMSIG(job.status);
    const char* const name = ::sigabbrev_np(signal);
    return "killed by SIG" + (name != nullptr ? std::string(name) : std::to_string(signal));
  }
  const int status = WEXITSTATUS(job.status);
  return status == 0 ? std::string() : "exit status " + std::to_string(status);
}

// What a test says in the forms that ./run test collects, for the script.
bool collect(const std::string& output) {
  bool says_skipped = false;
  for (const std::string& line : split(output, '\n')) {
    const std::size_t colon = line.find(": ");
    const std::string rest = colon == std::string::npos ? "" : line.substr(colon + 2);
    if (begins(line, "SKIPPED: ")) {
      says_skipped = true;
      std::fprintf(report, "note\t%s\n", rest.c_str());
    } else if (begins(line, "MATRIX: ")) {
      std::fprintf(report, "matrix\t%s\n", rest.c_str());
    } else if (begins(line, "LAYOUTS: ")) {
      std::fprintf(report, "layouts\t%s\n", rest.c_str());
    } else if (begins(line, "TILE: ")) {
      // kind: count: reason
      const std::size_t first = rest.find(": "), second = rest.find(": ", first + 2);
      if (second != std::string::npos)
        std::fprintf(report, "tile\t%s\t%s\t%s\n", rest.substr(0, first).c_str(),
                     rest.substr(first + 2, second - first - 2).c_str(),
                     rest.substr(second + 2).c_str());
    }
  }
  return says_skipped;
}

void finish(const running& job) {
  const bool says_skipped = collect(job.output);
  const std::string why = reason(job);
  const char* const outcome = !why.empty() ? "failed" : says_skipped ? "skipped" : "passed";
  ++(!why.empty() ? failed : says_skipped ? skipped : passed);
  std::printf("%-7s %7.2f s  %s%s%s\n", outcome, now() - job.began, job.what.name.c_str(),
              why.empty() ? "" : ": ", why.c_str());
  if (!why.empty()) std::printf("%s%s", job.output.c_str(), job.output.empty() ? "" : "\n");
  std::fflush(stdout);
  std::fprintf(report, "%s\t%s\n", outcome, job.what.name.c_str());
  std::fflush(report);
}

// ---- the plan

// Catch2 takes these for more than themselves (see cmake/surefoot_catch_list.cmake).
std::string selector(const std::string& name) {
  std::string escaped;
  for (const char c : name) {
    if (std::strchr("\\[],\"", c) != nullptr) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// Each test case of a Catch2 program.
std::vector<test> cases(const test& program) {
  test asks = program;
  asks.command.push_back("--list-test-names-only");
  std::vector<std::unique_ptr<running>> job;
  job.push_back(start(asks));
  while (!job[0]->ended) wait_for(job);
  std::vector<test> all;
  // The exit status is the number of test cases.
  if (WIFEXITED(job[0]->status) && WEXITSTATUS(job[0]->status) != 127)
    for (const std::string& name : split(job[0]->output, '\n'))
      if (!name.empty()) {
        test one = program;
        one.name = name;
        one.command.insert(one.command.end(), {selector(name), "--warn", "NoTests"});
        all.push_back(one);
      }
  if (all.empty()) {
    if (WIFEXITED(job[0]->status)) job[0]->status = 127 << 8;
    job[0]->what.name = program.name + " has test cases";
    finish(*job[0]);
  }
  return all;
}

bool matches(const std::string& expression, const std::string& name) {
  regex_t compiled;
  if (::regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    errno = EINVAL;
    give_up(expression.c_str());
  }
  const bool found = ::regexec(&compiled, name.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

std::string content(const char* file) {
  std::string all;
  std::FILE* const from = std::fopen(file, "re");
  if (from == nullptr) give_up(file);
  char part[4096];
  while (const std::size_t n = std::fread(part, 1, sizeof part, from)) all.append(part, n);
  std::fclose(from);
  return all;
}

std::vector<test> planned() {
  std::vector<test> all;
  std::string only;
  for (const std::string& line : split(content("/vm/plan"), '\n')) {
    if (line.empty()) continue;
    const words field = split(line, '\t');
    if (field.size() == 2 && field[0] == "only") {
      only = field[1];
    } else if (field.size() >= 4 && (field[0] == "tests" || field[0] == "run")) {
      test one;
      one.name = field[1];
      one.limit = std::atoi(field[2].c_str());
      std::size_t i = 3;
      while (i < field.size() && field[i].find('=') != std::string::npos)
        one.environment.push_back(field[i++]);
      one.command.assign(field.begin() + static_cast<std::ptrdiff_t>(i), field.end());
      for (const test& t : field[0] == "run" ? std::vector<test>{one} : cases(one))
        all.push_back(t);
    } else {
      errno = EINVAL;
      give_up(line.c_str());
    }
  }
  if (only.empty()) return all;
  std::vector<test> chosen;
  for (const test& t : all)
    if (matches(only, t.name)) chosen.push_back(t);
  return chosen;
}

}  // namespace

int main() {
  set_up();
  const std::vector<test> all = planned();
  std::vector<std::unique_ptr<running>> jobs;
  for (std::size_t next = 0; next < all.size() || !jobs.empty();) {
    while (jobs.size() < workers && next < all.size()) jobs.push_back(start(all[next++]));
    wait_for(jobs);
    for (std::size_t i = jobs.size(); i-- > 0;)
      if (jobs[i]->ended) {
        finish(*jobs[i]);
        jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(i));
      }
  }
  std::fprintf(report, "end\t%d\t%d\t%d\t%.1f\n", passed, failed, skipped, now());
  std::fflush(report);
  ::tcdrain(::fileno(report));
  turn_off();
}
