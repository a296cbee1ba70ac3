// System-call filters, for the rest of the process's life. Each is false where the machine has none (qemu's user
// mode).
//
//   const process::ending end = process::run([] {
//     if (!seccomp::allow_only({SYS_exit_group})) ::_exit(no_filter);
//     ::syscall(SYS_getppid);
//   });
//   CHECK(end.signal == SIGSYS);
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace seccomp {

inline bool set(const std::vector<sock_filter>& program) {
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          const_cast<sock_filter*>(program.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

namespace detail {

inline const std::vector<sock_filter>& by_number(std::initializer_list<int> calls,
                                                 std::uint32_t of_these, std::uint32_t of_others) {
  // Never freed: an allocator may make a system call then.
  static std::vector<sock_filter> program;
  program = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const int call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, of_these));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, of_others));
  return program;
}

}  // namespace detail

// From here on the kernel kills the process at any call but these.
inline bool allow_only(std::initializer_list<int> calls) {
  return set(detail::by_number(calls, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS));
}

// From here on these calls get this answer (SECCOMP_RET_*), and all others are made.
inline bool answer(std::initializer_list<int> calls, std::uint32_t with) {
  return set(detail::by_number(calls, with, SECCOMP_RET_ALLOW));
}

}  // namespace seccomp
