// Who else is in the process of the soak: owners of the signals, faults and signals that are none of ours,
// timers, children, shared objects with copies of the library, fibers. Each step checks what came of it.
#pragma once

#include <atomic>
#include <cstdint>

#include "../build.hpp"
#include "../ticks.hpp"
#include "work.hpp"

namespace soak {

struct company_counts {
  std::atomic<std::uint64_t> foreign_faults{0}, foreign_faults_in_guards{0}, foreign_signals{0};
  std::atomic<std::uint64_t> passed_on{0}, hosted{0};  // by owners that stood over us
  std::atomic<std::uint64_t> takeovers{0}, given_back{0};
  std::atomic<std::uint64_t> ticks{0}, ticks_blocked{0};
  std::atomic<std::uint64_t> children{0}, children_in_guards{0};
  std::atomic<std::uint64_t> images_used{0}, images_gone{0}, image_installs{0};
  std::atomic<std::uint64_t> fiber_switches{0};
};
extern company_counts counts;

// The owner before us takes both signals, then we do. Before any thread.
void begin_company();

// A fault, or a signal that is sent, that is not ours: it comes to an owner exactly once, with its address, its
// code and its value, whoever stands over whom.
void foreign(chance& random);

// While it lives this thread is interrupted again and again, by a handler that asks the library itself.
struct ticking : ticks {
  explicit ticking(chance& random);
};

// Another owner stands over us for a moment, then install() takes back.
void change_owner(chance& random);

// With no primitive running in any thread: uninstall() and install().
void give_back_and_take(chance& random);

// A child of fork(), half of them made in a guard.
void have_child(chance& random);

// A shared object is loaded, used, and closed.
void use_image(chance& random);

// Two fibers, one of which faults while the other is in a guard.
inline constexpr bool has_fibers = !build::is_sanitized;
void switch_fibers(chance& random);

}  // namespace soak
