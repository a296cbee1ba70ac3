// A fuzzer's entry points for one target. libFuzzer and what speaks its language call them; driver.cpp
// does where there is none.
#include "target.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "entry.hpp"

// In libFuzzer only.
extern "C" [[gnu::weak]] std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                                      std::size_t most);

namespace fuzz {

namespace {

const kit::fuzzed* running = nullptr;
bool warming_up = false;

sigset_t signal_mask() {
  sigset_t now{};  // the kernel writes only its part
  ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return now;
}

}  // namespace

bool is_warming_up() { return warming_up; }

kit::address_space& space() {
  static kit::address_space& all = *new kit::address_space;
  return all;
}
plain& memory() {
  static plain& all = *new plain;
  return all;
}
plain& more_memory() {
  static plain& all = *new plain;
  return all;
}

const engine_choice& engines() {
  static const engine_choice chosen = [] {
    const char* const said = std::getenv("SUREFOOT_FUZZ_ENGINES");
    if (said == nullptr) return engine_choice{};
    engine_choice c{false, false, false};
    for (std::string_view names = said; !names.empty();) {
      const std::string_view name = names.substr(0, names.find(','));
      names.remove_prefix(std::min(names.size(), name.size() + 1));
      bool* const named = name == "table"    ? &c.table
                          : name == "jump"   ? &c.jump
                          : name == "kernel" ? &c.kernel
                                             : nullptr;
      if (named == nullptr) {
        std::fprintf(stderr,
                     "SUREFOOT_FUZZ_ENGINES: there is no engine '%.*s' (table, jump, kernel)\n",
                     static_cast<int>(name.size()), name.data());
        std::exit(2);
      }
      *named = true;
    }
    if (!c.table && !c.jump && !c.kernel) return engine_choice{};
    return c;
  }();
  return chosen;
}

void survived(const fault&) noexcept {}

const char* replayed = nullptr;

void finding(const char* what, const std::string& details) {
  if (replayed != nullptr) std::fprintf(stderr, "%s\n", replayed);
  std::fprintf(stderr, "FINDING: %s: %s\n", target_name, what);
  if (!details.empty()) std::fprintf(stderr, "%s\n", details.c_str());
  if (running != nullptr)
    std::fprintf(stderr, "program:\n%slayout now:\n%s\n", running->text(calls).c_str(),
                 space().model().picture().c_str());
  std::fflush(stderr);
  std::abort();
}

void ask_reference(kit::fuzzed_call& c) { ask(kit::reference_of_this_process(), c); }

std::string text_of(const std::uint8_t* data, std::size_t size) {
  return kit::fuzzed(data, size).text(calls);
}

}  // namespace fuzz

// Without an alternate stack ASan knows the bounds of this one at a jump out of a handler. On one it asks
// /proc/self/maps each time (measured: 800 executions a second, 6,000 without).
extern "C" const char* __asan_default_options() { return "use_sigaltstack=0"; }

// All that happens once in a process happens here: one call of each kind, on a layout that refuses.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  std::vector<std::uint8_t> program = {static_cast<std::uint8_t>(fuzz::kit::tile::read_write),
                                       static_cast<std::uint8_t>(fuzz::kit::tile::hole),
                                       static_cast<std::uint8_t>(fuzz::kit::tile::private_file),
                                       static_cast<std::uint8_t>(fuzz::kit::tile::past_end_of_file),
                                       0,
                                       0,
                                       0,
                                       0};
  for (std::size_t which = 0; which < fuzz::calls.size(); ++which)
    for (const int value : {1, 2, 3}) {
      const int last = value == 1 ? 1 : 4;
      program.insert(
          program.end(),
          {static_cast<std::uint8_t>(128 + which), static_cast<std::uint8_t>(last + 2), 0, 1,
           static_cast<std::uint8_t>(last), 1, static_cast<std::uint8_t>(value), 1});
      program.resize(program.size() + 8 * fuzz::kit::record_size);  // what it takes as arguments
    }
  fuzz::warming_up = true;
  LLVMFuzzerTestOneInput(program.data(), program.size());
  fuzz::warming_up = false;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sigset_t mask = fuzz::signal_mask();
  fuzz::kit::fuzzed program(data, size);
  fuzz::running = &program;
  fuzz::begin(program);
  program.run(fuzz::space(), [](fuzz::kit::fuzzed_call& c) {
    fuzz::calls[c.which() % fuzz::calls.size()].run(c);
  });
  fuzz::end();
  fuzz::expect_content();
  const sigset_t now = fuzz::signal_mask();
  fuzz::expect(std::memcmp(&now, &mask, sizeof now) == 0, "a call left the signal mask changed");
  fuzz::running = nullptr;
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  // A third of them by libFuzzer itself: it knows the dictionary, and what was compared.
  if (LLVMFuzzerMutate != nullptr && seed % 3 == 0) return LLVMFuzzerMutate(data, size, most);
  return fuzz::kit::mutate_program(data, size, most, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data, std::size_t size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t most,
                                                 unsigned seed) {
  size = std::min(size, most);
  std::memcpy(out, data, size);
  return fuzz::kit::mutate_program(out, size, most, seed, other, other_size);
}
