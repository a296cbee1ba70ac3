// Copies and fills of good memory, beside libc's.
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"
#include "libc.hpp"
#include "memory.hpp"

namespace bench {

namespace {

constexpr std::size_t sizes[] = {
    1,    2,    3,    4,     7,     8,      12,       16,       24,       31,      32,
    48,   63,   64,   100,   128,   200,    256,      511,      512,      1000,    1024,
    2048, 4096, 8191, 16384, 65536, 262144, 1u << 20, 1u << 22, 1u << 24, 1u << 26};

// Two buffers with room for one that begins anywhere in a page.
struct buffers {
  explicit buffers(std::size_t n) : size(n + 8192) {
    for (unsigned char** p : {&source, &target}) {
      *p = static_cast<unsigned char*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
      std::memset(*p, 7, size);
    }
  }
  ~buffers() {
    std::free(source);
    std::free(target);
  }
  buffers(const buffers&) = delete;
  buffers& operator=(const buffers&) = delete;

  std::size_t size;
  unsigned char *source, *target;
};

sigjmp_buf back;

template <int Mask>
[[gnu::noinline]] void copy_under_sigsetjmp(void* to, const void* from, std::size_t n) {
  if (sigsetjmp(back, Mask) == 0) libc_memcpy(to, from, n);
}

ways copying(std::size_t n, std::size_t from, std::size_t to, bool with_peers) {
  const auto all = std::make_shared<buffers>(n);
  const auto installed = surefoot::install();
  const unsigned char* const source = all->source + from;
  unsigned char* const target = all->target + to;
  const auto copied = [=](auto copy) {
    return [copy, source, target, n, owner = all] { copy(hide(target), hide(source), hide(n)); };
  };
  ways made{repeated("try_copy", copied([=](void* dst, const void* src, std::size_t k) {
                       keep(surefoot::try_copy(dst, src, k, installed).done);
                     })),
            {repeated("memcpy", copied([](void* dst, const void* src, std::size_t k) {
                        keep(libc_memcpy(dst, src, k));
                      }))},
            {}};
  if (!with_peers) return made;
  const pid_t self = ::getpid();
  made.peers = {
      repeated("sigsetjmp(b, 0) and memcpy", copied(copy_under_sigsetjmp<0>)),
      repeated("sigsetjmp(b, 1) and memcpy", copied(copy_under_sigsetjmp<1>)),
      repeated("process_vm_readv", copied([=](void* dst, const void* src, std::size_t k) {
                 const iovec local{dst, k}, remote{const_cast<void*>(src), k};
                 keep(::process_vm_readv(self, &local, 1, &remote, 1, 0));
               })),
      repeated("process_vm_writev", copied([=](void* dst, const void* src, std::size_t k) {
                 const iovec local{const_cast<void*>(src), k}, remote{dst, k};
                 keep(::process_vm_writev(self, &local, 1, &remote, 1, 0));
               })),
      repeated("write to a pipe", copied([pipe = std::make_shared<pipe_pair>()](
                                             void* dst, const void* src, std::size_t k) {
                 keep(pipe->copy(dst, src, k));
               }))};
  return made;
}

// fill(target, bytes) beside memset.
template <class Fill>
ways filling(const char* name, std::size_t n, std::size_t to, int byte, Fill fill) {
  const auto all = std::make_shared<buffers>(n);
  unsigned char* const dst = all->target + to;
  return {repeated(name, [fill, dst, n, owner = all] { keep(fill(hide(dst), hide(n)).done); }),
          {repeated("memset", [=] { keep(libc_memset(hide(dst), byte, hide(n))); })},
          {}};
}

}  // namespace

void enter_copies() {
  const auto installed = surefoot::install();
  const auto row = [](const char* work, const char* limit) {
    return goal{
        .row = work,
        .each = 1.20,
        .mean = 1.05,
        .reason =
            "up to 256 B the tests of the ranges and the answer are some 10 instructions more than "
            "the 4 to 10 cycles of " +
            std::string(limit) +
            ": 1 cycle on a core of our own, up to 8 on one that another tenant uses, too"};
  };
  for (const std::size_t n : sizes) {
    for (const bool aligned : {true, false}) {
      const std::size_t from = aligned ? 0 : 3, to = aligned ? 0 : 21;
      const std::string variant = size_name(n) + (aligned ? "" : ", unaligned");
      enter(row("try_copy, good memory", "memcpy"), variant,
            [=] { return copying(n, from, to, aligned); });
      enter(row("try_fill, good memory", "memset"), variant, [=] {
        return filling("try_fill", n, to, 0x5a, [=](void* p, std::size_t k) {
          return surefoot::try_fill(p, 0x5a, k, installed);
        });
      });
      enter(row("try_zero, good memory", "memset"), variant, [=] {
        return filling("try_zero", n, to, 0,
                       [=](void* p, std::size_t k) { return surefoot::try_zero(p, k, installed); });
      });
    }
  }
}

}  // namespace bench
