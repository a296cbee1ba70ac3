/// @file
/// The signal handler, as its host sees it: installing, giving back, asking, and living beside
/// others.
///
/// Nobody has to call anything here: a primitive installs on first use. Call install() where the
/// moment matters (in a signal handler, before a sandbox closes), where another owner has taken the
/// signals since, or for the engine object that makes the way into a primitive free of any test.
#pragma once

#include <dlfcn.h>
#include <link.h>
#include <signal.h>

#include <cstddef>
#include <surefoot/engine/concept.hpp>
#include <surefoot/engine/jump.hpp>
#include <surefoot/engine/standard.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/signal/claim.hpp>
#include <surefoot/signal/image.hpp>
#include <surefoot/signal/install.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {

namespace engine {

/// Makes the proofs.
struct installing {
  template <model E>
  static constexpr installed<E> proof(bool done) noexcept {
    return installed<E>(done);
  }
};

}  // namespace engine

/// For each of the two signals: a yes or a no.
///
/// @snippet handler.cpp for_each_signal
struct [[nodiscard]] SUREFOOT_PUBLIC for_each_signal {
  bool segv = false;  ///< of SIGSEGV
  bool bus = false;   ///< of SIGBUS

  /// Of both of them.
  constexpr bool both() const noexcept { return segv && bus; }

  friend constexpr bool operator==(const for_each_signal&, const for_each_signal&) = default;
};

/// Makes our handler the owner of SIGSEGV and SIGBUS, unless it is already, and returns an engine
/// that proves it: passed to a primitive, nothing at all is executed on the way in. Every displaced
/// owner is kept and gets whatever is not ours. Idempotent, lock-free, async-signal-safe; 1 us, some
/// more for the first call of a process.
///
/// Where the kernel refuses (a seccomp filter on rt_sigaction), or where 15 different owners were
/// displaced already, it cannot do it: then the object is false, and must not be passed on. Calls
/// with a default engine answer `unknown` there.
///
/// @snippet handler.cpp install
template <engine::model E = engine::standard>
[[nodiscard]] engine::installed<E> install() noexcept {
  return engine::installing::proof<E>(signals::install());
}

/// For hosts that keep their own handler and call try_handle() from it: takes no signal and makes
/// calls with a default engine take none either. The host's handler must be registered with
/// SA_SIGINFO and SA_NODEFER, with SA_ONSTACK where threads have alternate stacks, and with an empty
/// sa_mask.
///
/// @snippet handler.cpp install_hosted
struct SUREFOOT_PUBLIC hosted_t {};
/// What install() is told by such a host.
///
/// @snippet handler.cpp install_hosted
inline constexpr hosted_t hosted{};

/// The same for such a host; always true. Idempotent, lock-free, async-signal-safe; costs no system call.
template <engine::model E = engine::standard>
engine::installed<E> install(hosted_t) noexcept {
  signals::install_hosted();
  return engine::installing::proof<E>(true);
}

/// Which of the two signals does our handler own right now? `false` also of one that the kernel does not let us
/// ask about (a seccomp filter). Async-signal-safe; costs two system calls.
///
/// @snippet handler.cpp installed
inline for_each_signal installed() noexcept {
  struct sigaction segv {};
  struct sigaction bus {};
  return {.segv = os::query(SIGSEGV, segv) && signals::is_ours(segv),
          .bus = os::query(SIGBUS, bus) && signals::is_ours(bus)};
}

/// Gives the signals back to the owner before us, each only where our handler is still the current
/// one, and says which it gave back. Where it is not, it stays in the other's chain as a
/// pass-through. The next call with a default engine installs again; no primitive may be running
/// meanwhile, in any image. Async-signal-safe; costs two system calls for each
/// signal.
///
/// @snippet handler.cpp uninstall
inline for_each_signal uninstall() noexcept {
  __atomic_store_n(&signals::ready_byte, 0, __ATOMIC_RELEASE);
  const for_each_signal given{.segv = signals::give_back(SIGSEGV),
                              .bus = signals::give_back(SIGBUS)};
  // A primitive in a signal handler may have installed again half-way.
  __atomic_store_n(&signals::ready_byte, 0, __ATOMIC_RELEASE);
  return given;
}

