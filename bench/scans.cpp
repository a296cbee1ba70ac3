// Asking about much memory that is there: every byte, and a byte of each page.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"

namespace bench {

namespace {

struct mapping {
  explicit mapping(std::size_t n) : size(n) {
    void* const p = ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    at = static_cast<unsigned char*>(p);
    ::madvise(at, n, MADV_NOHUGEPAGE);
    std::memset(at, 1, n);
  }
  ~mapping() { ::munmap(at, size); }
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;

  unsigned char* at;
  std::size_t size;
};

// Loads of every byte and nothing else, with registers of each width.
#define BENCH_STREAM(name, features, load)                                          \
  [[gnu::target(features)]] void name(const unsigned char* p, std::size_t n) {      \
    for (const unsigned char* const end = p + n; p < end; p += 256)                 \
      asm volatile(load : : [p] "r"(p) : "xmm0", "xmm1", "xmm2", "xmm3", "memory"); \
  }
BENCH_STREAM(stream_16, "sse2",
             "movups (%[p]), %%xmm0\n movups 16(%[p]), %%xmm1\n movups 32(%[p]), %%xmm2\n"
             "movups 48(%[p]), %%xmm3\n movups 64(%[p]), %%xmm0\n movups 80(%[p]), %%xmm1\n"
             "movups 96(%[p]), %%xmm2\n movups 112(%[p]), %%xmm3\n movups 128(%[p]), %%xmm0\n"
             "movups 144(%[p]), %%xmm1\n movups 160(%[p]), %%xmm2\n movups 176(%[p]), %%xmm3\n"
             "movups 192(%[p]), %%xmm0\n movups 208(%[p]), %%xmm1\n movups 224(%[p]), %%xmm2\n"
             "movups 240(%[p]), %%xmm3")
BENCH_STREAM(stream_32, "avx2",
             "vmovups (%[p]), %%ymm0\n vmovups 32(%[p]), %%ymm1\n vmovups 64(%[p]), %%ymm2\n"
             "vmovups 96(%[p]), %%ymm3\n vmovups 128(%[p]), %%ymm0\n vmovups 160(%[p]), %%ymm1\n"
             "vmovups 192(%[p]), %%ymm2\n vmovups 224(%[p]), %%ymm3\n vzeroupper")
BENCH_STREAM(stream_64, "avx512f",
             "vmovups (%[p]), %%zmm0\n vmovups 64(%[p]), %%zmm1\n vmovups 128(%[p]), %%zmm2\n"
             "vmovups 192(%[p]), %%zmm3\n vzeroupper")
#undef BENCH_STREAM

std::vector<way> streams(const std::shared_ptr<mapping>& all) {
  const auto streaming = [&](const char* name, auto* stream) {
    return repeated(name, [=] { stream(all->at, all->size); });
  };
  std::vector<way> made{streaming("loads of 16 bytes", stream_16)};
  if (__builtin_cpu_supports("avx2")) made.push_back(streaming("loads of 32 bytes", stream_32));
  if (__builtin_cpu_supports("avx512f")) made.push_back(streaming("loads of 64 bytes", stream_64));
  return made;
}

constexpr std::size_t page = 4096;

// A byte of each page, 64 bytes further in each: the same one of each would fall into the same set of the
// first cache.
void touch(const unsigned char* p, std::size_t n) {
  for (std::size_t at = 0, i = 0; at < n; at += page, ++i)
    keep(static_cast<const volatile unsigned char*>(p)[at + i % 64 * 64]);
}
void touch_to_write(unsigned char* p, std::size_t n) {
  for (std::size_t at = 0, i = 0; at < n; at += page, ++i)
    asm volatile("lock orb $0, %0" : "+m"(p[at + i % 64 * 64]));
}

// ours(memory, bytes) over n bytes that are there, beside what limits(mapping) makes.
template <class Ours, class Limits>
void enter_resident(const goal& wanted, const char* name, const std::string& variant, std::size_t n,
                    Ours ours, Limits limits) {
  enter(wanted, variant, [=] {
    const auto all = std::make_shared<mapping>(n);
    return ways{repeated(name, [=] { keep(ours(all->at, all->size)); }), limits(all), {}};
  });
}

// A loop that touches, as such limits.
template <class Touch>
auto touching(Touch touch_all) {
  return [=](const std::shared_ptr<mapping>& all) -> std::vector<way> {
    return {repeated("staggered touch loop", [=] { touch_all(hide(all->at), all->size); })};
  };
}

}  // namespace

void enter_scans() {
  const auto installed = surefoot::install();
  // As times of the best: 0.95 of its speed, and 0.90.
  constexpr std::size_t gibibyte = std::size_t{1} << 30;
  enter_resident(
      {"ensure_readable, resident", 1 / 0.95}, "ensure_readable", "1 GiB", gibibyte,
      [=](const void* p, std::size_t n) {
        return bool(surefoot::ensure_readable(p, n, installed));
      },
      streams);
  enter_resident(
      {"ensure_writeable, resident", 1 / 0.90}, "ensure_writeable", "1 GiB", gibibyte,
      [=](void* p, std::size_t n) { return bool(surefoot::ensure_writeable(p, n, installed)); },
      streams);
  for (const std::size_t pages : {1u, 16u, 256u, 4096u}) {
    const std::string variant = std::to_string(pages) + " pages";
    enter_resident(
        {"fault_in_readable, resident small pages", 1.05}, "fault_in_readable", variant,
        pages * page,
        [=](const void* p, std::size_t n) {
          return surefoot::fault_in_readable(p, n, installed).done;
        },
        touching(touch));
    enter_resident(
        {"fault_in_writeable, resident small pages", 1.05}, "fault_in_writeable", variant,
        pages * page,
        [=](void* p, std::size_t n) { return surefoot::fault_in_writeable(p, n, installed).done; },
        touching(touch_to_write));
  }
}

}  // namespace bench
