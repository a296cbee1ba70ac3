// Asking about much memory that is there: every byte.
#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"
#include "memory.hpp"

namespace bench {

namespace {

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

std::vector<way> streams(const std::shared_ptr<memory>& all) {
  const auto streaming = [&](const char* name, auto* stream) {
    return repeated(name, [=] { stream(all->at, all->size); });
  };
  std::vector<way> made{streaming("loads of 16 bytes", stream_16)};
  if (__builtin_cpu_supports("avx2")) made.push_back(streaming("loads of 32 bytes", stream_32));
  if (__builtin_cpu_supports("avx512f")) made.push_back(streaming("loads of 64 bytes", stream_64));
  return made;
}

// ours(memory, bytes) over n bytes that are there, beside what limits(memory) makes.
template <class Ours, class Limits>
void enter_resident(const goal& wanted, const char* name, const std::string& variant, std::size_t n,
                    Ours ours, Limits limits) {
  enter(wanted, variant, [=] {
    const auto all = std::make_shared<memory>(n);
    return ways{repeated(name, [=] { keep(ours(all->at, all->size)); }), limits(all), {}};
  });
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
}

}  // namespace bench
