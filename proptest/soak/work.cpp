#include "work.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

// One namespace for each: CMakeLists.txt renames them.
#define SOAKED(name)                  \
  namespace name {                    \
  extern const ::soak::target soaked; \
  }
SOAKED(fuzz_try_copy)
SOAKED(fuzz_try_value)
SOAKED(fuzz_try_string)
SOAKED(fuzz_fault_in)
SOAKED(fuzz_ensure_accessible)
SOAKED(fuzz_loops)
SOAKED(fuzz_concurrent)
SOAKED(fuzz_guards)
#undef SOAKED

namespace soak {

std::array<std::array<std::atomic<std::uint64_t>, most_calls>, 16> asked;
std::atomic<std::uint64_t> operations{0}, survived_faults{0};
std::uint64_t seed = 0;

namespace {

thread_local desk* mine = nullptr;

constexpr const target* all_targets[] = {
    &fuzz_try_copy::soaked,          &fuzz_try_value::soaked, &fuzz_try_string::soaked,
    &fuzz_fault_in::soaked,          &fuzz_guards::soaked,    &fuzz_loops::soaked,
    &fuzz_ensure_accessible::soaked, &fuzz_concurrent::soaked};
constexpr std::size_t the_concurrent_one = 7;

// What that one keeps is the process's, and it has threads of its own.
std::mutex only_one_concurrent;

constexpr std::size_t most_records = 10;

}  // namespace

std::span<const target* const> targets() { return all_targets; }

desk* this_desk() noexcept { return mine; }

void wrong(const char* who, const char* what, const std::string& details) {
  // Never let go of: who comes second has nothing to add.
  static std::mutex only_one;
  only_one.lock();
  std::fprintf(stderr, "\nWRONG: %s: %s\n", who, what);
  if (!details.empty()) std::fprintf(stderr, "%s\n", details.c_str());
  if (mine != nullptr) std::fprintf(stderr, "%s", mine->report().c_str());
  std::fprintf(stderr, "again, as far as threads let it: soak --seed %llu\n",
               static_cast<unsigned long long>(seed));
  std::fflush(nullptr);
  ::_exit(1);
}

desk::desk(std::uint64_t number) : random(seed * 1'000'003 + number), number_(number) {
  mine = this;
}
desk::~desk() { mine = nullptr; }

std::string desk::report() const {
  if (running_ == nullptr) return {};
  const target& t = *all_targets[which_];
  std::string text = "thread " + std::to_string(number_) + ", its program " +
                     std::to_string(round_) + ":\n" + t.text(*running_) + "layout now:\n" +
                     space.model().picture() + "\nthe program alone: printf '";
  for (const std::uint8_t byte : program_) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\%03o", byte);
    text += escaped;
  }
  return text + "' >F; fuzz_" + t.name + " F\n";
}

// The program before with some edits, or a new one.
void desk::draw() {
  std::size_t size = program_.size();
  unsigned edits = 1;
  if (size == 0 || once_in(random, 16)) {
    size = kit::record_size;
    edits = 24;
    program_.assign(most_records * kit::record_size, 0);
    for (std::size_t i = 0; i < kit::space_pages; ++i)
      program_[i] = static_cast<std::uint8_t>(random() % kit::tile_kinds);
  }
  program_.resize(most_records * kit::record_size);
  for (; edits > 0; --edits)
    size = kit::mutate_program(program_.data(), size, program_.size(),
                               static_cast<std::uint32_t>(random()));
  program_.resize(size);
}

void desk::work() {
  ++round_;
  draw();
  which_ = random() % std::size(all_targets);
  std::unique_lock concurrent(only_one_concurrent, std::defer_lock);
  if (which_ == the_concurrent_one && !concurrent.try_lock()) which_ = 0;
  // One engine, or all of them compared.
  const std::uint64_t some = random() % 5;
  engines = some < 3 ? 1u << some : 7;

  const target& t = *all_targets[which_];
  std::uint64_t calls = 0;
  kit::fuzzed program(program_.data(), program_.size());
  running_ = &program;
  t.begin(program);
  program.run(space, [&](kit::fuzzed_call& c) {
    const std::size_t call = c.which() % t.calls;
    t.run(call, c);
    asked[which_][call].fetch_add(1, std::memory_order_relaxed);
    ++calls;
  });
  t.end();
  running_ = nullptr;
  operations.fetch_add(calls, std::memory_order_relaxed);
  survived_faults.fetch_add(std::exchange(faults, 0), std::memory_order_relaxed);
}

}  // namespace soak
