// truncation_race SALVAGE shrink|grow ROUNDS: salvage copies a file while its size is changed at
// random moments to random values, also in the midst of an access. More rounds than that, until a quarter of
// so many were hit: beside other tests, or with one processor, the two may seldom meet.
#include <algorithm>
#include <random>

#include "truncated_copy.hpp"

namespace {

constexpr std::size_t file_size = (std::size_t{12} << 20) + 777;

pid_t start(const char* salvage) {
  const pid_t child = ::fork();
  if (child < 0) fail("cannot fork");
  if (child == 0) become_salvage(salvage);
  return child;
}

// Changes the size until the copy has ended.
sizes disturb(pid_t child, bool grow, std::mt19937& random, int& status) {
  sizes had{file_size, grow};
  while (!has_begun(child))
    if (::waitpid(child, &status, WNOHANG) != 0) return had;
  std::size_t most = file_size;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    ::usleep(static_cast<useconds_t>(random() % 3000));
    // Half of them close below the largest size: the copy is in danger for longer.
    const std::size_t size = random() % 2 == 0 ? random() % most : most - random() % (most / 8 + 1);
    if (::truncate("src", static_cast<off_t>(size)) != 0) fail("cannot truncate src");
    had.smallest = std::min(had.smallest, size);
    most = grow ? file_size : std::max<std::size_t>(size, 1);
  }
  return had;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc == 4 ? argv[2] : "";
  if (how != "shrink" && how != "grow")
    return std::fputs("usage: truncation_race SALVAGE shrink|grow ROUNDS\n", stderr), 2;
  std::mt19937 random(std::random_device{}());
  const bytes original = noise(file_size);
  const int rounds = std::atoi(argv[3]);
  int hit = 0, round = 0;
  for (; round < rounds || (hit < rounds / 4 && round < 20 * rounds); ++round) {
    write_file("src", original);
    int status = 0;
    const sizes had = disturb(start(argv[1]), how == "grow", random, status);
    if (check_copy(original, had, status)) ++hit;
  }
  std::printf("%d of %d copies were hit\n", hit, round);
  if (hit < rounds / 4) fail("too few of them to call it a test");
}