/// What try_handle() says.
///
/// @snippet handler.cpp install_hosted
enum class SUREFOOT_PUBLIC handled : unsigned char {
  no,  ///< none of ours: the host goes on as it would without us
  yes  ///< ours: the host returns from its handler at once
};

/// The handler itself, for a host that keeps its own. Does not return where a guard takes the fault.
/// Forwards nothing. Before any install(): no. Async-signal-safe; costs a search of the tables, of all images
/// that are known.
///
/// @snippet handler.cpp install_hosted
[[nodiscard]] inline handled try_handle(int signal, siginfo_t* info, void* ucontext) noexcept {
  if (!signals::is_prepared()) return handled::no;
  return signals::claim(signal, info, ucontext) ? handled::yes : handled::no;
}

/// Lets faults reach the handler on this thread: a thread that blocks SIGSEGV or SIGBUS is killed by
/// the kernel on any fault, and code in somebody's handler without SA_NODEFER runs on such a thread.
/// Says which of them was blocked. Async-signal-safe; costs one system call.
///
/// @snippet handler.cpp ready_this_thread
inline for_each_signal ready_this_thread() noexcept {
  const os::signal_mask before = os::unblock(os::only(SIGSEGV) | os::only(SIGBUS));
  return {.segv = (before & os::only(SIGSEGV)) != 0, .bus = (before & os::only(SIGBUS)) != 0};
}

/// What pin() says.
///
/// @snippet handler.cpp pin
enum class SUREFOOT_PUBLIC pinned : unsigned char { no, yes };

/// Keeps the image that calls it from ever being unloaded. A shared object that installs must not
/// go: link it with `-Wl,-z,nodelete` (CMake: surefoot::pinned) or call this. From normal code only:
/// from a signal handler that interrupted dlopen() it would abort. The executable is pinned anyway.
/// `no` where the image is not found, or dlopen() refuses. Not async-signal-safe; costs a walk over the loaded
/// images and a dlopen().
///
/// @snippet handler.cpp pin
[[nodiscard]] inline pinned pin() noexcept {
  // Not dladdr(): it knows nothing of a static program.
  struct image {
    std::uintptr_t inside;
    const char* name;
  } ours{reinterpret_cast<std::uintptr_t>(&signals::ready_byte), nullptr};
  const auto is_it = [](dl_phdr_info* loaded, std::size_t, void* data) {
    auto& looked_for = *static_cast<image*>(data);
    for (std::size_t i = 0; i < loaded->dlpi_phnum; ++i) {
      const auto& part = loaded->dlpi_phdr[i];
      if (part.p_type != PT_LOAD ||
          looked_for.inside - loaded->dlpi_addr - part.p_vaddr >= part.p_memsz)
        continue;
      looked_for.name = loaded->dlpi_name;
      return 1;
    }
    return 0;
  };
  if (::dl_iterate_phdr(is_it, &ours) == 0 || ours.name == nullptr) return pinned::no;
  if (*ours.name == '\0') return pinned::yes;  // the executable has no name here
  return ::dlopen(ours.name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr ? pinned::yes
                                                                                 : pinned::no;
}

/// A thread's chain of guards, for those who switch stacks.
///
/// @snippet handler.cpp exchange_guard
struct SUREFOOT_PUBLIC guard_chain {
  /// Nobody else's business; null: no guard.
  void* innermost = nullptr;
};

/// Makes `next` this thread's chain of guards and returns the one before. A scheduler of fibers
/// calls it at each switch: a guard belongs to the stack on which it was entered, not to the thread.
/// A new fiber begins with {}. Before any install(): does nothing. Async-signal-safe; costs a load and a store.
///
/// @snippet handler.cpp exchange_guard
[[nodiscard]] inline guard_chain exchange_guard(guard_chain next) noexcept {
  if (!signals::is_prepared()) return {};
  signals::guard** const slot = signals::guard_slot(signals::this_image);
  const guard_chain before{*slot};
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  *slot = static_cast<signals::guard*>(next.innermost);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  return before;
}

}  // namespace SUREFOOT_ABI
}  // namespace surefoot
