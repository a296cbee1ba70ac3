// Real memory for tests, each page of a kind whose answers are known.
//
//   memory::pages land{memory::kind::good, memory::kind::hole};
//   CHECK(fault_in_readable(land.page(0), 2 * memory::page_size) ==
//         memory::stopped(memory::page_size, 2 * memory::page_size, memory::kind::hole,
//                         access_kind::read, land.page(1)));
//   CHECK(land.intact());
//
// Every byte of a page that was filled holds pattern(its address), so that no two pages look alike;
// before the first page and behind the last there is one without access.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <surefoot/engine/kernel.hpp>
#include <surefoot/fault.hpp>
#include <type_traits>
#include <vector>

#include "../build.hpp"
#include "machine.hpp"
#include "show.hpp"

namespace memory {

inline constexpr std::size_t page_size = 4096;

enum class kind { good, untouched, hole, no_access, read_only, past_end_of_file, guard_page };

inline const char* name(kind k) {
  switch (k) {
    case kind::good: return "good";
    case kind::untouched: return "untouched";
    case kind::hole: return "hole";
    case kind::no_access: return "no access";
    case kind::read_only: return "read-only";
    case kind::past_end_of_file: return "past end of file";
    case kind::guard_page: return "guard page";
  }
  return "?";
}

inline constexpr bool refuses(kind k, surefoot::access_kind wanted) {
  if (k == kind::good || k == kind::untouched) return false;
  return wanted == surefoot::access_kind::write || k != kind::read_only;
}

// The fault that an access to such a page meets, at this address. Precondition: refuses(k, during).
inline surefoot::fault fault_of(kind k, surefoot::access_kind during, const volatile void* at) {
  const auto is = [&](surefoot::cause c, int signal, int code) {
    return surefoot::fault{at, c, during, signal, code, 0};
  };
  switch (k) {
    case kind::hole:
    case kind::guard_page: return is(surefoot::cause::unmapped, SIGSEGV, SEGV_MAPERR);
    case kind::no_access:
    case kind::read_only: return is(surefoot::cause::denied, SIGSEGV, SEGV_ACCERR);
    case kind::past_end_of_file: return is(surefoot::cause::no_backing, SIGBUS, BUS_ADRERR);
    case kind::good:
    case kind::untouched: break;
  }
  throw std::logic_error("a good page meets no fault");
}

// The answer of an operation on n bytes that met such a page after `done` of them.
inline surefoot::progress stopped(std::size_t done, std::size_t n, kind k,
                                  surefoot::access_kind during, const volatile void* at) {
  return {done, n - done, fault_of(k, during, at)};
}
inline surefoot::progress finished(std::size_t n) { return {n, 0, {}}; }

inline constexpr int install_guard = 102;  // MADV_GUARD_INSTALL, Linux 6.13

[[noreturn]] inline void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}
inline void require(bool fine, const char* what) {
  if (!fine) fail(what);
}

// A file without a name, `size` bytes of it.
class file {
 public:
  explicit file(std::size_t size) : descriptor_(::memfd_create("surefoot-test", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "memfd_create");
    resize(size);
  }
  ~file() { ::close(descriptor_); }
  file(const file&) = delete;
  file& operator=(const file&) = delete;

  void resize(std::size_t size) const {
    require(::ftruncate(descriptor_, static_cast<off_t>(size)) == 0, "ftruncate");
  }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// What stands at this address of a page.
inline std::uint8_t pattern(const volatile void* at) {
  const auto a = reinterpret_cast<std::uintptr_t>(at);
  return static_cast<std::uint8_t>((a * 2654435761u + (a >> 8) * 40503u) >> 13);
}
inline void fill(volatile void* to, std::size_t n) {
  auto* const p = static_cast<volatile std::uint8_t*>(to);
  for (std::size_t i = 0; i < n; ++i) p[i] = pattern(p + i);
}

// Pages of these kinds in a row.
class pages {
 public:
  pages(std::initializer_list<kind> kinds) : pages(std::vector<kind>(kinds)) {}
  explicit pages(const std::vector<kind>& kinds)
      : kinds_(kinds), arena_(reserve((kinds.size() + 2) * page_size)) {
    for (std::size_t i = 0; i < kinds_.size(); ++i) make(i);
  }
  ~pages() { ::munmap(arena_, size() + 2 * page_size); }
  pages(const pages&) = delete;
  pages& operator=(const pages&) = delete;

  std::uint8_t* data() const { return arena_ + page_size; }
  std::size_t size() const { return kinds_.size() * page_size; }
  std::uint8_t* page(std::size_t i) const { return data() + i * page_size; }
  std::uint8_t* end() const { return data() + size(); }

