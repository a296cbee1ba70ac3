// fpregs_restore: loads all of a saved register bank at once, from memory that may be gone.
//
// On return from a signal the kernel (x86: restore_fpregs_from_user) loads the FPU registers from the
// user's stack: one bulk operation, all or nothing. When it faulted, the kernel asked "can I fault in some of
// it?" and began again: good first page, bad second one, yes, for ever. Nor is it enough to ask for what the
// data *claims* to be, if the operation touches more (CVE-2024-26603). Right: every byte that it touches.
//
//   fpregs_restore [ROUNDS]  the most rounds of the loop that does not end (1000)
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::progress;
using surefoot::verdict;

// The registers, and how they lie in the user's memory: what is in use of them comes first, and `claimed`
// says how much that is. The load below takes them all, as the processor does.
using vector_register = std::uint64_t __attribute__((vector_size(32)));
struct register_bank {
  std::uint64_t claimed;
  std::uint64_t reserved[3];
  vector_register registers[255];
};
static_assert(sizeof(register_bank) == 2 * kit::tile_size);

// Two pages, of which the second can be taken away.
struct saved_area {
  kit::minefield memory{{kit::tile::read_write, kit::tile::no_access}};

  const register_bank& bank() const {
    return *reinterpret_cast<const register_bank*>(memory.data());
  }
};

// A bulk load with vector registers, which cannot go on from the middle: each call begins anew.
struct restore {
  const saved_area& from;
  unsigned calls = 0;
  register_bank loaded{};

  verdict operator()() noexcept {
    ++calls;
    const register_bank* const bank = &from.bank();
    register_bank* const to = &loaded;
    const auto load_all = [=]() noexcept {
      to->claimed = bank->claimed;
      for (std::size_t i = 0; i < 255; ++i) to->registers[i] = bank->registers[i];
    };
    return {surefoot::guarded(bank, sizeof *bank, load_all).stopped_by};
  }
};

// The old pairing, by hand: after a failure fault in what can be, and begin again.
void restore_with_fault_in(restore& op, unsigned most_rounds) {
  while (op.calls < most_rounds) {
    if (op()) return;
    if (!surefoot::fault_in_readable(&op.from.bank(), sizeof(register_bank)).any()) return;
  }
}

// Fault-in policy of somebody who can bring the page back.
struct pager {
  saved_area& area;
  progress operator()(access_kind kind, const volatile void* p, std::size_t n) const {
    area.memory.change(1, kit::tile::read_write);
    return surefoot::touch(kind, p, n);
  }
};

bool same_registers(const restore& op) {
  return std::memcmp(op.loaded.registers, op.from.bank().registers, sizeof op.loaded.registers) ==
         0;
}

void row(const char* pairing, unsigned rounds, const char* outcome) {
  std::printf("%-38s %6u  %s\n", pairing, rounds, outcome);
}

unsigned number(const char* text) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned most_rounds = argc > 1 ? number(argv[1]) : 1000;
  if (argc > 2 || most_rounds == 0 || most_rounds > 100000) {
    std::fputs("usage: fpregs_restore [ROUNDS] of the bad loop, from 1 to 100000 (1000)\n", stderr);
    return 2;
  }
  saved_area area;
  reinterpret_cast<register_bank*>(area.memory.data())->claimed = kit::tile_size;
  std::printf("%-38s %6s  %s\n", "pairing", "rounds", "outcome");

  restore before{area};
  restore_with_fault_in(before, most_rounds);
  row("fault_in, then begin again (by hand)", before.calls,
      "no end: \"some of it is fine\" each time");

  // The data says that it ends within the first page.
  restore trusting{area};
  const verdict trusted =
      surefoot::restart(surefoot::reads(&area.bank(), area.bank().claimed), trusting);
  row("restart, asking for the claimed size", trusting.calls,
      surefoot::name(trusted.stopped_by.kind));

  restore op{area};
  const verdict refused =
      surefoot::restart(surefoot::reads(&area.bank(), sizeof(register_bank)), op);
  row("restart, asking for all it touches", op.calls, surefoot::name(refused.stopped_by.kind));

  restore helped{area};
  const verdict restored = surefoot::restart(surefoot::reads(&area.bank(), sizeof(register_bank)),
                                             helped, {}, surefoot::ensure, pager{area});
  row("restart, with a pager that helps", helped.calls, restored ? "restored" : "not restored");

  std::printf(
      "restore_fpregs_from_user | all or nothing, read | restart, guarded | %u | %u | %zu\n",
      before.calls, helped.calls, sizeof(register_bank));
  const bool as_expected = before.calls == most_rounds &&
                           trusted.stopped_by.kind == cause::stalled &&
                           trusting.calls == surefoot::loop_options{}.rounds &&
                           refused.stopped_by.kind == cause::denied && op.calls == 1 &&
                           refused.stopped_by.address == area.memory.begin_of(1) && restored &&
                           helped.calls == 2 && same_registers(helped);
  return as_expected ? 0 : 1;
}
