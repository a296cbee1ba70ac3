// What the machine of ./run vm is there for. Each check goes to the kernel directly, without the library:
// a machine that lacks one of these would leave out the tests that need it.
//
// One check a process (a fault ends it in its handler): machine poison | userfault | tag | key
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t page = 4096;

[[noreturn]] void lacks(const char* what) {
  std::perror(what);
  std::exit(1);
}

// What the next fault must be; the handler ends the process with the answer.
struct expectation {
  int signal, code;
  void* address;
  int extent;  // of poison: the logarithm of how much is lost
} expected;

void compare(int signal, siginfo_t* info, void*) {
  const bool right = signal == expected.signal && info->si_code == expected.code &&
                     info->si_addr == expected.address &&
                     (expected.extent == 0 || info->si_addr_lsb == expected.extent);
  if (!right)
    std::fprintf(stderr, "signal %d, si_code %d, si_addr %p, si_addr_lsb %d\n", signal,
                 info->si_code, info->si_addr, info->si_addr_lsb);
  ::_exit(right ? 0 : 1);
}

void take(int signal, void (*by)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = by;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(signal, &action, nullptr);
}

[[noreturn]] void load(void* at, int signal, int code, int extent = 0) {
  expected = {signal, code, at, extent};
  take(SIGSEGV, compare);
  take(SIGBUS, compare);
  (void)*static_cast<volatile unsigned char*>(at);
  std::fputs("the load has no fault\n", stderr);
  std::exit(1);
}

unsigned char* map(int protection) {
  void* const p = ::mmap(nullptr, page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) lacks("mmap");
  return static_cast<unsigned char*>(p);
}

[[noreturn]] void poison() {
  unsigned char* const at = map(PROT_READ | PROT_WRITE);
  *at = 1;
  take(SIGBUS, [](int, siginfo_t*, void*) {});  // madvise sends one itself
  if (::madvise(at, page, MADV_HWPOISON) != 0) lacks("MADV_HWPOISON");
  load(at, SIGBUS, BUS_MCEERR_AR, 12);
}

[[noreturn]] void userfault() {
  const int fd = static_cast<int>(::syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY));
  if (fd < 0) lacks("userfaultfd");
  struct uffdio_api api {};
  api.api = UFFD_API;
  api.features = std::uint64_t{1} << 14;  // UFFD_FEATURE_POISON
  if (::ioctl(fd, UFFDIO_API, &api) != 0) lacks("UFFDIO_API");
  unsigned char* const at = map(PROT_READ | PROT_WRITE);
  struct uffdio_register range {};
  range.range = {reinterpret_cast<std::uintptr_t>(at), page};
  range.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (::ioctl(fd, UFFDIO_REGISTER, &range) != 0) lacks("UFFDIO_REGISTER");
  struct {
    struct uffdio_range range;
    std::uint64_t mode;
    std::int64_t updated;
  } request{range.range, 0, 0};
  if (::ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, UFFDIO, 0x08, sizeof request), &request) != 0)
    lacks("UFFDIO_POISON");
  load(at, SIGBUS, BUS_MCEERR_AR, 12);
}

#if defined(__aarch64__)
[[noreturn]] void tag() {
  if (::prctl(PR_SET_TAGGED_ADDR_CTRL, 3UL, 0, 0, 0) != 0) lacks("PR_SET_TAGGED_ADDR_CTRL");
  unsigned char* const at = map(PROT_READ | PROT_WRITE | 0x20);
  // stg x16, [x16]: this granule gets the tag 1, the pointer has 0.
  __asm__ volatile("mov x16, %0\n\t.inst 0xd9200a10"
                   :
                   : "r"(reinterpret_cast<std::uintptr_t>(at) | std::uintptr_t{1} << 56)
                   : "x16", "memory");
  load(at, SIGSEGV, SEGV_MTESERR);
}
#else
[[noreturn]] void key() {
  const int made = ::pkey_alloc(0, PKEY_DISABLE_ACCESS);
  if (made < 0) lacks("pkey_alloc");
  unsigned char* const at = map(PROT_READ | PROT_WRITE);
  if (::pkey_mprotect(at, page, PROT_READ | PROT_WRITE, made) != 0) lacks("pkey_mprotect");
  load(at, SIGSEGV, SEGV_PKUERR);
}
#endif

}  // namespace

int main(int count, char** arguments) {
  const char* const what = count == 2 ? arguments[1] : "";
  if (std::strcmp(what, "poison") == 0) poison();
  if (std::strcmp(what, "userfault") == 0) userfault();
#if defined(__aarch64__)
  if (std::strcmp(what, "tag") == 0) tag();
#else
  if (std::strcmp(what, "key") == 0) key();
#endif
  std::fputs("usage: machine poison | userfault | tag | key\n", stderr);
  return 2;
}
