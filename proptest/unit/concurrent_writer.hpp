// Another thread that changes memory while it is probed.
#pragma once

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "memory.hpp"

namespace memory {

// Adds 1 to the byte at p, `rounds` times, atomically, while `probe()` runs again and again. Is the
// byte what it was plus `rounds`? If not, a probe has undone a change.
template <class Probe>
bool keeps_every_update(std::uint8_t* p, std::size_t rounds, Probe probe) {
  const auto expected = static_cast<std::uint8_t>(*p + rounds);
  std::atomic<bool> started{false}, done{false};
  std::thread writer([&] {
    started = true;
    for (std::size_t round = 0; round < rounds; ++round) __atomic_fetch_add(p, 1, __ATOMIC_RELAXED);
    done = true;
  });
  while (!started) {
  }
  while (!done) probe();
  writer.join();
  return *p == expected;
}

// Holds the first thread that writes to one page, in the middle of its access (userfaultfd in
// write-protect mode): what a loop of two threads meets by chance happens here each time. Writes that
// the kernel makes for a thread are held, too, where a process may ask for that.
class write_trap {
 public:
  explicit write_trap(std::uint8_t* page) : page_(page), descriptor_(open(false)) {
    require(descriptor_ >= 0, "userfaultfd");
    uffdio_register all{};
    all.range = range();
    all.mode = UFFDIO_REGISTER_MODE_WP;
    require(::ioctl(descriptor_, UFFDIO_REGISTER, &all) == 0, "UFFDIO_REGISTER");
    protect(UFFDIO_WRITEPROTECT_MODE_WP);
  }
  ~write_trap() { ::close(descriptor_); }
  write_trap(const write_trap&) = delete;
  write_trap& operator=(const write_trap&) = delete;

  // Asks the machine; where it refuses, the running test says so.
  static bool offered(bool in_kernel) {
    const int descriptor = open(in_kernel);
    if (descriptor >= 0) ::close(descriptor);
    if (descriptor < 0)
      say_skipped(in_kernel ? "userfaultfd with write protection, for writes of the kernel"
                            : "userfaultfd with write protection");
    return descriptor >= 0;
  }

  // Runs probe(), and adds 1 to the byte at p while its write is held. Was it held, and is the
  // change still there afterwards?
  template <class Probe>
  bool keeps_the_update(std::uint8_t* p, Probe probe) {
    const auto expected = static_cast<std::uint8_t>(*p + 1);
    bool held = false;
    std::thread writer([&] {
      pollfd wait{descriptor_, POLLIN, 0};
      held = ::poll(&wait, 1, 10'000) == 1;
      protect(UFFDIO_WRITEPROTECT_MODE_DONTWAKE);
      if (held) __atomic_fetch_add(p, 1, __ATOMIC_RELAXED);
      uffdio_range held_at = range();
      ::ioctl(descriptor_, UFFDIO_WAKE, &held_at);
    });
    probe();
    writer.join();
    return held && *p == expected;
  }

 private:
  static int open(bool in_kernel) {
    auto descriptor = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC));
    if (descriptor < 0 && !in_kernel)
      descriptor = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
    uffdio_api api{};
    api.api = UFFD_API;
    api.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP;
    if (descriptor < 0 || ::ioctl(descriptor, UFFDIO_API, &api) == 0) return descriptor;
    ::close(descriptor);
    return -1;
  }
  uffdio_range range() const { return {reinterpret_cast<std::uintptr_t>(page_), page_size}; }
  void protect(std::uint64_t mode) const {
    uffdio_writeprotect change{};
    change.range = range();
    change.mode = mode;
    require(::ioctl(descriptor_, UFFDIO_WRITEPROTECT, &change) == 0, "UFFDIO_WRITEPROTECT");
  }

  std::uint8_t* page_;
  int descriptor_;
};

}  // namespace memory
