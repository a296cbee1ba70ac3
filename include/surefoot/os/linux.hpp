// Every system call that the library makes, by what it is for. All are async-signal-safe and leave
// `errno` as they found it.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/config.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace os {

// Keeps errno over a scope.
class errno_kept {
 public:
  errno_kept() noexcept : was_(errno) {}
  ~errno_kept() { errno = was_; }
  errno_kept(const errno_kept&) = delete;
  errno_kept& operator=(const errno_kept&) = delete;

 private:
  int was_;
};

// A signal mask as the kernel has it: 64 signals. libc's sigset_t is larger, but a signal frame
// holds only these 8 bytes of it.
using signal_mask = std::uint64_t;

constexpr signal_mask only(int signal) noexcept { return signal_mask{1} << (signal - 1); }

inline signal_mask mask_of(const sigset_t& set) noexcept {
  signal_mask m = 0;
  __builtin_memcpy(&m, &set, sizeof m);
  return m;
}

inline bool change_mask(int how, signal_mask change, signal_mask& before) noexcept {
  const errno_kept kept;
  before = 0;  // MemorySanitizer does not see what the kernel writes there.
  return ::syscall(SYS_rt_sigprocmask, how, &change, &before, sizeof change) == 0;
}
inline signal_mask change_mask(int how, signal_mask change) noexcept {
  signal_mask before;
  (void)change_mask(how, change, before);
  return before;
}
inline signal_mask block(signal_mask which) noexcept { return change_mask(SIG_BLOCK, which); }
inline signal_mask unblock(signal_mask which) noexcept { return change_mask(SIG_UNBLOCK, which); }
// Without the mask before, which takes the kernel 7 ns to write.
inline void set_mask(signal_mask to) noexcept {
  const errno_kept kept;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &to, nullptr, sizeof to);
}

// The signals that wait to be delivered to this thread.
inline signal_mask pending() noexcept {
  const errno_kept kept;
  signal_mask waiting = 0;
  ::syscall(SYS_rt_sigpending, &waiting, sizeof waiting);
  return waiting;
}

// Blocks all signals that can wait, and says in `before` what was blocked. Not those that an
// instruction or a system call raises by itself (SIGSYS: a seccomp filter), which would kill.
inline bool block_what_can_wait(signal_mask& before) noexcept {
  constexpr signal_mask cannot =
      only(SIGSEGV) | only(SIGBUS) | only(SIGILL) | only(SIGFPE) | only(SIGTRAP) | only(SIGSYS);
  return change_mask(SIG_BLOCK, ~cannot, before);
}

