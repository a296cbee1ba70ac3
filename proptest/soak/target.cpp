// What a fuzz target asks for, for many threads at once: fuzz/support/target.cpp is for one. Compiled once for
// each target, with its namespace under another name.
#include "target.hpp"

#include <signal.h>

#include <cstring>
#include <memory>

#include "work.hpp"

namespace fuzz {

namespace {

soak::desk& now() { return *soak::this_desk(); }

struct two_plains {
  plain one, another;
};
two_plains& plains() {
  std::shared_ptr<void>& room = now().room();
  if (room == nullptr) room = std::make_shared<two_plains>();
  return *static_cast<two_plains*>(room.get());
}

sigset_t signal_mask() {
  sigset_t mask{};  // the kernel writes only its part
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

void expect_end() {
  end();
  expect_content();
  static const sigset_t none{};
  const sigset_t mask = signal_mask();
  expect(std::memcmp(&mask, &none, sizeof mask) == 0, "a call left the signal mask changed");
}

const char* name_of(std::size_t i) { return calls[i].name; }
void run(std::size_t i, kit::fuzzed_call& c) { calls[i].run(c); }
std::string text(const kit::fuzzed& program) { return program.text(calls); }

}  // namespace

extern const soak::target soaked;
const soak::target soaked{target_name, calls.size(), name_of, run, begin, expect_end, text};

bool is_warming_up() { return false; }
kit::address_space& space() { return now().space; }
plain& memory() { return plains().one; }
plain& more_memory() { return plains().another; }

const engine_choice& engines() {
  static thread_local engine_choice chosen;
  const unsigned bits = now().engines;
  chosen = {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
  return chosen;
}

void finding(const char* what, const std::string& details) {
  soak::wrong(target_name, what, details);
}

void survived(const fault& met) noexcept {
  if (met.signal != 0) ++now().faults;
}

void ask_reference(kit::fuzzed_call& c) { ask(now().kernel, c); }

}  // namespace fuzz
