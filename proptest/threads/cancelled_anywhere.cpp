// A thread that may be cancelled at any instruction, and is, in the middle of its faults and of our handler.
//
// Built without exceptions, and so a program of its own: the cancellation unwinds from anywhere, and where there
// are exceptions noexcept makes the end of the process of that. (POSIX lets such a thread call next to nothing.)
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <surefoot/surefoot.hpp>

#include "../build.hpp"

namespace {

constexpr std::size_t page_size = 4096;
std::uint8_t* bad = nullptr;  // refused; 50 bytes before it are not
std::atomic<long> rounds = 0;

void require(bool fine, const char* what) {
  if (fine) return;
  std::printf("failed: %s\n", what);
  std::exit(1);
}

template <class E>
bool is_answered() {
  std::uint8_t to[200];
  const surefoot::progress met = surefoot::try_copy(to, bad - 50, sizeof to, E{});
  return met.done == 50 && met.stopped_by.address == bad &&
         surefoot::try_load(bad, E{}).stopped_by.address == bad;
}

template <class E>
void* fault_for_ever(void*) {
  ::pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  for (;;) {
    require(is_answered<E>(), "each fault has its answer");
    ++rounds;
  }
}

template <class E>
void cancel_again_and_again(const char* engine) {
  sigset_t before, after;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  for (int i = 0; i < (build::is_slow ? 10 : 100); ++i) {
    rounds = 0;
    pthread_t thread{};
    require(::pthread_create(&thread, nullptr, &fault_for_ever<E>, nullptr) == 0, "pthread_create");
    while (rounds < 3 + i % 7) ::sched_yield();
    ::pthread_cancel(thread);
    void* result = nullptr;
    require(::pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED, "it was cancelled");
    require(is_answered<E>(), "this thread goes on");
  }
  ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < SIGRTMAX; ++signal)
    require(::sigismember(&before, signal) == ::sigismember(&after, signal), "the signal mask");
  std::printf("%s: cancelled again and again\n", engine);
}

// qemu's user mode does not have what engine::kernel copies by.
bool kernel_copies() {
  char from = 1, to = 0;
  const iovec source{&from, 1}, destination{&to, 1};
  return surefoot::os::copy_through_kernel(&destination, 1, &source, 1) == 1;
}

}  // namespace

int main() {
  void* const p =
      ::mmap(nullptr, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(p != MAP_FAILED, "mmap");
  bad = static_cast<std::uint8_t*>(p) + page_size;
  require(::mprotect(bad, page_size, PROT_NONE) == 0, "mprotect");
#if SUREFOOT_HAS_TABLE
  cancel_again_and_again<surefoot::engine::table>("engine::table");
#endif
  cancel_again_and_again<surefoot::engine::jump>("engine::jump");
  if (kernel_copies()) cancel_again_and_again<surefoot::engine::kernel>("engine::kernel");
}
