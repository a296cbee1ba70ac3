// What the scenarios play on: bad memory, the handler that was there before the library, code that
// faults by itself, and guards in guards.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <cstddef>
#include <vector>

#include "../build.hpp"
#include "image.hpp"

namespace stage {

inline constexpr std::size_t page = 4096;

// Two bad pages: `denied` answers with SIGSEGV, `past_end` with SIGBUS.
struct bad_memory {
  bad_memory();
  // Makes both bad again after the handler below has mended them.
  void spoil();

  long* denied;
  long* past_end;
  const std::vector<long*> both;
};

// Reads the long there, in plain code of the executable.
void read_directly(const long* p) noexcept;
inline void read_there(void* p) noexcept { read_directly(static_cast<const long*>(p)); }

// The owner of both signals before any image installed. It counts, and mends the page so that the
// access can be made again; or it leaves by a jump.
namespace previous {
// Volatile: a compiler that sees the whole program knows that a plain load calls nobody.
extern volatile int calls;
extern volatile int last_signal;
extern const void* volatile last_address;
extern bool jumps;
void own_both_signals();
// Is it the owner again, as it was set?
bool owns(int signal);
}  // namespace previous

// A fault in plain code without any guard. EXPECTs that it reaches the previous handler once, for
// both signals.
void expect_that_unguarded_faults_reach_the_previous_handler(bad_memory& bad);

// Guards in guards, the first one outermost, around f.
struct nest {
  struct guard {
    const guest::image* by = nullptr;
    // Guards that range only, where it is not null.
    const void* range = nullptr;
    std::size_t bytes = 0;
  };
  nest(guest::callback code, void* its_argument) : f(code), argument(its_argument) {}

  std::vector<guard> guards{};
  guest::callback f;
  void* argument;

  // What each guard said, as they are in `guards`; those that did not end say ok == false and
  // kind == not_ended.
  static constexpr int not_ended = -1;
  std::vector<guest::answer> answers{};

  void run();

 private:
  static void deeper(void* self) noexcept;
  std::size_t depth_ = 0;
};

// Each order of 0 ... n - 1. Under a sanitizer only some: each number comes first once, and last
// once.
std::vector<std::vector<int>> orders(int n);

}  // namespace stage
