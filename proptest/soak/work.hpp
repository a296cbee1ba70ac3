// What a thread of the soak does: random programs on real memory of its own, each call checked against the
// model of it. The programs and the checks are those of the fuzz targets (fuzz/*.cpp, and guards.cpp here), each
// compiled once more with target.cpp for many threads at once.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/address_space.hpp>
#include <surefoot/testing/fuzzed.hpp>
#include <surefoot/testing/reference.hpp>
#include <vector>

namespace soak {

namespace kit = surefoot::testing;
using chance = std::mt19937_64;

// True once in n.
inline bool once_in(chance& random, std::uint64_t n) { return random() % n == 0; }

// A fuzz target, whatever its namespace.
struct target {
  const char* name;
  std::size_t calls;
  const char* (*name_of)(std::size_t call);
  void (*run)(std::size_t call, kit::fuzzed_call& c);
  void (*begin)(const kit::fuzzed& program);
  void (*end)();
  std::string (*text)(const kit::fuzzed& program);
};
inline constexpr std::size_t most_calls = 32;
std::span<const target* const> targets();

// All that was asked, of each target and call; and how many faults came back as an answer.
extern std::array<std::array<std::atomic<std::uint64_t>, most_calls>, 16> asked;
extern std::atomic<std::uint64_t> operations, survived_faults;

// The wrong answer that ends it: what, where, with which program; exit status 1. `seed` is that of the run.
extern std::uint64_t seed;
[[noreturn]] void wrong(const char* who, const char* what, const std::string& details = {});
inline void expect(bool holds, const char* who, const char* what) {
  if (!holds) [[unlikely]]
    wrong(who, what);
}

// What a thread works with. Made and dropped by the thread itself: all its memory goes with it.
class desk {
 public:
  // `number` tells the threads apart, in reports and in what they draw.
  explicit desk(std::uint64_t number);
  ~desk();
  desk(const desk&) = delete;
  desk& operator=(const desk&) = delete;

  // One program: a layout, changes of it, calls.
  void work();

  chance random;
  kit::address_space space{};
  kit::reference kernel{};
  unsigned engines = 7;  // a bit for each: table, jump, kernel
  std::uint64_t faults = 0;

  // What a target keeps for itself.
  std::shared_ptr<void>& room() { return rooms_[which_]; }
  std::string report() const;

 private:
  void draw();

  std::uint64_t number_, round_ = 0;
  std::size_t which_ = 0;
  std::vector<std::uint8_t> program_{};
  const kit::fuzzed* running_ = nullptr;
  std::array<std::shared_ptr<void>, 16> rooms_{};
};
// Of this thread; null where it has none.
desk* this_desk() noexcept;

}  // namespace soak
