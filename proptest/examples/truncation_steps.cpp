// truncation_steps SALVAGE: salvage copies a file that is truncated at each of its system calls in
// turn, once before and once after it, to sizes in each chunk; and then also made whole again a few
// system calls later. A race decides by luck whether it finds a moment; this visits them all.
#include <algorithm>

#include "traced.hpp"
#include "truncated_copy.hpp"

namespace {

constexpr std::size_t file_size = 2 * chunk + 20777;

struct plan {
  int cut_at;        // which stop, counted from when salvage has opened the file
  std::size_t size;  // to which
  int whole_after;   // how many stops later it is made whole again; 0: never
};

// False: there were fewer stops than that.
bool disturb(traced& salvage, const plan& p, const bytes& original) {
  int stops = 0;
  while (salvage.step()) {
    if (!has_begun(salvage.process())) continue;
    if (stops == p.cut_at && ::truncate("src", static_cast<off_t>(p.size)) != 0)
      fail("cannot truncate src");
    if (p.whole_after > 0 && stops == p.cut_at + p.whole_after) write_file("src", original);
    ++stops;
  }
  return stops > p.cut_at;
}

// False: it had ended before.
bool try_plan(const char* program, const plan& p, const bytes& original) {
  write_file("src", original);
  traced salvage("salvage truncated at each system call", [=] { become_salvage(program); });
  const bool reached = disturb(salvage, p, original);
  // write_file() empties the file before it fills it.
  const sizes had{p.whole_after > 0 ? 0 : p.size, p.whole_after > 0};
  if (reached) (void)check_copy(original, had, salvage.status());
  return reached;
}

int try_each_stop(const char* salvage, std::size_t size, int whole_after, const bytes& original) {
  int stop = 0;
  while (try_plan(salvage, {stop, size, whole_after}, original)) stop += stride;
  return stop / stride;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: truncation_steps SALVAGE\n", stderr), 2;
  const bytes original = noise(file_size);
  int stops = 0;
  for (const std::size_t size : {std::size_t{100}, chunk / 2 + 1, chunk + 1, file_size - 1})
    stops += try_each_stop(argv[1], size, 0, original);
  for (const int whole_after : {1, 2, 3})
    stops += try_each_stop(argv[1], chunk / 2 + 1, whole_after, original);
  std::printf("truncated at %d moments\n", stops);
  if (stops < 100 / stride) fail("too few of them to call it a test");
}
