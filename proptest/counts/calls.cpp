// What counts.sh counts under callgrind, which is told after each call to write down what it took. Prints for whom
// the counts hold: the compiler, and the processor as valgrind shows it, by which code may be chosen at run time.
//
// The compiler knows nothing of the pointers and sizes. The engine is the default one, but for `proven`: that is
// install()'s.
#include <cpuid.h>
#include <valgrind/callgrind.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>

namespace {

using namespace surefoot;
using proven = engine::installed<engine::standard>;

constexpr std::size_t page = 4096, pages = 255, written = 16 * page;
alignas(page) unsigned char from[pages * page];
alignas(page) unsigned char to[pages * page];

template <class T>
T unknown(T value) {
  asm volatile("" : "+r"(value));
  return value;
}
unsigned char* source() { return unknown(&from[0]); }
unsigned char* target() { return unknown(&to[0]); }
std::uint64_t* word() { return reinterpret_cast<std::uint64_t*>(target()); }
const char* text() { return reinterpret_cast<const char*>(source()); }
std::size_t bytes(std::size_t n) { return unknown(n); }

struct plain_load {
  const volatile unsigned char* p;
  unsigned char operator()() const noexcept { return *p; }
};

struct call {
  const char* name;
  std::uint64_t answer;
  std::uint64_t (*make)(proven);
};

// All of the memory is there, both sides are equal, and each byte is a 2.
const call calls[] = {
    {"load_8_bytes_proven", 0x0202020202020202,
     [](proven e) -> std::uint64_t { return try_load(word(), e).value_or(0); }},
    {"load_8_bytes", 0x0202020202020202,
     [](proven) -> std::uint64_t { return try_load(word()).value_or(0); }},
    {"store_8_bytes_proven", 1,
     [](proven e) -> std::uint64_t { return bool(try_store(word(), 42, e)); }},
    {"store_8_bytes", 1, [](proven) -> std::uint64_t { return bool(try_store(word(), 42)); }},
    {"fetch_add_8_bytes", 0x0202020202020202,
     [](proven) -> std::uint64_t { return try_fetch_add(word(), 1).value_or(0); }},
    {"copy_8_bytes", 8,
     [](proven) -> std::uint64_t { return try_copy(target(), source(), bytes(8)).done; }},
    {"copy_64_bytes_proven", 64,
     [](proven e) -> std::uint64_t { return try_copy(target(), source(), bytes(64), e).done; }},
    {"copy_64_bytes", 64,
     [](proven) -> std::uint64_t { return try_copy(target(), source(), bytes(64)).done; }},
    {"copy_1_kib", 1024,
     [](proven) -> std::uint64_t { return try_copy(target(), source(), bytes(1024)).done; }},
    {"copy_1_kib_misaligned", 1024,
     [](proven) -> std::uint64_t {
       return try_copy(target() + 3, source() + 1, bytes(1024)).done;
     }},
    {"copy_64_kib", 65536,
     [](proven) -> std::uint64_t { return try_copy(target(), source(), bytes(65536)).done; }},
    {"fill_256_bytes", 256,
     [](proven) -> std::uint64_t { return try_fill(target(), 3, bytes(256)).done; }},
    {"zero_4_kib", 4096,
     [](proven) -> std::uint64_t { return try_zero(target(), bytes(4096)).done; }},
    {"find_in_256_bytes", 1,
     [](proven) -> std::uint64_t {
       return try_find(source(), 1, bytes(256)).value_or(source()) == nullptr;
     }},
    {"length_within_256_bytes", 256,
     [](proven) -> std::uint64_t { return try_length(text(), bytes(256)).value_or(0); }},
    {"compare_256_bytes", 1,
     [](proven) -> std::uint64_t {
       return try_compare(target(), source(), bytes(256)).value_or(1) == 0;
     }},
    {"fault_in_255_readable_pages", pages* page,
     [](proven) -> std::uint64_t { return fault_in_readable(source(), bytes(pages * page)).done; }},
    {"fault_in_255_writeable_pages", pages* page,
     [](proven) -> std::uint64_t {
       return fault_in_writeable(target(), bytes(pages * page)).done;
     }},
    {"ensure_readable_64_kib", 1,
     [](proven) -> std::uint64_t { return bool(ensure_readable(source(), bytes(65536))); }},
    {"ensure_writeable_64_kib", 1,
     [](proven) -> std::uint64_t { return bool(ensure_writeable(target(), bytes(65536))); }},
    {"guarded_load", 2,
     [](proven) -> std::uint64_t { return guarded(plain_load{source()}).value_or(0); }},
};

}  // namespace

// Makes each call twice, and what the first one took is forgotten: it looks up symbols, and chooses code. What
// this function takes itself counts for nothing, by its name. Its frame is aligned to a page: whatever the
// environment holds, what a call has on the stack is aligned alike.
extern "C" [[gnu::noinline]] bool count_each() {
  alignas(page) volatile unsigned char frame = 0;
  const proven e = install();
  if (!e) return false;
  std::memset(from, 2, sizeof from);
  std::memset(to, 2, sizeof to);
  for (const call& one : calls) {
    for (int time = 0; time < 2; ++time) {
      std::memset(to, 2, written);
      const auto make = unknown(one.make);
      CALLGRIND_ZERO_STATS;
      const std::uint64_t answer = make(e);
      if (time != 0) CALLGRIND_DUMP_STATS_AT(one.name);
      if (answer == one.answer) continue;
      std::fprintf(stderr, "%s: not the answer that it should give\n", one.name);
      return false;
    }
  }
  return frame == 0;
}

int main() {
#ifdef __clang__
  std::printf("clang++-%d.%d.%d", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  std::printf("g++-%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid_count(7, 0, &a, &b, &c, &d);
  std::printf("_x86-64_%s%s%s\n",
              __builtin_cpu_supports("avx512f") ? "avx512"
              : __builtin_cpu_supports("avx2")  ? "avx2"
                                                : "sse2",
              (b & 1U << 9) != 0 ? "+erms" : "", (d & 1U << 4) != 0 ? "+fsrm" : "");
  return count_each() ? 0 : 1;
}
