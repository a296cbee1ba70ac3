// Processes of their own for what a signal may do to one: how they end, what reached the owners of
// the signals before us, and a thread that is held in the middle of an access.
//
//   const process::ending end = process::run([] {
//     process::owner<>::take(SIGSEGV);
//     (void)surefoot::install();
//     process::stray_load(nullptr);
//   });
//   CHECK(end.status == 0);
//   CHECK(process::ledger[0].calls == 1);
//
// A body runs in a child without any handler for SIGSEGV and SIGBUS, neither ours nor a
// sanitizer's. What it finds out it writes into memory that it shares; the assertions stand in the
// parent.
#pragma once

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "machine.hpp"
#include "memory.hpp"

namespace process {

using memory::require;

// --- what parent and child share

// One T, made of zeros.
template <class T>
class shared {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  shared() {
    void* const p =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(p != MAP_FAILED, "mmap");
    at_ = new (p) T{};
  }
  ~shared() { ::munmap(at_, sizeof(T)); }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;

  T& operator*() const { return *at_; }
  T* operator->() const { return at_; }

 private:
  T* at_;
};

// What reached a handler: how often, and what it saw when it was called last.
struct delivery {
  int calls = 0;
  int signal = 0;
  siginfo_t info{};
  const void* ucontext = nullptr;
  std::uintptr_t pc = 0;
  surefoot::os::signal_mask mask = 0;
  int error = 0;  // errno
};

inline constexpr std::size_t owners = 20;
inline const shared<std::array<delivery, owners>> ledger_memory;
// What reached owner<N> in the last run.
inline std::array<delivery, owners>& ledger = *ledger_memory;

// --- children

// How a process ended: with an exit status, or by a signal (then the status is -1).
struct ending {
  int status = -1;
  int signal = 0;
  bool dumped = false;  // it left a core
};

inline ending ending_of(int wait_status) {
  if (WIFEXITED(wait_status)) return {WEXITSTATUS(wait_status), 0, false};
  return {-1, WTERMSIG(wait_status), WCOREDUMP(wait_status) != 0};
}

inline constexpr int signals_taken[2] = {SIGSEGV, SIGBUS};

// As if neither this library nor a sanitizer, with its alternate stack, had been here.
inline void start_afresh() {
  (void)surefoot::uninstall();
  for (const int signal : signals_taken) ::signal(signal, SIG_DFL);
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
}

// Starts a child that runs `body`, which may end it, and else exits with status 0.
template <class Body>
pid_t start(Body body) {
  for (delivery& d : ledger) d = {};
  std::fflush(stdout);
  const pid_t child = ::fork();
  require(child >= 0, "fork");
  if (child != 0) return child;
  start_afresh();
  ::alarm(60);  // a watchdog
  body();
  ::_exit(0);
}

inline ending wait_for(pid_t child) {
  int status = 0;
  require(::waitpid(child, &status, 0) == child, "waitpid");
  return ending_of(status);
}

template <class Body>
ending run(Body body) {
  return wait_for(start(body));
}

// --- descriptors and threads

// How many entries this directory has.
inline std::size_t count_of(const char* directory) {
  DIR* const all = ::opendir(directory);
  require(all != nullptr, directory);
  std::size_t count = 0;
  while (const dirent* const each = ::readdir(all)) count += each->d_name[0] != '.';
  ::closedir(all);
  return count;
}
inline std::size_t open_descriptors() { return count_of("/proc/self/fd"); }

// From here on the process can open nothing.
inline void allow_no_more_descriptors() {
  const rlimit none{0, 0};
  require(::setrlimit(RLIMIT_NOFILE, &none) == 0, "RLIMIT_NOFILE");
}

// --- what a debugger sees

// One signal as a debugger sees it: what it says, and the instruction before which it comes.
struct stop {
  siginfo_t info;
  std::uintptr_t pc;
};
struct trace {
  std::vector<stop> stops;
  ending end;
};

// Runs `body` under ptrace; nothing where that is refused.
template <class Body>
std::optional<trace> run_traced(Body body) {
  constexpr int refused = 111;
  const pid_t child = start([&] {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(refused);
    body();
  });
  trace seen;
  for (;;) {
    int status = 0;
    require(::waitpid(child, &status, 0) == child, "waitpid");
    if (!WIFSTOPPED(status)) {
      seen.end = ending_of(status);
      if (seen.end.status == refused) return std::nullopt;
      return seen;
    }
    stop now{};
    user_regs_struct registers{};
    iovec all{&registers, sizeof registers};
    require(::ptrace(PTRACE_GETSIGINFO, child, nullptr, &now.info) == 0, "PTRACE_GETSIGINFO");
    require(::ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &all) == 0, "PTRACE_GETREGSET");
    now.pc = machine::pc_of(registers);
    seen.stops.push_back(now);
    require(::ptrace(PTRACE_CONT, child, nullptr,
                     reinterpret_cast<void*>(static_cast<std::uintptr_t>(WSTOPSIG(status)))) == 0,
            "PTRACE_CONT");
  }
}

