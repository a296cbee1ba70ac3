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

namespace bench {

namespace {

constexpr std::size_t sizes[] = {
    1,    2,    3,    4,     7,     8,      12,       16,       24,       31,      32,
    48,   63,   64,   100,   128,   200,    256,      511,      512,      1000,    1024,
    2048, 4096, 8191, 16384, 65536, 262144, 1u << 20, 1u << 22, 1u << 24, 1u << 26};

std::string size_name(std::size_t n) {
  if (n >= 1u << 20) return std::to_string(n >> 20) + " MiB";
  if (n >= 1024 && n % 1024 == 0) return std::to_string(n >> 10) + " KiB";
  return std::to_string(n) + " B";
}

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

// libc's functions themselves, not what a compiler makes of a call.
void* (*volatile libc_memcpy)(void*, const void*, std::size_t) = std::memcpy;
void* (*volatile libc_memset)(void*, int, std::size_t) = std::memset;

sigjmp_buf back;

template <int Mask>
[[gnu::noinline]] void copy_under_sigsetjmp(void* to, const void* from, std::size_t n) {
  if (sigsetjmp(back, Mask) == 0) libc_memcpy(to, from, n);
}

ways copying(std::size_t n, std::size_t from, std::size_t to, bool with_peers) {
  const auto all = std::make_shared<buffers>(n);
  const unsigned char* const src = all->source + from;
  unsigned char* const dst = all->target + to;
  const auto installed = surefoot::install();
  ways made{{"try_copy",
             [=](std::size_t times) {
               (void)all;  // keeps it
               for (; times > 0; --times)
                 keep(surefoot::try_copy(hide(dst), hide(src), hide(n), installed).done);
             }},
            {{"memcpy",
              [=](std::size_t times) {
                for (; times > 0; --times) keep(libc_memcpy(hide(dst), hide(src), hide(n)));
              }}},
            {}};
  if (!with_peers) return made;
  made.peers.push_back({"sigsetjmp(b, 0) and memcpy", [=](std::size_t times) {
                          for (; times > 0; --times) copy_under_sigsetjmp<0>(dst, src, hide(n));
                        }});
  made.peers.push_back({"sigsetjmp(b, 1) and memcpy", [=](std::size_t times) {
                          for (; times > 0; --times) copy_under_sigsetjmp<1>(dst, src, hide(n));
                        }});
  made.peers.push_back({"process_vm_readv", [=](std::size_t times) {
                          const iovec local{dst, n};
                          const iovec remote{const_cast<unsigned char*>(src), n};
                          const pid_t self = ::getpid();
                          for (; times > 0; --times)
                            keep(::process_vm_readv(self, &local, 1, &remote, 1, 0));
                        }});
  return made;
}

ways filling(std::size_t n, std::size_t to, int byte) {
  const auto all = std::make_shared<buffers>(n);
  unsigned char* const dst = all->target + to;
  const auto installed = surefoot::install();
  return {{byte == 0 ? "try_zero" : "try_fill",
           [=](std::size_t times) {
             (void)all;
             for (; times > 0; --times)
               keep(byte == 0 ? surefoot::try_zero(hide(dst), hide(n), installed).done
                              : surefoot::try_fill(hide(dst), static_cast<unsigned char>(byte),
                                                   hide(n), installed)
                                    .done);
           }},
          {{"memset",
            [=](std::size_t times) {
              for (; times > 0; --times) keep(libc_memset(hide(dst), byte, hide(n)));
            }}},
          {}};
}

}  // namespace

void enter_copies() {
  for (const std::size_t n : sizes) {
    const bool with_peers = n == 64 || n == 4096 || n == 1u << 20;
    for (const bool aligned : {true, false}) {
      const std::size_t from = aligned ? 0 : 3, to = aligned ? 0 : 21;
      const std::string variant = size_name(n) + (aligned ? "" : ", unaligned");
      enter({"try_copy, good memory", 1.20, 1.05}, variant,
            [=] { return copying(n, from, to, with_peers); });
      enter({"try_fill, good memory", 1.20, 1.05}, variant, [=] { return filling(n, to, 0x5a); });
      enter({"try_zero, good memory", 1.20, 1.05}, variant, [=] { return filling(n, to, 0); });
    }
  }
}

}  // namespace bench
