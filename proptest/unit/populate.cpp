// How many pages are faulted in at once (engine/populate.hpp): by touches or by the kernel, with one answer.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "../seccomp.hpp"
#include "../timed.hpp"
#include "by_kind.hpp"
#include "engines.hpp"
#include "memory.hpp"
#include "process.hpp"

// Where a page is not the granule, or no clock is there, each page is touched, and nothing of this is used.
#define SUREFOOT_EACH_CLOCK(E)                                                                   \
  E, timed::without_clock<E>, timed::never_slow<E>, timed::always_slow<E>, timed::often_slow<E>, \
      timed::slow_once<E>, timed::by_sixteens<E>, timed::anyhow<E>
#if SUREFOOT_HAS_TABLE
#define SUREFOOT_TIMED_ENGINES \
  SUREFOOT_EACH_CLOCK(surefoot::engine::table), SUREFOOT_EACH_CLOCK(surefoot::engine::jump)
#else
#define SUREFOOT_TIMED_ENGINES SUREFOOT_EACH_CLOCK(surefoot::engine::jump)
#endif

namespace {

using memory::fault_in;
using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::progress;

constexpr std::size_t mebi = std::size_t{1} << 20;

// Fresh memory in small pages; unmapped in the end.
class fresh {
 public:
  explicit fresh(std::size_t n, int protection = PROT_READ | PROT_WRITE)
      : size_(n), at_(::mmap(nullptr, n, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    memory::require(at_ != MAP_FAILED, "mmap");
    ::madvise(at_, n, MADV_NOHUGEPAGE);
  }
  ~fresh() { ::munmap(at_, size_); }
  fresh(const fresh&) = delete;
  fresh& operator=(const fresh&) = delete;
  unsigned char* data() const { return static_cast<unsigned char*>(at_); }
  std::size_t size() const { return size_; }
  unsigned char* page(std::size_t i) const { return data() + i * page_size; }
  std::size_t resident_pages() const {
    std::size_t count = 0;
    for (std::size_t at = 0; at < size_; at += page_size) count += memory::resident(data() + at);
    return count;
  }

 private:
  std::size_t size_;
  void* at_;
};

TEMPLATE_TEST_CASE("faulting in many pages stops at the first bad one, whoever populates them", "",
                   SUREFOOT_TIMED_ENGINES) {
  constexpr std::size_t pages = 600;
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted))
      for (const std::size_t place : {0u,  1u,  3u,   4u,   5u,   6u,   7u,   16u,  17u,  48u,
                                      64u, 65u, 100u, 255u, 259u, 262u, 263u, 264u, 400u, 599u}) {
        std::vector<kind> row(pages, kind::untouched);
        row[place] = bad;
        // Another one behind it, of another kind, which is not to be met.
        if (place + 90 < pages) row[place + 90] = bad == kind::hole ? kind::no_access : kind::hole;
        const memory::pages land(row);
        const std::size_t from = place % 2 == 0 ? 0 : 77;
        const std::size_t n = land.size() - from - (place % 3 == 0 ? 50 : 0);
        const std::size_t done = place == 0 ? 0 : place * page_size - from;
        INFO(memory::name(bad) << " at page " << place);
        CHECK(fault_in(wanted, land.data() + from, n, TestType{}) ==
              memory::stopped<TestType>(done, n, bad, wanted, land.data() + from + done));
        CHECK(fault_in(wanted, land.data() + from, done, TestType{}) == memory::finished(done));
      }
}

TEMPLATE_TEST_CASE("faulting in many pages populates all of them", "", SUREFOOT_TIMED_ENGINES) {
  for (const access_kind wanted : memory::both_kinds)
    for (const std::size_t pages : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 64u, 263u, 264u, 2600u}) {
      const fresh land((pages + 1) * page_size);
      const std::size_t n = pages * page_size - 1;  // of the last page but one byte
      CHECK(fault_in(wanted, land.data() + 1, n, TestType{}) == memory::finished(n));
      CHECK(land.resident_pages() == pages);
    }
}