// --- accesses that are none of ours

// One instruction each, at the function's own address.
inline constexpr auto& stray_load = machine::surefoot_stray_load;
inline constexpr auto& stray_store = machine::surefoot_stray_store;
using machine::pc_of;
inline std::uintptr_t address_of(void (*stray)(const volatile void*)) {
  return reinterpret_cast<std::uintptr_t>(stray);
}

// What a handler may do to go on behind a stray access.
inline void step_over(int, siginfo_t*, void* ucontext) {
  machine::pc_of(ucontext) += machine::stray_length;
}
inline void exit_with_42(int, siginfo_t*, void*) { ::_exit(42); }

// --- owners of the signals before us

inline surefoot::os::signal_mask blocked_now() { return surefoot::os::block(0); }

inline sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t s;
  ::sigemptyset(&s);
  for (const int signal : signals) ::sigaddset(&s, signal);
  return s;
}

inline struct sigaction disposition(int signal) {
  struct sigaction now {};
  ::sigaction(signal, nullptr, &now);
  return now;
}
inline bool same(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_sigaction == b.sa_sigaction && a.sa_flags == b.sa_flags &&
         surefoot::os::mask_of(a.sa_mask) == surefoot::os::mask_of(b.sa_mask);
}

// Writes down what reaches it, then does what it was told to.
template <std::size_t N = 0>
struct owner {
  static inline struct sigaction before[2] = {};  // of SIGSEGV, of SIGBUS
  static inline void (*then)(int, siginfo_t*, void*) = nullptr;

  static struct sigaction action(unsigned flags = SA_SIGINFO, sigset_t mask = set_of({})) {
    struct sigaction a {};
    if ((flags & SA_SIGINFO) != 0)
      a.sa_sigaction = &handler;
    else
      a.sa_handler = &plain_handler;
    a.sa_flags = static_cast<int>(flags);
    a.sa_mask = mask;
    return a;
  }
  static void take(int signal, unsigned flags = SA_SIGINFO, sigset_t mask = set_of({})) {
    const struct sigaction a = action(flags, mask);
    ::sigaction(signal, &a, &before[signal == SIGBUS]);
  }
  static void give_back(int signal) { ::sigaction(signal, &before[signal == SIGBUS], nullptr); }

  // One of the things to do then: hand it on to the owner before.
  static void chain(int signal, siginfo_t* info, void* ucontext) {
    const struct sigaction& a = before[signal == SIGBUS];
    if ((a.sa_flags & SA_SIGINFO) != 0)
      a.sa_sigaction(signal, info, ucontext);
    else if (a.sa_handler == SIG_DFL)
      ::signal(signal, SIG_DFL);
    else
      a.sa_handler(signal);
  }

  static void handler(int signal, siginfo_t* info, void* ucontext) {
    delivery& d = ledger[N];
    d.info = *info;
    d.ucontext = ucontext;
    d.pc = static_cast<std::uintptr_t>(pc_of(ucontext));
    plain_handler(signal);
    if (then != nullptr) then(signal, info, ucontext);
  }
  static void plain_handler(int signal) {
    delivery& d = ledger[N];
    d.error = errno;
    ++d.calls;
    d.signal = signal;
    d.mask = blocked_now();
  }
};

// --- signals that say what we want

inline siginfo_t notice(int signal, int code, const volatile void* address, int lsb = 0) {
  siginfo_t i{};
  i.si_signo = signal;
  i.si_code = code;
  i.si_addr = const_cast<void*>(address);
  i.si_addr_lsb = static_cast<short>(lsb);
  return i;
}
// The process that a signal names as its sender differs from child to child.
inline siginfo_t without_sender(siginfo_t i) {
  if (i.si_code <= 0) i.si_pid = 0;
  return i;
}
inline bool same(const siginfo_t& a, const siginfo_t& b) {
  const siginfo_t x = without_sender(a), y = without_sender(b);
  return std::memcmp(&x, &y, sizeof x) == 0;
}
inline void queue_to_self(const siginfo_t& i) { surefoot::os::queue_to_self(i.si_signo, i); }
inline void send_to_thread(pid_t thread, int signal) {
  ::syscall(SYS_tgkill, ::getpid(), thread, signal);
}

