// A timer that interrupts one thread.
#pragma once

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <surefoot/testing/tile/tile.hpp>

// The C library of Debian 12 does not name it.
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

// While it lives, the thread that made it gets this signal again and again.
class ticks {
 public:
  // Every so many ns, less than a second. An uneven period comes at every place.
  ticks(int signal, long period) {
    struct sigevent how {};
    how.sigev_notify = SIGEV_THREAD_ID;
    how.sigev_signo = signal;
    how.sigev_notify_thread_id = ::gettid();
    using surefoot::testing::detail::require;
    require(::timer_create(CLOCK_MONOTONIC, &how, &timer_) == 0, "timer_create");
    const itimerspec when{{0, period}, {0, period}};
    require(::timer_settime(timer_, 0, &when, nullptr) == 0, "timer_settime");
  }
  ~ticks() { ::timer_delete(timer_); }
  ticks(const ticks&) = delete;
  ticks& operator=(const ticks&) = delete;

 private:
  timer_t timer_{};
};
