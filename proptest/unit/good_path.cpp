// With the engine from install() the way into a primitive makes no system call: a seccomp filter
// kills the process at the first one.
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "../seccomp.hpp"
#include "engines.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::cause;

constexpr int all_well = 0;
constexpr int wrong_answer = 1;
constexpr int no_filter = 77;

// Does body() answer well in a process where only these calls are allowed?
template <class Body>
void check_with_only(std::initializer_list<int> calls, Body body) {
  const process::ending end = process::run([&] {
    const auto e = surefoot::install<typename Body::engine>();
    if (!surefoot::installed().both()) ::_exit(wrong_answer);
    if (!seccomp::allow_only(calls)) ::_exit(no_filter);
    // Not _exit(): before a call that does not return ASan asks for the alternate stack.
    ::syscall(SYS_exit_group, body(e) ? all_well : wrong_answer);
  });
  if (end.status == no_filter) return memory::say_skipped("seccomp filters");
  CHECK(end.signal == 0);  // SIGSYS: it made another one
  CHECK(end.status == all_well);
}

constexpr int rounds = 5000;

// Every primitive on memory that is there.
template <class Engine>
struct on_good_memory {
  using engine = Engine;
  const memory::pages& land;

  template <class E>
  bool operator()(E e) const {
    auto* const word = reinterpret_cast<std::uint64_t*>(land.data());
    bool well = true;
    for (int i = 0; i < rounds; ++i) {
      const auto value = static_cast<std::uint64_t>(i);
      well = well && surefoot::try_store(word, value, e) &&
             surefoot::try_load(word, e).value_or(~value) == value &&
             surefoot::try_copy(land.page(1), land.data(), 1000, e).all() &&
             surefoot::fault_in_readable(land.data(), land.size(), e).all() &&
             surefoot::fault_in_writeable(land.data(), land.size(), e).all() &&
             surefoot::ensure_writeable(land.data(), 1000, e);
    }
    return well && land.page(1)[1] == (rounds - 1) / 256;
  }
};

// Every primitive on memory that is not.
template <class Engine>
struct on_bad_memory {
  using engine = Engine;
  const memory::pages& land;  // a good page, then one past the end of its file

  template <class E>
  bool operator()(E e) const {
    std::uint8_t* const p = land.page(1) - 8;
    auto* const word = reinterpret_cast<std::uint64_t*>(p + 4);
    std::uint8_t to[16];
    bool well = true;
    for (int i = 0; i < rounds / 10; ++i)
      well = well && surefoot::try_load(word, e).stopped_by.kind == cause::no_backing &&
             surefoot::try_store(word, 0, e).stopped_by.kind == cause::no_backing &&
             surefoot::try_copy(to, p, 16, e).done == 8 &&
             surefoot::fault_in_readable(p, 16, e).done == 8 &&
             surefoot::ensure_readable(p, 16, e).stopped_by.address == land.page(1);
    return well;
  }
};

// Where a filter hands a system call to the process itself (SECCOMP_RET_TRAP), as sandboxes do.
void refuse(int, siginfo_t*, void* ucontext) { machine::refuse_call(ucontext, EPERM); }

TEST_CASE("install() is false where a filter traps the setting of a handler, and harms nobody") {
  const process::ending end = process::run([] {
    struct sigaction trapped {};
    trapped.sa_sigaction = refuse;
    trapped.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSYS, &trapped, nullptr);
    // rt_sigaction() that sets: its second argument is not null.
    const std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    if (!seccomp::set(program)) ::_exit(no_filter);
    const auto before = process::blocked_now();
    const bool owns = bool(surefoot::install());
    ::_exit(!owns && process::blocked_now() == before ? all_well : wrong_answer);
  });
  if (end.status == no_filter) return memory::say_skipped("seccomp filters");
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}

TEST_CASE("a process that makes any system call is killed where none is allowed") {
  const process::ending end = process::run([] {
    if (!seccomp::allow_only({SYS_exit_group})) ::_exit(no_filter);
    ::syscall(SYS_getppid);
  });
  if (end.status == no_filter) return memory::say_skipped("seccomp filters");
  CHECK(end.signal == SIGSYS);
}

TEMPLATE_TEST_CASE("on good memory no primitive makes a system call", "", SUREFOOT_SIGNAL_ENGINES) {
  const memory::pages land{kind::good, kind::good};
  check_with_only({SYS_exit_group, SYS_write}, on_good_memory<TestType>{land});
}

TEST_CASE("a fault costs the table's engine no system call but the return from its signal") {
#if SUREFOOT_HAS_TABLE
  const memory::pages land{kind::good, kind::past_end_of_file};
  check_with_only({SYS_exit_group, SYS_write, SYS_rt_sigreturn},
                  on_bad_memory<surefoot::engine::table>{land});
#else
  memory::say_skipped("engine::table");
#endif
}

TEST_CASE("a fault costs the jump's engine no system call but restoring the signal mask") {
  const memory::pages land{kind::good, kind::past_end_of_file};
  // Under ASan its hook in siglongjmp() looks at the stack's bounds, with system calls of its own.
  if (build::is_sanitized) return memory::say_skipped("a build without ASan");
  check_with_only({SYS_exit_group, SYS_write, SYS_rt_sigprocmask},
                  on_bad_memory<surefoot::engine::jump>{land});
}

}  // namespace
