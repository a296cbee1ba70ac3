#include "meanwhile.hpp"

#include <signal.h>

#include <utility>

namespace meanwhile {

namespace {

thread_local hook* now = nullptr;

}  // namespace

during_sigaction::during_sigaction(hook h) : mine_(std::move(h)), before_(now) { now = &mine_; }
during_sigaction::~during_sigaction() { now = before_; }

}  // namespace meanwhile

extern "C" {

// glibc's own name of it.
int __sigaction(int signal, const struct sigaction* to, struct sigaction* before) noexcept;

// Stands before glibc's and before a sanitizer's: the executable is asked first for a symbol.
int sigaction(int signal, const struct sigaction* to, struct sigaction* before) noexcept {
  const int result = __sigaction(signal, to, before);
  if (meanwhile::now != nullptr) (*meanwhile::now)(signal, to != nullptr);
  return result;
}
}
