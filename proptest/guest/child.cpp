#include "child.hpp"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace child {

std::string at;

namespace {

int broken = 0;
int report_to = -1;
// Seconds. Far more than a scenario takes, also with sanitizers.
constexpr unsigned timeout = 15;

void say(const std::string& text) { (void)!::write(report_to, text.data(), text.size()); }

}  // namespace

void note(const std::string& text) { say(text); }

void expect(bool holds, const char* condition, const char* file, int line) {
  if (holds) return;
  // The first few tell what is wrong.
  if (++broken <= 5)
    say(std::string(file) + ":" + std::to_string(line) + ": " + condition + "   [" + at + "]\n");
}

std::string trouble_in(const std::function<void()>& scenario) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe: no";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    ::dup2(ends[1], 2);  // what a sanitizer says is of interest, too
    report_to = ends[1];
    // A guard that dangles may jump in circles.
    ::alarm(timeout);
    scenario();
    ::_exit(broken == 0 ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  char some[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], some, sizeof some)) > 0;)
    said.append(some, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return "fork or waitpid: no";
  if (WIFSIGNALED(status))
    said += std::string("ended by a signal: ") + ::strsignal(WTERMSIG(status)) + "\n";
  else if (WEXITSTATUS(status) > 1)
    said += "exit status " + std::to_string(WEXITSTATUS(status)) + "\n";
  else if (WEXITSTATUS(status) == 1 && said.empty())
    said = "exit status 1\n";
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : said;
}

}  // namespace child