// More than the 64 MiB from which huge pages are asked for.
TEMPLATE_TEST_CASE("faulting in very many pages stops at a bad one far behind", "",
                   SUREFOOT_TIMED_ENGINES) {
  const fresh land(72 * mebi);
  ::madvise(land.data(), land.size(), MADV_HUGEPAGE);
  for (const std::size_t bad : {1234u, 2000u, 4100u, 17'920u}) {
    REQUIRE(::mprotect(land.page(bad), page_size, PROT_NONE) == 0);
    for (const access_kind wanted : memory::both_kinds) {
      REQUIRE(::madvise(land.data(), bad * page_size, MADV_DONTNEED) == 0);
      CHECK(fault_in(wanted, land.data(), land.size(), TestType{}) ==
            memory::stopped<TestType>(bad * page_size, land.size(), kind::no_access, wanted,
                                      land.page(bad)));
    }
    REQUIRE(::mprotect(land.page(bad), page_size, PROT_READ | PROT_WRITE) == 0);
  }
}

TEMPLATE_TEST_CASE("where the kernel populates, it populates nothing behind a bad page", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::always_slow<TestType>;
  if (machine::is_user_mode_emulation())
    return memory::say_skipped("mincore() of pages without access");
  for (const access_kind wanted : memory::both_kinds) {
    const fresh land(2 * mebi);
    REQUIRE(::mprotect(land.page(200), page_size, PROT_NONE) == 0);
    CHECK(fault_in(wanted, land.data(), land.size(), engine{}).done == 200 * page_size);
    CHECK(land.resident_pages() == 200);
  }
}

// How many touches it takes to have all of it there.
template <class Clock>
std::size_t touches(const fresh& land) {
  std::size_t count = 0;
  Clock::begin();
  const auto touch = [&](std::size_t from, std::size_t to, std::size_t unit) noexcept {
    for (; from < to; from += unit, ++count)
      (void)*static_cast<volatile unsigned char*>(land.data() + from);
    return false;
  };
  CHECK_FALSE((surefoot::engine::detail::fault_in_pages<access_kind::read, Clock>(
      land.data(), land.size(), touch)));
  CHECK(land.resident_pages() == land.size() / page_size);
  return count;
}

TEST_CASE("of a large file the kernel is asked for the rest where that takes less than touches") {
  if (!surefoot::engine::detail::is_possible || !surefoot::os::populates())
    return memory::say_skipped("a clock, pages of one answer, and MADV_POPULATE_READ");
  constexpr std::size_t size = 80 * mebi, pages = size / page_size, trial = 1024;
  CHECK(touches<timed::sixteen_at_once<300'000, 1'200'000>>(fresh(size)) < 2000);
  // A call of 1,024 pages beside 480,000 ticks of touches; and where they were there already.
  CHECK(touches<timed::sixteen_at_once<480'000, 1>>(fresh(size)) > pages - trial);
  CHECK(touches<timed::sixteen_at_once<200'000, 1>>(fresh(size)) > pages - trial);
  // What is there already is not tried. (A trial of 1,024 pages would save more touches than that.)
  CHECK(touches<timed::sixteen_at_once<1, 1, 20'000>>(fresh(size)) > pages + pages / 32);
  // Too little for a trial. (Each sixteenth page is touched twice.)
  CHECK(touches<timed::sixteen_at_once<300'000, 1>>(fresh(68 * mebi)) > 68 * mebi / page_size);
}

// memfd_secret and what else the kernel touches for nobody.
TEMPLATE_TEST_CASE("memory that the kernel does not populate is touched", "",
                   SUREFOOT_TIMED_ENGINES) {
#ifdef SYS_memfd_secret
  const auto secret = static_cast<int>(::syscall(SYS_memfd_secret, 0));
#else
  const int secret = -1;
#endif
  constexpr std::size_t n = 3 * mebi;
  void* const p = secret < 0 || ::ftruncate(secret, n) != 0
                      ? MAP_FAILED
                      : ::mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
  if (secret >= 0) ::close(secret);
  if (p == MAP_FAILED) return memory::say_skipped("memfd_secret, and 3 MiB that may be locked");
  for (const access_kind wanted : memory::both_kinds)
    CHECK(fault_in(wanted, p, n, TestType{}) == memory::finished(n));
  ::munmap(p, n);
}

// --- which system calls are made

#if defined(__x86_64__)
constexpr int all_well = 0, wrong_answer = 1, no_filter = 77;

int calls_made = 0;
void refuse(int, siginfo_t*, void* ucontext) {
  ++calls_made;
  machine::refuse_call(ucontext, EPERM);
}

// From here on this process gets that for each madvise().
bool filter_madvise(std::uint32_t what) {
  struct sigaction trapped {};
  trapped.sa_sigaction = refuse;
  trapped.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &trapped, nullptr);
  return seccomp::answer({SYS_madvise}, what);
}

// A process whose madvise() is filtered so, and that exits with what body(engine) says. In it nobody asked yet
// whether populating is to be believed.
template <class E, class Body>
process::ending run_filtered(std::uint32_t what, Body body) {
  return process::run([&] {
    (void)surefoot::install();
    surefoot::os::populate_is_true = 0;
    if (!filter_madvise(what)) ::_exit(no_filter);
    ::_exit(body(E{}) ? all_well : wrong_answer);
  });
}
void check_well(const process::ending& end) {
  if (end.status == no_filter) return memory::say_skipped("seccomp filters");
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}
template <class E, class Body>
void check_filtered(std::uint32_t what, Body body) {
  check_well(run_filtered<E>(what, body));
}

TEMPLATE_TEST_CASE("cold small pages are populated by the kernel, in few calls", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::always_slow<TestType>;
  // Each call is made, and refused, but two are the last: the kernel is not asked again.
  check_filtered<engine>(SECCOMP_RET_TRAP, [](auto e) {
    const fresh land(16 * mebi);
    calls_made = 0;
    return surefoot::fault_in_readable(land.data(), land.size(), e).all() &&
           calls_made == 3 &&  // that of populates() is one
           land.resident_pages() == 16 * mebi / page_size;
  });
}

TEMPLATE_TEST_CASE("faulting in asks the kernel for nothing where nothing is slow, below 64 MiB",
                   "", SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::never_slow<TestType>;
  check_filtered<engine>(SECCOMP_RET_KILL_PROCESS, [](auto e) {
    void* const p =
        ::mmap(nullptr, 63 * mebi, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return surefoot::fault_in_readable(p, 63 * mebi, e).all() &&
           surefoot::fault_in_writeable(p, 63 * mebi, e).all();
  });
}

TEMPLATE_TEST_CASE("between many holes the kernel is not asked for huge pages", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::never_slow<TestType>;
  constexpr std::size_t size = 128 * mebi, each = 4 * mebi;
  const fresh land(size);
  for (std::size_t at = each; at < size; at += each)
    REQUIRE(::mprotect(land.page(at / page_size), page_size, PROT_NONE) == 0);
  check_filtered<engine>(SECCOMP_RET_TRAP, [&](auto e) {
    calls_made = 0;
    std::size_t holes = 0;
    const auto count = [&](const surefoot::fault&, std::size_t, std::size_t) noexcept { ++holes; };
    // Before the first two holes it is, and populates() asks.
    return surefoot::find_holes(land.data(), size, count, e).bad == holes * page_size &&
           holes == size / each - 1 && calls_made <= 3;
  });
}

// With the clock as it is: code that runs for the first time, and a processor that is taken away, make memory look
// slow. So it has run before, and one of some processes will do.
TEMPLATE_TEST_CASE("faulting in resident small pages makes no system call", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  // Whose touches are slow, and now and then slower.
  if (build::is_emulated) return memory::say_skipped("a processor that is not emulated");
  process::ending end;
  for (int i = 0; i < 20 && end.status != all_well && end.status != no_filter; ++i)
    end = process::run([] {
      const auto e = surefoot::install<TestType>();
      const fresh land(8 * mebi);
      const auto well = [&] {
        return surefoot::fault_in_readable(land.data(), land.size(), e).all() &&
               surefoot::fault_in_writeable(land.data(), land.size(), e).all();
      };
      (void)(well() && well());
      if (!filter_madvise(SECCOMP_RET_KILL_PROCESS)) ::_exit(no_filter);
      ::_exit(well() ? all_well : wrong_answer);
    });
  check_well(end);
}

// As qemu emulates a process: it takes each advice for a hint.
TEMPLATE_TEST_CASE("a system call that says it populated, and did not, is not believed", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::always_slow<TestType>;
  const fresh land(4 * mebi);
  REQUIRE(::mprotect(land.page(700), page_size, PROT_NONE) == 0);
  check_filtered<engine>(SECCOMP_RET_ERRNO | 0, [&](auto e) {
    return surefoot::fault_in_readable(land.data(), land.size(), e).done == 700 * page_size &&
           surefoot::fault_in_writeable(land.data(), land.size(), e).done == 700 * page_size;
  });
}

TEMPLATE_TEST_CASE("a process that may not know the time faults in all the same", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const fresh land(4 * mebi);
  REQUIRE(::mprotect(land.page(700), page_size, PROT_NONE) == 0);
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    if (::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0) ::_exit(no_filter);
    const TestType e;
    const auto well = [&]() noexcept {
      return surefoot::fault_in_readable(land.data(), 700 * page_size, e).all() &&
             surefoot::fault_in_writeable(land.data(), 700 * page_size, e).all() &&
             surefoot::fault_in_readable(land.data(), land.size(), e) ==
                 memory::stopped(700 * page_size, land.size(), kind::no_access, access_kind::read,
                                 land.page(700));
    };
    // Also in a guard, which is not asked.
    const auto in_guard = surefoot::guarded(well);
    ::_exit(well() && in_guard.ok() && in_guard.value() ? all_well : wrong_answer);
  });
  if (end.status == no_filter) return memory::say_skipped("prctl(PR_SET_TSC)");
  CHECK(end.signal == 0);
  CHECK(end.status == all_well);
}
#endif

TEMPLATE_TEST_CASE("faulting in many pages leaves errno alone", "", SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::always_slow<TestType>;
  const fresh land(4 * mebi);
  REQUIRE(::mprotect(land.page(700), page_size, PROT_NONE) == 0);
  errno = ERANGE;
  CHECK(surefoot::fault_in_readable(land.data(), land.size(), engine{}).done == 700 * page_size);
  CHECK(errno == ERANGE);
}

}  // namespace