  // Does every filled byte that can be read hold its pattern, but for n bytes from `from`?
  bool intact(const volatile void* from = nullptr, std::size_t n = 0) const {
    const auto first = reinterpret_cast<std::uintptr_t>(from);
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      if (kinds_[i] != kind::good && kinds_[i] != kind::read_only) continue;
      for (const std::uint8_t* p = page(i); p != page(i + 1); ++p)
        if (reinterpret_cast<std::uintptr_t>(p) - first >= n && *p != pattern(p)) return false;
    }
    return true;
  }

  // The page at this place becomes another one.
  void become(std::size_t i, kind k) {
    kinds_[i] = k;
    make(i);
  }

 private:
  // Far below where the kernel puts mappings by itself, so that nothing else fills our holes.
  static std::uint8_t* reserve(std::size_t bytes) {
    static std::atomic<std::uintptr_t> next{0x2000'0000'0000};
    void* const at = reinterpret_cast<void*>(next.fetch_add(bytes + page_size));
    return map(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
  }
  static std::uint8_t* map(void* at, std::size_t bytes, int protection, int flags, int descriptor) {
    void* const p = ::mmap(at, bytes, protection, flags, descriptor, 0);
    require(p != MAP_FAILED, "mmap");
    return static_cast<std::uint8_t*>(p);
  }
  static void map_fresh(std::uint8_t* at) {
    map(at, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
  }
  void map_filled(std::size_t i) const {
    map_fresh(page(i));
    fill(page(i), page_size);
  }

  void make(std::size_t i) const {
    std::uint8_t* const p = page(i);
    switch (kinds_[i]) {
      case kind::good: return map_filled(i);
      case kind::untouched: return map_fresh(p);
      case kind::hole: return require(::munmap(p, page_size) == 0, "munmap");
      case kind::no_access:
        map_filled(i);
        return require(::mprotect(p, page_size, PROT_NONE) == 0, "mprotect");
      case kind::read_only:
        map_filled(i);
        return require(::mprotect(p, page_size, PROT_READ) == 0, "mprotect");
      case kind::past_end_of_file: {
        const file empty(0);
        map(p, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, empty.descriptor());
        return;
      }
      case kind::guard_page:
        map_fresh(p);
        return require(
            !machine::is_user_mode_emulation() && ::madvise(p, page_size, install_guard) == 0,
            "MADV_GUARD_INSTALL");
    }
  }

  std::vector<kind> kinds_;
  std::uint8_t* arena_;
};

// Has the page at this address been populated?
inline bool resident(const void* page) {
  unsigned char in_core = 0;
  require(::mincore(const_cast<void*>(page), page_size, &in_core) == 0, "mincore");
  return (in_core & 1) != 0;
}

// Says that the running test leaves something out, in the form that `./run test` collects.
inline void say_skipped(const char* needs) {
  const std::string test = Catch::getResultCapture().getCurrentTestName();
  std::printf("SKIPPED: %s: needs %s\n", test.c_str(), needs);
  std::fflush(stdout);
}

inline bool machine_has(kind k) {
  if (k != kind::guard_page) return true;
  try {
    const pages one{kind::guard_page};
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

// Every kind of page that refuses this access, as far as this machine has it.
inline std::vector<kind> kinds_that_refuse(surefoot::access_kind wanted) {
  std::vector<kind> all;
  for (const kind k :
       {kind::hole, kind::no_access, kind::read_only, kind::past_end_of_file, kind::guard_page}) {
    if (!refuses(k, wanted)) continue;
    if (machine_has(k))
      all.push_back(k);
    else
      say_skipped("MADV_GUARD_INSTALL (Linux 6.13)");
  }
  return all;
}

// Addresses that are nobody's: outside of the canonical form, or in the kernel's half.
using machine::is_non_canonical;
using machine::kernel_half;
using machine::non_canonical;
inline void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

// Is this what an access to the kernel's half meets?
inline bool is_kernel_half(const surefoot::fault& f, const volatile void* p,
                           surefoot::access_kind during) {
  return (f.code == SEGV_MAPERR || f.code == SEGV_ACCERR) &&
         f == surefoot::fault{p, surefoot::cause::bad_address, during, SIGSEGV, f.code, 0};
}

// qemu 7.2 stores 16 bytes as twice 8, so where the second half faults the first is written; no processor
// was seen to do so. What depends on whole stores is left out under it, and says so.
#if defined(SUREFOOT_TESTS_EMULATED) && defined(__x86_64__)
inline constexpr bool tears_16_bytes = true;
#else
inline constexpr bool tears_16_bytes = false;
#endif
template <class E>
bool left_out_where_stores_tear() {
  if (!tears_16_bytes || std::is_same_v<E, surefoot::engine::kernel>) return false;
  say_skipped(
      "a processor, which stores 16 bytes whole or not at all (qemu's emulation tears them)");
  return true;
}

// How far a sweep goes at once: a fault under ASan costs a hundred times more.
inline constexpr std::size_t stride = build::is_slow ? 7 : 1;

}  // namespace memory