// --- stacks

// A piece of stack, with a page below that refuses whoever overflows it.
class stack {
 public:
  explicit stack(std::size_t size) : size_(size), mapped_(round_up(size) + memory::page_size) {
    void* const p = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(p != MAP_FAILED && ::mprotect(p, memory::page_size, PROT_NONE) == 0, "stack");
    at_ = static_cast<std::uint8_t*>(p);
  }
  ~stack() { ::munmap(at_, mapped_); }
  stack(const stack&) = delete;
  stack& operator=(const stack&) = delete;

  std::uint8_t* begin() const { return at_ + memory::page_size; }
  std::size_t size() const { return size_; }

 private:
  static std::size_t round_up(std::size_t n) {
    return (n + memory::page_size - 1) & ~(memory::page_size - 1);
  }

  std::size_t size_;
  std::size_t mapped_;
  std::uint8_t* at_;
};

// Code on a stack of its own, which runs only while somebody is in enter().
class fiber {
 public:
  fiber(std::uint8_t* begin, std::size_t size, void (*body)()) {
    require(::getcontext(&inside_) == 0, "getcontext");
    inside_.uc_stack.ss_sp = begin;
    inside_.uc_stack.ss_size = size;
    inside_.uc_link = &outside_;
    ::makecontext(&inside_, body, 0);
  }
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  void enter() { ::swapcontext(&outside_, &inside_); }
  void leave() { ::swapcontext(&inside_, &outside_); }

 private:
  ucontext_t inside_{};
  ucontext_t outside_{};
};

inline stack_t alternate(std::uint8_t* begin, std::size_t size, int flags = 0) {
  stack_t to{};
  to.ss_sp = begin;
  to.ss_size = size;
  to.ss_flags = flags;
  return to;
}
inline constexpr int autodisarm = static_cast<int>(1u << 31);  // SS_AUTODISARM

// --- a thread held at an access

// A page that holds each thread that touches it until it is filled: userfaultfd, without the SIGBUS
// feature. To be made in the process that uses it.
class absent_page {
 public:
  absent_page() : descriptor_(open()) {
    require(descriptor_ >= 0, "userfaultfd");
    void* const p = ::mmap(nullptr, memory::page_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(p != MAP_FAILED, "mmap");
    data_ = static_cast<std::uint8_t*>(p);
    uffdio_register all{};
    all.range = {reinterpret_cast<std::uintptr_t>(data_), memory::page_size};
    all.mode = UFFDIO_REGISTER_MODE_MISSING;
    require(::ioctl(descriptor_, UFFDIO_REGISTER, &all) == 0, "UFFDIO_REGISTER");
  }
  ~absent_page() {
    ::munmap(data_, memory::page_size);
    ::close(descriptor_);
  }
  absent_page(const absent_page&) = delete;
  absent_page& operator=(const absent_page&) = delete;

  // Asks the machine; where it refuses, the running test says so.
  static bool offered() {
    const int descriptor = open();
    if (descriptor >= 0) ::close(descriptor);
    if (descriptor < 0) memory::say_skipped("userfaultfd");
    return descriptor >= 0;
  }

  std::uint8_t* data() const { return data_; }

  // Returns once a thread is held.
  void await_touch() const {
    uffd_msg message{};
    require(::read(descriptor_, &message, sizeof message) == sizeof message, "read userfaultfd");
  }
  void fill(std::uint8_t with) const {
    alignas(8) std::uint8_t content[memory::page_size];
    std::memset(content, with, sizeof content);
    uffdio_copy copy{};
    copy.dst = reinterpret_cast<std::uintptr_t>(data_);
    copy.src = reinterpret_cast<std::uintptr_t>(content);
    copy.len = sizeof content;
    require(::ioctl(descriptor_, UFFDIO_COPY, &copy) == 0, "UFFDIO_COPY");
  }

 private:
  static int open() {
    const int descriptor =
        static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
    if (descriptor < 0) return descriptor;
    uffdio_api api{};
    api.api = UFFD_API;
    require(::ioctl(descriptor, UFFDIO_API, &api) == 0, "UFFDIO_API");
    return descriptor;
  }

  int descriptor_;
  std::uint8_t* data_;
};

// What stands in the page when a held access goes on.
inline constexpr std::uint8_t filling = 0x5a;

// Runs access(), which has to touch the page. While it is held there another thread runs
// meanwhile(thread, over), which should return once it has had its effect or `over` says that the
// access is done; then the page is filled.
template <class Access, class Meanwhile>
auto hold(const absent_page& page, Access access, Meanwhile meanwhile) {
  const pid_t held = ::gettid();
  std::atomic<bool> over = false;
  std::thread pager([&] {
    page.await_touch();
    meanwhile(held, over);
    page.fill(filling);
  });
  const auto answer = access();
  over = true;
  pager.join();
  return answer;
}

// What interrupts the held access: runs with SIGSEGV and SIGBUS blocked, so that those it sends are
// delivered when it returns, before the very instruction that is held.
struct interruption {
  static inline void (*act)(const siginfo_t&) = nullptr;
  static inline siginfo_t with{};
  static inline std::atomic<bool> done = false;
  static inline std::uintptr_t pc = 0;  // of the held instruction

