// The livelock that the review of "iov_iter: Introduce fault_in_iov_iter_writeable" began with.
//
// On return from a signal the kernel (x86: restore_fpregs_from_user) loads the FPU registers from
// the user's stack: one bulk operation, all or nothing. If it faults, the kernel asks "can I fault
// in some of it?" and begins again. With a good first page and a bad second one the answer is yes,
// for ever. And asking for all that the data *claims* to be is no better, if the operation touches
// more: that was CVE-2024-26603. Here is the same in user space, and the pairing that ends.
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>

namespace {

using surefoot::access_kind;
using surefoot::cause;

constexpr std::size_t page = surefoot::engine::standard::page_size();
constexpr std::size_t area_size = 2 * page;

// The saved registers as they lie in the user's memory; the second page can be taken away.
class saved_area {
 public:
  saved_area() { std::memset(memory_, 'r', area_size); }
  ~saved_area() { ::munmap(memory_, area_size); }
  saved_area(const saved_area&) = delete;
  saved_area& operator=(const saved_area&) = delete;

  const unsigned char* data() const { return memory_; }
  static constexpr std::size_t size() { return area_size; }
  bool second_page(int protection) const {
    return ::mprotect(memory_ + page, page, protection) == 0;
  }

 private:
  static unsigned char* map() {
    void* const p =
        ::mmap(nullptr, area_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED) return static_cast<unsigned char*>(p);
    std::perror("fpregs_restore: mmap");
    ::_exit(3);
  }

  unsigned char* memory_ = map();
};

// All of the area or nothing, like the instruction: every call begins from the start.
struct restore {
  const saved_area& from;
  unsigned calls = 0;
  unsigned char registers[area_size] = {};

  surefoot::progress operator()() noexcept {
    ++calls;
    return surefoot::try_copy(registers, from.data(), area_size);
  }
};

// The old pairing, by hand: after a failure fault in what can be, and begin again.
bool restore_with_fault_in(restore& op, unsigned most_rounds) {
  while (op.calls < most_rounds) {
    if (op().all()) return true;
    if (!surefoot::fault_in_readable(op.from).any()) return false;
  }
  return false;
}

// Fault-in policy of somebody who can bring the page back.
struct pager {
  const saved_area& area;
  surefoot::progress operator()(access_kind kind, const volatile void* p,
                                std::size_t n) const noexcept {
    if (!area.second_page(PROT_READ))
      return {0, n, {.address = p, .kind = cause::denied, .during = kind}};
    return surefoot::touch(kind, p, n);
  }
};

void row(const char* pairing, unsigned rounds, const surefoot::verdict& outcome) {
  char line[128] = "restored";
  if (!outcome) surefoot::format(outcome.stopped_by, line, sizeof line);
  std::printf("%-38s %6u  %s\n", pairing, rounds, line);
}

// Each of these prints a row, and says whether it shows what it claims.

bool show_old_pairing(const saved_area& area, unsigned most_rounds) {
  restore op{area};
  const bool done = restore_with_fault_in(op, most_rounds);
  std::printf("%-38s %6u  %s\n", "fault_in, then begin again (by hand)", op.calls,
              done ? "restored" : "gave up: \"some progress is fine\" each time");
  return !done && op.calls == most_rounds;
}

bool show_claimed_size(const saved_area& area) {
  restore op{area};
  const surefoot::verdict v = surefoot::restart(surefoot::reads(area.data(), page), op);
  row("restart, asking for the claimed size", op.calls, v);
  return v.stopped_by.kind == cause::stalled && op.calls == surefoot::loop_options{}.rounds;
}

bool show_restart(const saved_area& area) {
  restore op{area};
  const surefoot::verdict v = surefoot::restart(surefoot::reads(area), op);
  row("restart, asking for all it touches", op.calls, v);
  return v.stopped_by.kind == cause::denied && v.stopped_by.address == area.data() + page &&
         op.calls == 1;
}

bool show_pager(const saved_area& area) {
  restore op{area};
  const surefoot::verdict v =
      surefoot::restart(surefoot::reads(area), op, {}, surefoot::ensure, pager{area});
  row("restart, with a pager that helps", op.calls, v);
  return v && op.calls == 2 && std::memcmp(op.registers, area.data(), area_size) == 0;
}

bool parse_rounds(const char* text, unsigned& rounds) {
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, rounds);
  return error == std::errc{} && rest == end && rounds > 0;
}

}  // namespace

int main(int argc, char** argv) {
  unsigned most_rounds = 1000;
  if (argc > 2 || (argc == 2 && !parse_rounds(argv[1], most_rounds))) {
    std::fprintf(stderr,
                 "usage: fpregs_restore [ROUNDS], the most rounds of the bad loop (1000)\n");
    return 2;
  }
  const saved_area area;
  if (!area.second_page(PROT_NONE)) return std::perror("fpregs_restore: mprotect"), 3;
  std::printf("%-38s %6s  %s\n", "pairing", "rounds", "outcome");
  bool as_claimed = show_old_pairing(area, most_rounds);
  as_claimed &= show_claimed_size(area);
  as_claimed &= show_restart(area);
  as_claimed &= show_pager(area);
  return as_claimed ? 0 : 1;
}
