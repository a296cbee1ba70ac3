// Every verb of every engine, on good and on bad memory, for those who watch each byte: MemorySanitizer and
// Valgrind's memcheck. What comes out of a verb decides branches here, and what a verb writes to was never
// written before: either would report it, if the library had not told it (engine/sanitizers.hpp).
//
// Nothing of the C++ library's compiled part is used, which is not instrumented.
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <surefoot/surefoot.hpp>
#include <type_traits>

#include "../build.hpp"
#include "../engine_list.hpp"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>  // with what the library declares of it
#define FORGET(p, n) __msan_poison(p, n)
#endif
#endif
#ifndef FORGET
#define FORGET(p, n) (void)0
#endif
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(p, n) (void)0
#define RUNNING_ON_VALGRIND false
#endif

namespace {

using surefoot::progress;
using bytes = unsigned char*;

constexpr std::size_t page = 4096;
const char* engine_name = "";
int wrong = 0, checks = 0;

void check(const char* verb, std::size_t n, bool fine) {
  ++checks;
  if (fine) return;
  ++wrong;
  std::printf("wrong: %s of %zu bytes, %s\n", verb, n, engine_name);
}

// Memory that nobody has written to.
struct fresh {
  explicit fresh(std::size_t n) : at(static_cast<bytes>(std::malloc(n))) {
    if (at == nullptr) std::abort();
  }
  ~fresh() { std::free(at); }
  fresh(const fresh&) = delete;
  fresh& operator=(const fresh&) = delete;
  const bytes at;
};

unsigned char pattern(std::size_t i) { return static_cast<unsigned char>(i % 251 + 1); }

// Two good pages, and a bad one behind them.
struct land {
  enum kind { hole, no_access, end_of_file, read_only };
  explicit land(kind k) {
    const int file = ::memfd_create("land", 0);
    if (file < 0 || ::ftruncate(file, 3 * page) != 0) std::abort();
    void* const p = ::mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (p == MAP_FAILED) std::abort();
    at = static_cast<bytes>(p);
    for (std::size_t i = 0; i < 2 * page; ++i) at[i] = pattern(i);
    const bool fine = k == hole        ? ::munmap(bad(), page) == 0
                      : k == no_access ? ::mprotect(bad(), page, PROT_NONE) == 0
                      : k == read_only ? ::mprotect(bad(), page, PROT_READ) == 0
                                       : ::ftruncate(file, 2 * page) == 0;
    if (!fine) std::abort();
    ::close(file);
    // memcheck reports an access to memory that is not mapped as such, before it faults: this one is meant.
    VALGRIND_MAKE_MEM_DEFINED(bad(), page);
  }
  ~land() { ::munmap(at, 3 * page); }
  land(const land&) = delete;
  land& operator=(const land&) = delete;