  static void handler(int, siginfo_t*, void* ucontext) {
    pc = static_cast<std::uintptr_t>(pc_of(ucontext));
    act(with);
    done = true;
  }
};

// Runs access(), interrupts it by act(with) while the page holds it, and returns its answer.
template <class Access>
auto interrupt(const absent_page& page, Access access, void (*act)(const siginfo_t&),
               const siginfo_t& with = {}) {
  interruption::act = act;
  interruption::with = with;
  interruption::done = false;
  struct sigaction a {};
  a.sa_sigaction = &interruption::handler;
  a.sa_flags = SA_SIGINFO;
  a.sa_mask = set_of({SIGSEGV, SIGBUS});
  require(::sigaction(SIGUSR1, &a, nullptr) == 0, "sigaction");
  return hold(page, access, [](pid_t held, const std::atomic<bool>&) {
    send_to_thread(held, SIGUSR1);
    while (!interruption::done) std::this_thread::yield();
  });
}

// What became of an access of one value that a signal interrupted.
struct interrupted {
  ending end;
  bool ok = false;
  std::uint64_t value = 0;  // where ok
  surefoot::fault why{};    // where not; `address`, if any, is the distance from the access
  siginfo_t sent{};         // the signal
  std::uintptr_t pc = 0;    // the instruction that it interrupted
};

// Lets access(p) touch an absent page at p, 64 bytes from its beginning; while it is held it gets
// report(p). owner<0> has had both signals before us.
template <class Access>
interrupted interrupt_by(siginfo_t (*report)(const std::uint8_t* p), Access access) {
  const shared<interrupted> seen;
  const ending end = run([&] {
    for (const int signal : signals_taken) owner<0>::take(signal);
    (void)surefoot::install();
    const absent_page page;
    const std::uint8_t* const p = page.data() + 64;
    seen->sent = report(p);
    const auto answer = interrupt(
        page, [&] { return access(p); }, &queue_to_self, seen->sent);
    seen->ok = answer.ok();
    if (answer.ok()) seen->value = static_cast<std::uint64_t>(answer.value());
    seen->why = answer.stopped_by;
    const auto bad = reinterpret_cast<std::uintptr_t>(answer.stopped_by.address);
    if (bad != 0)
      seen->why.address = reinterpret_cast<void*>(bad - reinterpret_cast<std::uintptr_t>(p));
    seen->pc = interruption::pc;
  });
  interrupted result = *seen;
  result.end = end;
  return result;
}

// The access failed with this answer, and nobody else heard of it.
inline void check_taken(const interrupted& seen, const surefoot::fault& expected) {
  CHECK(seen.end.status == 0);
  CHECK_FALSE(seen.ok);
  CHECK(seen.why == expected);
  CHECK(ledger[0].calls == 0);
}
// The owner before got the signal as it was, and the access came to its end as if there had been
// none.
inline void check_forwarded(const interrupted& seen, std::uint64_t value) {
  CHECK(seen.end.status == 0);
  CHECK(seen.ok);
  CHECK(seen.value == value);
  CHECK(ledger[0].calls == 1);
  CHECK(ledger[0].signal == seen.sent.si_signo);
  CHECK(std::memcmp(&ledger[0].info, &seen.sent, sizeof seen.sent) == 0);
  CHECK(ledger[0].pc == seen.pc);
}

// Addresses for expectations of check_taken().
inline const volatile void* from_access(std::uintptr_t distance) {
  return reinterpret_cast<const volatile void*>(distance);
}

}  // namespace process
