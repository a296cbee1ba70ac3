// What a signal frame holds on every machine: all of it but the registers.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

class frame {
 public:
  explicit frame(void* ucontext) noexcept : uc_(static_cast<ucontext_t*>(ucontext)) {}

  // The signal mask of the interrupted code. The frame holds only the 8 bytes that the kernel
  // knows.
  std::uint64_t signal_mask() const noexcept {
    std::uint64_t m = 0;
    __builtin_memcpy(&m, &uc_->uc_sigmask, sizeof m);
    return m;
  }

  // A word of the frame (uc_link) that the kernel clears for each delivery and does not look at
  // again. Here a delivery can be marked.
  std::uintptr_t mark() const noexcept { return reinterpret_cast<std::uintptr_t>(uc_->uc_link); }
  void mark(std::uintptr_t to) noexcept { uc_->uc_link = reinterpret_cast<ucontext_t*>(to); }

  // The alternate stack as it was when the signal came; delivery takes one with SS_AUTODISARM away.
  const stack_t& alternate_stack() const noexcept { return uc_->uc_stack; }

 protected:
  ucontext_t* uc_;
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
