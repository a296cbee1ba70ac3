// wc_steps MAPPED_WC: counts a file that is truncated at each of its system calls in turn, inside a page, to
// pages, and to nothing. What it then says is the number of lines before or after the truncation, or that
// the file was truncated.
#include "traced.hpp"
#include "truncated_copy.hpp"

namespace {

constexpr std::size_t piece = std::size_t{1} << 18;
constexpr std::size_t file_size = 2 * piece + 5000;

// As many lines as bytes: any other number of bytes is another number of lines.
std::string said(std::size_t lines) { return std::to_string(lines) + " src\n"; }

[[noreturn]] void become(const char* program) {
  const int out = ::open("out", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  const int err = ::open("err", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execl(program, program, "src", static_cast<char*>(nullptr));
  ::_exit(127);
}

// How often it was counted whole, shorter, and called truncated.
struct tally {
  int whole = 0, shorter = 0, truncated = 0;
};

// False: there were fewer stops than that.
bool try_stop(const char* program, int stop, std::size_t size, tally& all) {
  write_file("src", bytes(file_size, '\n'));
  traced wc("mapped_wc truncated at each system call", [=] { become(program); });
  int stops = 0;
  while (wc.step())
    if (stops++ == stop && ::truncate("src", static_cast<off_t>(size)) != 0)
      fail("cannot truncate src");
  if (!WIFEXITED(wc.status())) fail("killed by signal " + std::to_string(WTERMSIG(wc.status())));
  const std::string out = report();
  const bytes err = content("err");
  switch (WEXITSTATUS(wc.status())) {
    case 0:
      if (out == said(file_size))
        ++all.whole;
      else if (out == said(size))
        ++all.shorter;
      else
        fail("cut to " + std::to_string(size) + " at stop " + std::to_string(stop) + ": " + out);
      break;
    case 1:
      if (std::string(err.begin(), err.end()) !=
              "mapped_wc: src: was truncated while it was counted\n" ||
          !out.empty())
        fail("another error: " + std::string(err.begin(), err.end()) + out);
      ++all.truncated;
      break;
    default: fail("exit status " + std::to_string(WEXITSTATUS(wc.status())));
  }
  return stops > stop;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: wc_steps MAPPED_WC\n", stderr), 2;
  tally all;
  for (const std::size_t size : {file_size - 1, 2 * piece, piece + 4097, std::size_t{0}}) {
    const int before = all.truncated;
    for (int stop = 0; try_stop(argv[1], stop, size, all); stop += stride) {
    }
    // A count of what was left, made while it was counted, would look like one of a shorter file.
    if (all.truncated == before) fail("cut to " + std::to_string(size) + ", and nobody noticed");
  }
  std::printf("%d times whole, %d shorter, %d truncated\n", all.whole, all.shorter, all.truncated);
  // Before it looked, while it counted, and when it was done.
  if (all.whole == 0 || all.shorter == 0 || all.truncated == 0) fail("not all moments were met");
}
