// The native library of Neighbour.java.
#include <jni.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <surefoot/surefoot.hpp>

namespace {

namespace engine = surefoot::engine;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;

const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

// A good page, and behind it one that answers with SIGSEGV, or with SIGBUS.
class half_good {
 public:
  enum kind { denied, past_end };

  explicit half_good(kind k) : kind_(k) {
    const int file = ::memfd_create("half", MFD_CLOEXEC);
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(page)) != 0) std::abort();
    void* const p = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (p == MAP_FAILED) std::abort();
    ::close(file);
    at_ = static_cast<unsigned char*>(p);
    std::memset(at_, 0x5a, page);
    if (k == denied && ::mprotect(bad(), page, PROT_NONE) != 0) std::abort();
  }
  ~half_good() { ::munmap(at_, 2 * page); }
  half_good(const half_good&) = delete;
  half_good& operator=(const half_good&) = delete;

  unsigned char* bad() const { return at_ + page; }
  fault answer(access_kind during) const {
    return kind_ == denied ? fault{bad(), cause::denied, during, SIGSEGV, SEGV_ACCERR, 0}
                           : fault{bad(), cause::no_backing, during, SIGBUS, BUS_ADRERR, 0};
  }

 private:
  kind kind_;
  unsigned char* at_ = nullptr;
};

template <class E>
int wrong_of(const half_good& half, E e) {
  int wrong = 0;
  const auto expect = [&](bool holds) { wrong += holds ? 0 : 1; };
  const fault read = half.answer(access_kind::read);
  expect(surefoot::try_load<int>(half.bad(), e).stopped_by == read);
  expect(surefoot::try_load<int>(half.bad() - sizeof(int), e).value_or(0) == 0x5a5a5a5a);
  unsigned char to[96] = {};
  const surefoot::progress copied = surefoot::try_copy(to, half.bad() - 40, sizeof to, e);
  expect(copied.done == 40 && copied.stopped_by == read);
  expect(to[39] == 0x5a && to[40] == 0);
  expect(surefoot::try_store<char>(reinterpret_cast<char*>(half.bad()), 1, e).stopped_by ==
         half.answer(access_kind::write));
  return wrong;
}

int wrong_of_guarded(const half_good& half) {
  const volatile unsigned char* const bad = half.bad();
  return surefoot::guarded([bad]() noexcept { (void)*bad; }).stopped_by.address == bad ? 0 : 1;
}

}  // namespace

extern "C" {

JNIEXPORT jboolean JNICALL Java_Neighbour_install(JNIEnv*, jclass) {
  return static_cast<bool>(surefoot::install());
}

JNIEXPORT jboolean JNICALL Java_Neighbour_installed(JNIEnv*, jclass) {
  return surefoot::installed().both();
}

// As the kernel has it: with libjsig, sigaction() tells each what it has set itself.
JNIEXPORT jboolean JNICALL Java_Neighbour_kernelCallsUs(JNIEnv*, jclass) {
  struct {
    std::uintptr_t handler, flags, restorer, mask;
  } now{};
  struct sigaction ours {};
  if (::syscall(SYS_rt_sigaction, SIGSEGV, nullptr, &now, sizeof now.mask) != 0) std::abort();
  if (::sigaction(SIGSEGV, nullptr, &ours) != 0) std::abort();
  return now.handler == reinterpret_cast<std::uintptr_t>(ours.sa_sigaction);
}

JNIEXPORT jint JNICALL Java_Neighbour_wrongAnswers(JNIEnv*, jclass, jint rounds) {
  int wrong = 0;
  for (int i = 0; i < rounds; ++i)
    for (const auto kind : {half_good::denied, half_good::past_end}) {
      const half_good half(kind);
      wrong += wrong_of(half, engine::standard{});
      wrong += wrong_of(half, engine::jump{});
      wrong += wrong_of_guarded(half);
    }
  return wrong;
}

JNIEXPORT void JNICALL Java_Neighbour_crash(JNIEnv*, jclass, jlong address) {
  *reinterpret_cast<volatile int*>(address) = 1;
}

}  // extern "C"
