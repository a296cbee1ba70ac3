#include "stage.hpp"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "child.hpp"

namespace stage {

namespace {

void* map(void* at, int protection, int flags, int file) {
  void* const p = ::mmap(at, page, protection, flags, file, 0);
  if (p == MAP_FAILED) ::_exit(90);
  return p;
}

}  // namespace

bad_memory::bad_memory()
    : denied(static_cast<long*>(map(nullptr, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1))),
      past_end(static_cast<long*>(map(nullptr, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1))),
      both{denied, past_end} {
  spoil();
}

void bad_memory::spoil() {
  map(denied, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
  const int empty = ::memfd_create("empty", 0);
  if (empty < 0) ::_exit(91);
  map(past_end, PROT_READ, MAP_SHARED | MAP_FIXED, empty);
  ::close(empty);
}

[[gnu::noinline]] void read_directly(const long* p) noexcept {
  (void)*static_cast<const volatile long*>(p);
}

namespace previous {

volatile int calls = 0;
volatile int last_signal = 0;
const void* volatile last_address = nullptr;
bool jumps = false;

namespace {

sigjmp_buf where;
struct sigaction set_for[2];
const int both[2] = {SIGSEGV, SIGBUS};

void on_fault(int signal, siginfo_t* info, void*) {
  calls = calls + 1;
  // Ends a circle.
  if (calls > 100) ::_exit(92);
  last_signal = signal;
  last_address = info->si_addr;
  if (jumps) siglongjmp(where, 1);
  const auto start = reinterpret_cast<std::size_t>(info->si_addr) & ~(page - 1);
  map(reinterpret_cast<void*>(start), PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
}

}  // namespace

void own_both_signals() {
  for (int i = 0; i < 2; ++i) {
    struct sigaction a {};
    a.sa_sigaction = on_fault;
    a.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&a.sa_mask);
    sigaddset(&a.sa_mask, SIGUSR2);
    ::sigaction(both[i], &a, nullptr);
    ::sigaction(both[i], nullptr, &set_for[i]);
  }
}

bool owns(int signal) {
  const struct sigaction& was = set_for[signal == SIGBUS ? 1 : 0];
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  return now.sa_sigaction == was.sa_sigaction && now.sa_flags == was.sa_flags &&
         ::memcmp(&now.sa_mask, &was.sa_mask, 8) == 0;
}

}  // namespace previous

void expect_that_unguarded_faults_reach_the_previous_handler(bad_memory& bad) {
  bad.spoil();
  for (long* const p : bad.both) {
    previous::calls = 0;
    previous::last_signal = 0;
    previous::last_address = nullptr;
    if (sigsetjmp(previous::where, 1) == 0) read_directly(p);
    EXPECT(previous::calls == 1);
    EXPECT(previous::last_address == p);
    EXPECT(previous::last_signal == (p == bad.denied ? SIGSEGV : SIGBUS));
  }
  bad.spoil();
}

void nest::run() {
  depth_ = 0;
  answers.assign(guards.size(), {false, 0, not_ended, nullptr, 0});
  deeper(this);
}

void nest::deeper(void* self) noexcept {
  nest& n = *static_cast<nest*>(self);
  const std::size_t depth = n.depth_;
  if (depth == n.guards.size()) {
    n.f(n.argument);
    return;
  }
  const guard& g = n.guards[depth];
  n.depth_ = depth + 1;
  n.answers[depth] = g.range == nullptr ? g.by->run(&deeper, self)
                                        : g.by->run_within(g.range, g.bytes, &deeper, self);
}

std::vector<std::vector<int>> orders(int n) {
  std::vector<int> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::vector<int>> all;
  if (build::is_sanitized) {
    for (int i = 0; i < n; ++i) {
      all.push_back(order);
      std::rotate(order.begin(), order.begin() + 1, order.end());
    }
    return all;
  }
  do all.push_back(order);
  while (std::next_permutation(order.begin(), order.end()));
  return all;
}

}  // namespace stage