// Sleeps while the word is `value`: until wake_all(), a tenth of a second at most.
inline void wait_while(const std::uint32_t& word, std::uint32_t value) noexcept {
  const errno_kept kept;
  constexpr int wait_private = 0 | 128;  // FUTEX_WAIT | FUTEX_PRIVATE_FLAG
  const struct timespec longest { 0, 100'000'000 };
  ::syscall(SYS_futex, &word, wait_private, value, &longest, nullptr, 0);
}
inline void wake_all(const std::uint32_t& word) noexcept {
  const errno_kept kept;
  constexpr int wake_private = 1 | 128;  // FUTEX_WAKE | FUTEX_PRIVATE_FLAG
  ::syscall(SYS_futex, &word, wake_private, 0x7fff'ffff, nullptr, nullptr, 0);
}

inline constexpr int expose_tag_bits = 0x800;  // SA_EXPOSE_TAGBITS

// Dispositions go through libc's sigaction(), which sanitizers intercept, so that their view stays
// true.
inline bool query(int signal, struct sigaction& now) noexcept {
  const errno_kept kept;
  return ::sigaction(signal, nullptr, &now) == 0;
}
inline bool exchange(int signal, const struct sigaction& to, struct sigaction& before) noexcept {
  const errno_kept kept;
  return ::sigaction(signal, &to, &before) == 0;
}

// Nanoseconds since some moment before this process; no system call, where the vDSO is.
inline std::uint64_t monotonic_clock() noexcept {
  const errno_kept kept;
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Queues `info`, as it is, to the calling thread itself. The kernel allows any si_code for that.
inline bool queue_to_self(int signal, const siginfo_t& info) noexcept {
  const errno_kept kept;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::syscall(SYS_getpid), ::syscall(SYS_gettid), signal,
                   &info) == 0;
}
inline void raise(int signal) noexcept {
  const errno_kept kept;
  ::syscall(SYS_tgkill, ::syscall(SYS_getpid), ::syscall(SYS_gettid), signal);
}

// One line of /proc/self/maps.
struct mapping {
  std::uintptr_t first = 0;
  std::uintptr_t end = 0;  // the first byte behind it
  int protection = 0;      // PROT_*
  bool shared = false;
  bool of_file = false;
};

// Not by libc's names, here and where it is read and closed: a thread may be cancelled at them, which would end the
// process, since nothing here may throw.
inline long open_to_read(const char* file) noexcept {
  return ::syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
}

// Calls visit(mapping) for each mapping of this process, in ascending order, until it returns
// false. False where the list cannot be had. Keeps no descriptor.
template <class Visit>
bool each_mapping(Visit visit) noexcept {
  const errno_kept kept;
  const long fd = open_to_read("/proc/self/maps");
  if (fd < 0) return false;
  mapping m;
  std::uint64_t number = 0;
  int field = 0;  // first-end permissions offset device inode name
  bool go_on = true;
  char text[512] = {};  // MemorySanitizer does not see what the kernel writes there
  long got = 0;
  while (go_on && (got = ::syscall(SYS_read, fd, text, sizeof text)) > 0)
    for (long i = 0; go_on && i < got; ++i) {
      const char c = text[i];
      if (c == '\n') {
        go_on = visit(static_cast<const mapping&>(m));
        m = {};
        field = 0;
        number = 0;
      } else if (field == 0 && (c == '-' || c == ' ')) {
        (c == '-' ? m.first : m.end) = number;
        number = 0;
        field = c == ' ' ? 1 : 0;
      } else if (c == ' ') {
        if (field < 5) ++field;
      } else if (field == 0) {
        number = number * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
      } else if (field == 1) {
        if (c == 'r') m.protection |= PROT_READ;
        if (c == 'w') m.protection |= PROT_WRITE;
        if (c == 'x') m.protection |= PROT_EXEC;
        if (c == 's') m.shared = true;
      } else if (field == 4 && c != '0') {
        m.of_file = true;
      }
    }
  ::syscall(SYS_close, fd);
  return got >= 0;
}

// What the kernel tells of this process's own mappings and pages, one question at a time. The files
// below /proc that it asks stay open from the first question on while this lives.
class own_memory {
 public:
  // As the kernel lays out its struct page_region.
  struct pages {
    std::uint64_t first;
    std::uint64_t end;
    std::uint64_t kinds;
  };

  own_memory() noexcept = default;
  ~own_memory() {
    close(maps_);
    close(pagemap_);
  }
  own_memory(const own_memory&) = delete;
  own_memory& operator=(const own_memory&) = delete;

  enum class told : unsigned char { yes, nothing_there, no };

  // The mapping that `address` lies in, or else the first one above it (nothing_there: none is). `no`
  // where it cannot be asked: PROCMAP_QUERY is of Linux 6.11.
  told mapping_from(std::uintptr_t address, mapping& m) noexcept {
    const errno_kept kept;
    struct {
      std::uint64_t size, asked, address, first, end, is, page_size, offset, inode;
      std::uint32_t device[2], name_size, build_id_size;
      std::uint64_t name, build_id;
    } query{};
    static_assert(sizeof query == 104);
    constexpr std::uint64_t covering_or_next = 0x10;
    query.size = sizeof query;
    query.asked = covering_or_next;
    query.address = address;
    if (!open(maps_, "/proc/self/maps")) return told::no;
    if (::syscall(SYS_ioctl, maps_, _IOWR('f', 17, query), &query) != 0) {
      if (errno == ENOENT) return told::nothing_there;
      close(maps_);
      return told::no;
    }
    m.first = query.first;
    m.end = query.end;
    m.protection = ((query.is & 1) != 0 ? PROT_READ : 0) | ((query.is & 2) != 0 ? PROT_WRITE : 0) |
                   ((query.is & 4) != 0 ? PROT_EXEC : 0);
    m.shared = (query.is & 8) != 0;
    m.of_file = query.inode != 0;
    return told::yes;
  }

  // The guard pages (MADV_GUARD_INSTALL) in [first, end), in ascending order, the first `room` runs of
  // them; how many runs, and in `until` how far that is all of them. -1 where the kernel does not tell:
  // PAGEMAP_SCAN is of Linux 6.7, and of guard pages it tells since commit a516403787e0 (2025).
  int guard_pages(std::uintptr_t first, std::uintptr_t end, pages* to, std::size_t room,
                  std::uintptr_t& until) noexcept {
    const errno_kept kept;
    constexpr std::uint64_t is_guard = 1u << 8;
    struct {
      std::uint64_t size, flags, first, end, until, to, room, most_pages;
      std::uint64_t inverted, all_of, any_of, told;
    } scan{};
    static_assert(sizeof scan == 96);
    scan.size = sizeof scan;
    scan.first = first;
    scan.end = end;
    scan.to = reinterpret_cast<std::uintptr_t>(to);
    scan.room = room;
    scan.all_of = is_guard;
    scan.told = is_guard;
    if (!open(pagemap_, "/proc/self/pagemap")) return -1;
    // MemorySanitizer does not see what the kernel writes there.
    __builtin_memset(to, 0, room * sizeof *to);
    const long runs = ::syscall(SYS_ioctl, pagemap_, _IOWR('f', 16, scan), &scan);
    if (runs < 0) {
      close(pagemap_);
      return -1;
    }
    until = scan.until;
    return static_cast<int>(runs);
  }

 private:
  static constexpr int not_asked = -1, refused = -2;

  static bool open(int& descriptor, const char* file) noexcept {
    if (descriptor != not_asked) return descriptor >= 0;
    const long made = open_to_read(file);
    descriptor = made < 0 ? refused : static_cast<int>(made);
    return made >= 0;
  }
  // For good: it is not opened again.
  static void close(int& descriptor) noexcept {
    const errno_kept kept;
    if (descriptor >= 0) ::syscall(SYS_close, descriptor);
    descriptor = refused;
  }

  int maps_ = not_asked;
  int pagemap_ = not_asked;
};

// Can there be no guard pages on this kernel? Asked of no memory at all, which changes nothing.
inline bool has_no_guard_pages() noexcept {
  const errno_kept kept;
  constexpr int guard_install = 102;  // MADV_GUARD_INSTALL, Linux 6.13
  return ::syscall(SYS_madvise, 0UL, 0UL, guard_install) != 0 && errno == EINVAL;
}

// Puts fresh zero pages of that protection in the place of whatever is mapped there: 0, or the error
// number that says why not.
inline int replace_by_zeros(std::uintptr_t first, std::size_t size, int protection) noexcept {
  const errno_kept kept;
  void* const at = reinterpret_cast<void*>(first);
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return ::mmap(at, size, protection, flags, -1, 0) == at ? 0 : errno;
}

// Arms the alternate signal stack again that an SS_AUTODISARM delivery took away.
inline void arm_alternate_stack(const stack_t& to) noexcept {
  const errno_kept kept;
  ::sigaltstack(&to, nullptr);
}

// siglongjmp() under its plain name. With _FORTIFY_SOURCE the header's name means __longjmp_chk,
// which takes a jump down from an SS_AUTODISARM alternate stack (not "on" it any more, says the
// kernel) for a corrupted buffer, and aborts.
extern "C" [[noreturn, gnu::visibility("default")]] void surefoot_plain_siglongjmp(sigjmp_buf,
                                                                                   int) noexcept
    __asm__("siglongjmp");

// Copies within the own address space through the kernel (process_vm_readv on oneself): the bytes
// done, which is an exact prefix on both sides, or -1 where not even the first was. `to` and `from`
// may be of different shapes; the shorter total counts. Not by libc's name, which ThreadSanitizer
// takes for accesses of the program: what else changes this memory is not ours to order.
inline ssize_t copy_through_kernel(const iovec* to, std::size_t to_count, const iovec* from,
                                   std::size_t from_count) noexcept {
  const errno_kept kept;
  return ::syscall(SYS_process_vm_readv, ::getpid(), to, to_count, from, from_count, 0UL);
}

// The same the other way round: writes what `from` holds to `to`, as if that were another process's.
inline ssize_t write_through_kernel(const iovec* from, const iovec* to) noexcept {
  const errno_kept kept;
  return ::syscall(SYS_process_vm_writev, ::getpid(), from, 1UL, to, 1UL, 0UL);
}

// Can the 8 bytes be read that lie around p, from a multiple of 8? The kernel reads such a set of
// signals before it looks at what it is to do with it, which here is nothing that it knows. Works, unlike
// copy_through_kernel(), where a process may not look at memory in that way.
inline bool can_be_read(const volatile void* p) noexcept {
  const errno_kept kept;
  constexpr int nothing_known = -1;
  const std::uintptr_t around = reinterpret_cast<std::uintptr_t>(p) & ~std::uintptr_t{7};
  return ::syscall(SYS_rt_sigprocmask, nothing_known, around, nullptr, 8) == -1 && errno != EFAULT;
}

// An atomic read-modify-write of the word at `word` (aligned to 4 bytes) that changes nothing, made
// by the kernel: FUTEX_WAKE_OP with OR 0. False where the word refuses it.
//
// Where the word compares as it is told to, the kernel wakes one that waits there, also where 0 are
// to be woken; and there is no comparison that is never true. So it is with -2048, which no counter,
// flag or owner's number is: a wait on that very value may end early, as each wait may (futex(2)).
inline bool or_zero(const volatile void* word) noexcept {
  const errno_kept kept;
  constexpr int wake_op_private = 5 | 128;  // FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG
  constexpr int or_0 = 2 << 28 | 0x800;     // FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, -2048)
  std::uint32_t nobody = 0;
  return ::syscall(SYS_futex, &nobody, wake_op_private, 0, nullptr, word, or_0) == 0;
}

// The size of the pages that the kernel maps, in bytes.
inline std::size_t page_size() noexcept { return ::getauxval(AT_PAGESZ); }

// Populates the pages of `size` bytes from `page` on, which begins one, as an access of that kind would: 0, or
// the error number that says why not. With 0 each of them could be accessed.
inline int populate(std::uintptr_t page, std::size_t size, bool for_write) noexcept {
  const errno_kept kept;
  constexpr int populate_read = 22, populate_write = 23;  // MADV_POPULATE_*
  if (::syscall(SYS_madvise, page, size, for_write ? populate_write : populate_read) == 0) return 0;
  return errno;
}

// Is populate() to be believed? Who takes every advice for a hint says 0 and does nothing: qemu's emulation of a
// process does (7.2). So it is asked once to populate for writing what cannot be written.
inline constexpr unsigned char not_writeable = 1;
inline constinit unsigned char populate_is_true = 0;  // 0: not asked yet, 1: no, 2: yes

inline bool populates() noexcept {
  unsigned char is = __atomic_load_n(&populate_is_true, __ATOMIC_RELAXED);
  if (is == 0) {
    const auto at = reinterpret_cast<std::uintptr_t>(&not_writeable);
    is = populate(at & ~(page_size() - 1), 1, true) == 0 ? 1 : 2;
    __atomic_store_n(&populate_is_true, is, __ATOMIC_RELAXED);
  }
  return is == 2;
}

}  // namespace os
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