  bytes bad() const { return at + 2 * page; }
  bytes at;
};

bool is_pattern(const unsigned char* p, std::size_t first, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (p[i] != pattern(first + i)) return false;
  return true;
}
bool is_all(const unsigned char* p, unsigned char byte, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (p[i] != byte) return false;
  return true;
}

// Of n bytes from `first` of the land on, so many are good.
std::size_t good(std::size_t first, std::size_t n) {
  return first + n <= 2 * page ? n : 2 * page - first;
}
bool is(const progress& got, std::size_t done, std::size_t n) {
  return got.done == done && got.left == n - done && got.all() == (done == n) &&
         (got.all() || got.stopped_by.address != nullptr);
}

template <class E>
void read_from(const land& on, std::size_t first, std::size_t n) {
  const E e{};
  const bytes p = on.at + first;
  const std::size_t done = good(first, n);
  // is_right(to) calls the verb.
  const auto reads = [&](const char* verb, const char* written, auto is_right) {
    const fresh to(n);
    check(verb, n, is_right(to.at));
    check(written, n, is_pattern(to.at, first, done));
  };
  reads("try_copy from", "what try_copy wrote",
        [&](bytes to) { return is(surefoot::try_copy(to, p, n, e), done, n); });
  reads("try_gather", "what try_gather wrote", [&](bytes to) {
    iovec halves[2] = {{p, n / 2}, {p + n / 2, n - n / 2}};
    return is(surefoot::try_gather(to, halves, e), done, n);
  });
  reads("try_copy_string", "what try_copy_string wrote", [&](bytes to) {
    const auto got = surefoot::try_copy_string(reinterpret_cast<char*>(to),
                                               reinterpret_cast<const char*>(p), n, e);
    return is(got.copied, done, n) && !got.terminated;
  });
  reads("salvage", "what salvage wrote", [&](bytes to) {
    std::size_t lost = 0;
    const auto got = surefoot::salvage(
        to, p, n, [&](const surefoot::fault&, std::size_t, std::size_t k) { lost += k; }, e);
    return got.copied == done && lost == n - done;
  });
  check("fault_in_readable", n, surefoot::fault_in_readable(p, n, e).all() == (done == n));
  check("ensure_readable", n, !!surefoot::ensure_readable(p, n, e) == (done == n));
  std::size_t bad = 0;
  const auto holes = surefoot::find_holes(
      p, n, [&](const surefoot::fault&, std::size_t, std::size_t k) { bad += k; }, e);
  check("find_holes", n, holes.bad == bad && (bad > 0) == (done < n));

  check("try_length", n,
        surefoot::try_length(reinterpret_cast<const char*>(p), n, e).ok() == (done == n));
  check("try_find", n, surefoot::try_find(p, 0, n, e).ok() == (done == n));
  const fresh same(n);
  for (std::size_t i = 0; i < n; ++i) same.at[i] = pattern(first + i);
  const auto order = surefoot::try_compare(p, same.at, n, e);
  check("try_compare", n, order.ok() == (done == n) && (!order.ok() || order.value() == 0));
}

template <class E>
void write_to(const land& on, std::size_t first, std::size_t n) {
  const E e{};
  const bytes p = on.at + first;
  const std::size_t done = good(first, n);
  const fresh source(n);
  for (std::size_t i = 0; i < n; ++i) source.at[i] = pattern(first + i);
  check("try_fill", n, is(surefoot::try_fill(p, 0x5a, n, e), done, n) && is_all(p, 0x5a, done));
  check("try_zero", n, is(surefoot::try_zero(p, n, e), done, n) && is_all(p, 0, done));
  iovec halves[2] = {{p, n / 2}, {p + n / 2, n - n / 2}};
  check("try_scatter", n, is(surefoot::try_scatter(halves, source.at, e), done, n));
  check("try_copy to", n, is(surefoot::try_copy(p, source.at, n, e), done, n));
  check("what was written", n, is_pattern(p, first, done));
  check("fault_in_writeable", n, surefoot::fault_in_writeable(p, n, e).all() == (done == n));
  check("ensure_writeable", n, !!surefoot::ensure_writeable(p, n, e) == (done == n));
}

// What no verb has told of is initialised all the same: memory that was never written to.
template <class E>
void write_to_fresh(std::size_t n) {
  const E e{};
  const fresh a(n), b(n);
  check("try_fill", n, surefoot::try_fill(a.at, 7, n, e).all() && is_all(a.at, 7, n));
  check("try_zero", n, surefoot::try_zero(b.at, n, e).all() && is_all(b.at, 0, n));
}

template <class T, class E>
void values(const land& on) {
  const E e{};
  T known;
  std::memset(&known, 3, sizeof known);
  const fresh here(sizeof(std::uint64_t));
  // Its write probe lets the kernel add no bit to the word around the byte: which reads it, says memcheck.
  if (std::is_same_v<E, surefoot::engine::kernel>) std::memset(here.at, 0, sizeof(std::uint64_t));
  check("try_store", sizeof(T), !!surefoot::try_store(reinterpret_cast<T*>(here.at), known, e));
  check("what try_store wrote", sizeof(T), is_all(here.at, 3, sizeof(T)));
  const auto loaded = surefoot::try_load<T>(static_cast<const void*>(here.at), e);
  check("try_load", sizeof(T), loaded.ok() && loaded.value() == known);
  const bytes into = on.bad() - sizeof(T) / 2;
  check("try_load of bad memory", sizeof(T),
        !surefoot::try_load<T>(static_cast<const void*>(into), e).ok());
  check("try_store to bad memory", sizeof(T),
        !surefoot::try_store(reinterpret_cast<T*>(into), known, e));
}

template <class T, class E>
void atomics(const land& on) {
  const E e{};
  T known;
  std::memset(&known, 3, sizeof known);
  alignas(16) unsigned char room[16];
  std::memset(room, 3, sizeof(T));
  T* const p = reinterpret_cast<T*>(room);
  // Before each, what is there counts as never written.
  FORGET(room, sizeof room);
  const auto was = surefoot::try_exchange(p, known, e);
  check("try_exchange", sizeof(T), was.ok() && was.value() == known);
  check("what try_exchange wrote", sizeof(T), is_all(room, 3, sizeof(T)));
  FORGET(room, sizeof room);
  const auto swapped = surefoot::try_compare_exchange(p, known, T{}, e);
  check("try_compare_exchange", sizeof(T), swapped.ok() && swapped.value().swapped);
  check("what it wrote", sizeof(T), is_all(room, 0, sizeof(T)));
  check("try_exchange of bad memory", sizeof(T),
        !surefoot::try_exchange(reinterpret_cast<T*>(on.bad()), known, e).ok());
  if constexpr (sizeof(T) <= 8) {
    FORGET(room, sizeof room);
    const auto before = surefoot::try_fetch_add(p, T{2}, e);
    check("try_fetch_add", sizeof(T), before.ok() && before.value() == T{0} && *p == T{2});
    check("try_fetch_or of bad memory", sizeof(T),
          !surefoot::try_fetch_or(reinterpret_cast<T*>(on.bad()), T{1}, e).ok());
  }
}

template <class E>
void every_verb(const char* name) {
  engine_name = name;
  constexpr std::size_t sizes[] = {1,  2,  3,   4,   7,   8,   15,   16,  31,
                                   33, 64, 100, 200, 300, 600, 3000, 6000};
  for (const auto kind : {land::hole, land::no_access, land::end_of_file}) {
    const land on(kind);
    for (const std::size_t n : sizes) {
      for (const std::size_t first : {std::size_t{3}, 2 * page - n, 2 * page - (n + 1) / 2}) {
        if (first + n > 3 * page) continue;
        read_from<E>(on, first, n);
        write_to<E>(on, first, n);
      }
      write_to_fresh<E>(n);
    }
    values<std::uint8_t, E>(on);
    values<std::uint16_t, E>(on);
    values<std::uint32_t, E>(on);
    values<std::uint64_t, E>(on);
  }
  const land on(land::read_only);
  for (const std::size_t n : sizes) write_to<E>(on, 2 * page - (n + 1) / 2, n);
}

template <class E>
void by_signals(const char* name) {
  every_verb<E>(name);
  const land on(land::no_access);
  atomics<std::uint8_t, E>(on);
  atomics<std::uint16_t, E>(on);
  atomics<std::uint32_t, E>(on);
  atomics<std::uint64_t, E>(on);
}

// What runs in a guard is the program's own, and so is what it wrote before it was left.
void guards() {
  engine_name = "guarded";
  const land on(land::no_access);
  const fresh to(page);
  const auto sum = surefoot::guarded([&]() noexcept {
    unsigned all = 0;
    for (std::size_t i = 0; i < page; ++i) all += to.at[i] = on.at[i];
    return all;
  });
  check("guarded", page, sum.ok() && sum.value() != 0 && is_pattern(to.at, 0, page));
  const auto left = surefoot::guarded(
      [&]() noexcept { return *static_cast<const volatile unsigned char*>(on.bad()); });
  check("guarded, bad memory", 1, !left.ok() && left.stopped_by.address == on.bad());
}

// A jump out of the handler leaves what the program computes with as it was. (Valgrind's signal frames do not have it.)
void rounding() {
  engine_name = "engine::jump";
  const land on(land::no_access);
  const int before = std::fegetround();
  for (const int mode : {FE_UPWARD, FE_TOWARDZERO, FE_DOWNWARD, FE_TONEAREST}) {
    std::fesetround(mode);
    const bool ok = surefoot::try_load<int>(on.bad(), surefoot::engine::jump{}).ok();
    check("rounding after a fault", sizeof(int), !ok && std::fegetround() == mode);
  }
  std::fesetround(before);
}

// The owner before us, to whom foreign faults go.
volatile sig_atomic_t foreign = 0;
const land* volatile its = nullptr;
void mend(int, siginfo_t* info, void*) {
  if (info->si_addr != its->bad()) ::_exit(3);
  foreign = foreign + 1;
  ::mprotect(its->bad(), page, PROT_READ | PROT_WRITE);
}

// An owner over us, taken back from, that puts back what it displaced and raises the signal again: that goes on
// to the owner before us, in a child.
struct sigaction displaced;
void raise_again(int signal) {
  ::sigaction(signal, &displaced, nullptr);
  ::raise(signal);
}
void owner_that_raises() {
  engine_name = "an owner that raises";
  const pid_t child = ::fork();
  if (child == 0) {
    const land on(land::no_access), other(land::no_access);
    its = &other;
    (void)surefoot::install();
    struct sigaction over {};
    over.sa_handler = raise_again;
    ::sigaction(SIGSEGV, &over, &displaced);
    (void)surefoot::install();
    *static_cast<volatile unsigned char*>(on.bad()) = 1;
    ::_exit(4);
  }
  int status = 0;
  check("the owner before us is asked", 1,
        ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

// Valgrind 3.19 does not extend a stack for a signal's frame that reaches below what was touched (whether one does
// depends on the length of the environment). What it does not write of that frame looks like the state of a processor
// with protection keys (a magic, a size, what is saved) from here on: nobody may believe it.
[[gnu::noinline]] void touch_the_stack() {
  constexpr std::uint32_t magic = 0x46505853, all = ~std::uint32_t{0};
  volatile std::uint32_t room[16 << 10];
  for (std::size_t i = 0; i < sizeof room / sizeof *room; ++i) room[i] = i % 4 == 0 ? magic : all;
}

}  // namespace

// every_verb [stray]
//
// stray: ends as a program does that has no handler, by a fault that is none of ours.
int main(int argc, char** argv) {
  touch_the_stack();
  if (argc == 2 && std::strcmp(argv[1], "stray") == 0) {
    (void)surefoot::install();
    const land on(land::no_access);
    if (surefoot::try_load<int>(on.bad()).ok()) return 4;
    *static_cast<volatile unsigned char*>(on.bad()) = 1;
    return 5;
  }
  struct sigaction before {};
  before.sa_sigaction = mend;
  before.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGSEGV, &before, nullptr) != 0) return 2;

#if SUREFOOT_HAS_TABLE
  by_signals<surefoot::engine::table>("engine::table");
#endif
  by_signals<surefoot::engine::jump>("engine::jump");
  unsigned char from = 1, to = 0;
  iovec local{&to, 1}, remote{&from, 1};
  if (::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) == 1)
    every_verb<surefoot::engine::kernel>("engine::kernel");
  else
    std::printf(
        "SKIPPED: every verb of engine::kernel, to the last byte: needs process_vm_readv()\n");
  guards();
  rounding();

  const land on(land::no_access);
  its = &on;
  *static_cast<volatile unsigned char*>(on.bad()) = 1;
  check("a foreign fault", 1, foreign == 1);
  // Valgrind 3.19 and qemu's user mode end the process.
  if (!RUNNING_ON_VALGRIND && !build::is_emulated)
    owner_that_raises();
  else
    std::printf(
        "SKIPPED: an owner that raises again: needs SIGSEGV that can be raised where it is "
        "blocked\n");

  std::printf("%d checks, %d wrong\n", checks, wrong);
  return wrong == 0 ? 0 : 1;
}
