// Copies, fills and searches on x86-64 with each width of vectors that the processor has, and with and without its own loop:
// what other machines choose, too.
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::fault;
using surefoot::progress;
using table = surefoot::engine::table;
namespace arch = surefoot::arch;

// The library takes vectors of this width for as long as this lives.
class chosen {
 public:
  explicit chosen(std::size_t width, bool fast_strings = false) {
    arch::vectors::ask_width();
    widest_ = arch::vectors::width;
    had_fast_strings_ = arch::vectors::fast_strings;
    arch::vectors::choose(static_cast<std::uint8_t>(width));
    arch::vectors::fast_strings = fast_strings;
  }
  ~chosen() {
    arch::vectors::choose(widest_);
    arch::vectors::fast_strings = had_fast_strings_;
  }
  chosen(const chosen&) = delete;
  chosen& operator=(const chosen&) = delete;

 private:
  std::uint8_t widest_;
  bool had_fast_strings_;
};

// Calls check(width) for each one that this processor has.
template <class Check>
void at_each_width(Check check) {
  arch::vectors::ask_width();
  const std::uint8_t widest = arch::vectors::width;
  for (const std::size_t width : {16u, 32u, 64u}) {
    if (width > widest) {
      memory::say_skipped(width == 32 ? "AVX2" : "AVX-512 with VBMI2");
      continue;
    }
    const chosen these(width);
    check(width);
  }
}

// Around each size at which another step is taken, for vectors of this width.
std::vector<std::size_t> sizes(std::size_t width) {
  std::vector<std::size_t> all{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65};
  for (const std::size_t vectors : {2u, 4u, 8u, 12u, 16u})
    for (const std::size_t n : {vectors * width - 1, vectors * width, vectors * width + 1})
      all.push_back(n);
  all.insert(all.end(), {2047, 2048, 2049, 2048 + 8 * width + 1, 3000, 4096, 5000});
  return all;
}

// How many of n bytes are good: all of the numbers, with gaps where there are many or each one is slow.
std::vector<std::size_t> prefixes(std::size_t n) {
  const std::size_t gap = (n <= 300 ? 1u : 7u) * (build::is_slow ? 17u : 1u);
  std::vector<std::size_t> all;
  for (std::size_t done = n % gap; done <= n; done += gap) all.push_back(done);
  return all;
}

// Two good pages before a bad one. What was changed in them is put back by again().
class shore {
 public:
  explicit shore(kind bad) : land_{kind::good, kind::good, bad}, first_(begin(), edge()) {}

  std::uint8_t* begin() const { return land_.page(0); }
  std::uint8_t* edge() const { return land_.page(2); }

  // Does all of it hold what it did at first, but n bytes at p, which hold those at `reference`?
  bool became(const std::uint8_t* p, const std::uint8_t* reference, std::size_t n) const {
    std::vector<std::uint8_t> expected = first_;
    std::copy(reference, reference + n, expected.begin() + (p - begin()));
    return std::memcmp(begin(), expected.data(), expected.size()) == 0;
  }
  void again() const { std::copy(first_.begin(), first_.end(), begin()); }

 private:
  memory::pages land_;
  std::vector<std::uint8_t> first_;
};

// What a call on n bytes answers of which `done` are good.
progress answer(std::size_t done, std::size_t n, kind bad, access_kind during,
                const std::uint8_t* edge) {
  return done == n ? memory::finished(n) : memory::stopped(done, n, bad, during, edge);
}

TEST_CASE("at each width of vectors a copy from a bad page has written the bytes before it") {
  for (const kind bad : {kind::no_access, kind::past_end_of_file}) {
    const shore from(bad), to(kind::hole);
    at_each_width([&](std::size_t width) {
      for (const std::size_t n : sizes(width))
        for (const std::size_t skew : {0u, 1u, 21u})
          for (const std::size_t done : prefixes(n)) {
            const std::uint8_t* const src = from.edge() - done;
            std::uint8_t* const dst = to.begin() + 64 + skew;
            const progress met = surefoot::try_copy(dst, src, n, table{});
            INFO("vectors of " << width << ": " << done << " good bytes of " << n << " to "
                               << skew);
            REQUIRE(met == answer(done, n, bad, access_kind::read, from.edge()));
            REQUIRE(to.became(dst, src, done));
            to.again();
          }
    });
  }
}

TEST_CASE("at each width of vectors a copy to a bad page has written the bytes before it") {
  for (const kind bad : {kind::no_access, kind::past_end_of_file}) {
    const shore from(kind::hole), to(bad);
    at_each_width([&](std::size_t width) {
      for (const std::size_t n : sizes(width))
        for (const std::size_t skew : {0u, 1u, 21u})
          for (const std::size_t done : prefixes(n)) {
            const std::uint8_t* const src = from.begin() + skew;
            std::uint8_t* const dst = to.edge() - done;
            const progress met = surefoot::try_copy(dst, src, n, table{});
            INFO("vectors of " << width << ": " << done << " bytes of " << n << " from " << skew);
            REQUIRE(met == answer(done, n, bad, access_kind::write, to.edge()));
            REQUIRE(to.became(dst, src, done));
            to.again();
          }
    });
  }
}

// The bytes that a copy down by `distance` moves lie in two good pages; behind them is a page of this kind.
void moves_down(kind behind, access_kind during) {
  const shore land(behind);
  at_each_width([&](std::size_t width) {
    for (const std::size_t n : sizes(width))
      for (const std::size_t distance :
           {std::size_t{1}, std::size_t{5}, width - 1, width, width + 1, 4 * width + 3})
        for (const std::size_t done : prefixes(n)) {
          const std::size_t reach = during == access_kind::read ? done + distance : done;
          std::uint8_t* const dst = land.edge() - reach;
          const std::vector<std::uint8_t> moved(dst + distance, dst + distance + done);
          const progress met = surefoot::try_copy(dst, dst + distance, n, table{});
          INFO("vectors of " << width << ": " << done << " bytes of " << n << " down by "
                             << distance);
          REQUIRE(met == answer(done, n, behind, during, land.edge()));
          REQUIRE(land.became(dst, moved.data(), done));
          land.again();
        }
  });
}

TEST_CASE(
    "at each width of vectors a copy down onto its source, which faults, has moved its prefix") {
  moves_down(kind::hole, access_kind::read);
}

TEST_CASE(
    "at each width of vectors a copy down onto its source has moved its prefix, where it faults") {
  // The source goes on through a page that can be read, where the destination stops.
  moves_down(kind::read_only, access_kind::write);
}

TEST_CASE(
    "at each width of vectors, and by the processor's own loop, a fill has written its prefix") {
  const std::vector<std::uint8_t> reference(4 * page_size, 0xa5);
  for (const kind bad : {kind::no_access, kind::past_end_of_file}) {
    const shore to(bad);
    at_each_width([&](std::size_t width) {
      for (const bool fast_strings : {false, true}) {
        const chosen these(width, fast_strings);
        for (const std::size_t n : sizes(width))
          for (const std::size_t done : prefixes(n)) {
            std::uint8_t* const dst = to.edge() - done;
            const progress met = surefoot::try_fill(dst, 0xa5, n, table{});
            INFO("vectors of " << width << (fast_strings ? ", rep stosb: " : ": ") << done
                               << " bytes of " << n);
            REQUIRE(met == answer(done, n, bad, access_kind::write, to.edge()));
            REQUIRE(to.became(dst, reference.data(), done));
            to.again();
          }
      }
    });
  }
}

TEST_CASE("at each width of vectors what is nobody's address is a fault at the first byte") {
  const shore land(kind::hole);
  at_each_width([&](std::size_t width) {
    for (const bool fast_strings : {false, true}) {
      const chosen these(width, fast_strings);
      for (const std::size_t n : sizes(width))
        for (const std::uintptr_t a : {memory::non_canonical[0], memory::non_canonical[1]}) {
          void* const nowhere = memory::at(a);
          const auto refused = [&](const progress& met, access_kind during) {
            return met.done == 0 && met.left == n &&
                   memory::is_non_canonical(met.stopped_by, nowhere, during);
          };
          INFO("vectors of " << width << ": " << n << " bytes");
          REQUIRE(refused(surefoot::try_copy(land.begin(), nowhere, n), access_kind::read));
          REQUIRE(refused(surefoot::try_copy(nowhere, land.begin(), n), access_kind::write));
          REQUIRE(refused(surefoot::try_fill(nowhere, 1, n), access_kind::write));
        }
    }
  });
  CHECK(land.became(land.begin(), land.begin(), 0));
}

// Two good pages, all of 7, between bad ones; n of their bytes begin at this distance before the end of the first one,
// of the second one, or of both.
template <class Check>
void over_the_ends_of_pages(const shore& land, std::size_t n, Check check) {
  std::uint8_t* const middle = land.begin() + page_size;
  for (const std::size_t before :
       {0u, 1u, 5u, 15u, 16u, 17u, 31u, 32u, 33u, 63u, 64u, 100u, 127u, 128u, 129u, 300u}) {
    if (before + n <= page_size) check(land.begin() + page_size - before - n);
    if (middle - before >= land.begin() && middle - before + n <= land.edge())
      check(middle - before);
  }
}

std::vector<std::size_t> searched_sizes(std::size_t width) {
  std::vector<std::size_t> all;
  for (std::size_t n = 1; n <= 20 * width; n += n < 40 ? 1 : build::is_slow ? 29 : 3)
    all.push_back(n);
  all.insert(all.end(), {16 * width, 1000, 2049, 4096});
  return all;
}

TEST_CASE("at each width of vectors the first byte of a value is found, wherever pages end") {
  const shore land(kind::no_access);
  std::fill(land.begin(), land.edge(), std::uint8_t{7});
  at_each_width([&](std::size_t width) {
    for (const std::size_t n : searched_sizes(width))
      over_the_ends_of_pages(land, n, [&](std::uint8_t* p) {
        INFO("vectors of " << width << ": " << n << " bytes, " << land.edge() - p
                           << " before the end");
        // Beside the range, and then within.
        const auto behind = std::min<std::ptrdiff_t>(64, land.edge() - (p + n));
        if (p > land.begin()) p[-1] = 6;
        std::fill_n(p + n, behind, std::uint8_t{6});
        REQUIRE(surefoot::try_find(p, 6, n).value_or(p) == nullptr);
        if (behind > 0) p[n] = 7;
        REQUIRE(surefoot::try_find(p, 6, n).value_or(p) == nullptr);
        for (std::size_t at = n; at-- > 0;
             at -= std::min(at, std::max<std::size_t>(n / 9, 1) - 1)) {
          p[at] = 6;
          REQUIRE(surefoot::try_find(p, 6, n).value_or(nullptr) == p + at);
          REQUIRE(surefoot::try_length(reinterpret_cast<char*>(p), n).value_or(0) == n);
        }
        std::fill(p, p + n, std::uint8_t{7});
        if (p > land.begin()) p[-1] = 7;
        std::fill_n(p + n, behind, std::uint8_t{7});
      });
  });
}

TEST_CASE("at each width of vectors the first difference decides, wherever pages end") {
  const shore left(kind::no_access), right(kind::past_end_of_file);
  std::fill(left.begin(), left.edge(), std::uint8_t{7});
  std::fill(right.begin(), right.edge(), std::uint8_t{7});
  at_each_width([&](std::size_t width) {
    for (const std::size_t n : searched_sizes(width))
      over_the_ends_of_pages(left, n, [&](std::uint8_t* p) {
        // Aligned alike, and up to the bad page.
        for (std::uint8_t* const q : {right.begin() + (p - left.begin()), right.edge() - n}) {
          INFO("vectors of " << width << ": " << n << " bytes, " << left.edge() - p << " and "
                             << right.edge() - q << " before the end");
          if (p + n + 1 < left.edge()) p[n] = p[n + 1] = 6;
          REQUIRE(surefoot::try_compare(p, q, n).value_or(1) == 0);
          if (p + n + 1 < left.edge()) p[n] = 7;
          REQUIRE(surefoot::try_compare(p, q, n).value_or(1) == 0);
          if (p + n + 1 < left.edge()) p[n + 1] = 7;
          for (std::size_t at = n; at-- > 0;
               at -= std::min(at, std::max<std::size_t>(n / 9, 1) - 1)) {
            p[at] = 6;
            REQUIRE(surefoot::try_compare(p, q, n).value_or(0) < 0);
            REQUIRE(surefoot::try_compare(q, p, n).value_or(0) > 0);
            p[at] = 200;
            REQUIRE(surefoot::try_compare(p, q, n).value_or(0) > 0);
          }
          std::fill(p, p + n, std::uint8_t{7});
        }
      });
  });
}

TEST_CASE("at each width of vectors a search stops at a bad page, unless its answer lies before") {
  for (const kind bad : {kind::hole, kind::past_end_of_file}) {
    const shore land(bad);
    std::fill(land.begin(), land.edge(), std::uint8_t{7});
    const std::vector<std::uint8_t> sevens(3 * page_size, 7);
    // From where on they are aligned as p is.
    const auto alike = [&](const std::uint8_t* p) {
      return (reinterpret_cast<std::uintptr_t>(p) -
              reinterpret_cast<std::uintptr_t>(sevens.data())) %
             64;
    };
    at_each_width([&](std::size_t width) {
      for (const std::size_t done : searched_sizes(width))
        for (const std::size_t n : {done + 1, done + 15, done + 64, done + 1000}) {
          std::uint8_t* const p = land.edge() - done;
          INFO("vectors of " << width << ": " << done << " good bytes of " << n);
          const fault refused = memory::fault_of(bad, access_kind::read, land.edge());
          REQUIRE(surefoot::try_find(p, 6, n).stopped_by == refused);
          for (const std::uint8_t* const q : {sevens.data(), sevens.data() + alike(p)}) {
            REQUIRE(surefoot::try_compare(p, q, n).stopped_by == refused);
            REQUIRE(surefoot::try_compare(q, p, n).stopped_by == refused);
          }
          p[done - 1] = 6;
          REQUIRE(surefoot::try_find(p, 6, n).value_or(nullptr) == p + done - 1);
          REQUIRE(surefoot::try_compare(p, sevens.data(), n).value_or(0) < 0);
          REQUIRE(surefoot::try_compare(sevens.data(), p, n).value_or(0) > 0);
          p[done - 1] = 7;
        }
    });
  }
}

TEST_CASE("at each width of vectors no search touches a page behind that of its answer") {
  at_each_width([&](std::size_t width) {
    for (const std::size_t before : {1u, 7u, 16u, 31u, 32u, 100u, 127u, 128u, 200u, 500u}) {
      const memory::pages land{kind::good, kind::untouched};
      std::uint8_t* const p = land.page(1) - before;
      std::memset(p, 7, before);
      p[before - 1] = 0;
      const std::vector<std::uint8_t> sevens(2 * page_size, 7);
      INFO("vectors of " << width << ": the answer " << before
                         << " bytes away, at the end of its page");
      CHECK(surefoot::try_find(p, 0, before + page_size).value_or(nullptr) == p + before - 1);
      CHECK(surefoot::try_length(reinterpret_cast<char*>(p), SIZE_MAX).value_or(0) == before - 1);
      CHECK(surefoot::try_compare(p, sevens.data(), before + page_size).value_or(0) < 0);
      CHECK_FALSE(memory::resident(land.page(1)));
    }
  });
}

// A page that another thread makes read-only and writeable again, for as long as this lives.
class flickering {
 public:
  explicit flickering(void* page)
      : thread_([this, page] {
          while (!over_) {
            memory::require(::mprotect(page, page_size, PROT_READ) == 0, "mprotect");
            memory::require(::mprotect(page, page_size, PROT_READ | PROT_WRITE) == 0, "mprotect");
            for (int i = 0; i < 2000; ++i) asm volatile("pause");
          }
        }) {}
  ~flickering() {
    over_ = true;
    thread_.join();
  }
  flickering(const flickering&) = delete;
  flickering& operator=(const flickering&) = delete;

 private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

TEST_CASE(
    "at each width of vectors exactly the prefix is stored, also where the page goes meanwhile") {
  const memory::pages land{kind::good, kind::good};
  const std::size_t enough = build::is_slow ? 50 : 500;
  at_each_width([&](std::size_t width) {
    // Both rows of a step reach from the page before into the one that goes; and a close source, for which
    // vectors are narrow.
    for (const std::size_t distance : {std::size_t{71}, std::size_t{7}}) {
      const std::size_t n = 2 * width + 2;
      std::uint8_t* const dst = land.page(1) - width + 4;
      std::vector<std::uint8_t> first(n + distance);
      for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::uint8_t>(i + 1);
      INFO("vectors of " << width << ", down by " << distance);
      const flickering page(land.page(1));
      for (std::size_t faults = 0, tries = 0; faults < enough && tries < 4'000'000; ++tries) {
        while (!surefoot::try_copy(dst, first.data(), first.size()).all()) {
        }
        // Down onto its own source: what was stored twice is wrong.
        const progress met = surefoot::try_copy(dst, dst + distance, n);
        if (met.all()) continue;
        ++faults;
        REQUIRE(std::memcmp(dst, first.data() + distance, met.done) == 0);
        REQUIRE(std::memcmp(dst + met.done, first.data() + met.done, first.size() - met.done) == 0);
      }
    }
  });
}

TEST_CASE(
    "a copy, a fill and a search of nothing touch nothing, also where an engine is asked for it") {
  const memory::pages land{kind::untouched, kind::good};
  const table e{};
  CHECK(e.copy(land.page(0), land.page(1), 0) == memory::finished(0));
  CHECK(e.fill(land.page(0), 1, 0) == memory::finished(0));
  at_each_width([&](std::size_t width) {
    INFO("vectors of " << width);
    fault why;
    CHECK((e.find(land.page(0), 1, 0, why) == 0 && why == fault{}));
    CHECK(e.compare(land.page(0), land.page(0), 0).value_or(1) == 0);
  });
  CHECK_FALSE(memory::resident(land.page(0)));
}

// A machine whose first row is stored, and whose second meets a fault at its first byte: as where another thread takes
// the memory away between the two.
struct second_row_gone {
  template <std::size_t Width>
  struct steps {
    static bool row(volatile void* dst, std::uint64_t, arch::trap& t) noexcept {
      if (rows++ == 0) return false;
      t = {SIGSEGV | surefoot::signals::trap_writes, surefoot::detail::address(dst)};
      return true;
    }
    static bool four_at_ends(volatile void*, std::uint64_t, std::size_t, arch::trap&) noexcept {
      return false;
    }
  };
  template <std::size_t Width>
  static void leave() noexcept {}
  static inline int rows = 0;
};

TEST_CASE("what the first row has stored is done, also where a later row finds it gone") {
  namespace detail = surefoot::engine::detail;
  alignas(64) static unsigned char there[1024];
  for (const std::size_t from : {0u, 1u, 63u}) {
    second_row_gone::rows = 0;
    detail::stop met;
    CHECK((detail::in_rows<64, detail::filling<second_row_gone>>(there + from, 0, 900, met)));
    CHECK(met.now.at == 256);
    CHECK(met.trap.address == surefoot::detail::address(there + 256));
  }
}

// Another thread took away a byte that had been copied, before it was copied once more.
TEST_CASE("a fault at what a copy had done already is no answer: the rest is copied") {
  namespace detail = surefoot::engine::detail;
  (void)surefoot::install();
  const memory::pages land{kind::good, kind::hole};
  unsigned char to[700];
  for (const std::size_t good : {700u, 500u, 256u}) {
    const std::uint8_t* const from = land.page(1) - good;
    for (const access_kind during : {access_kind::read, access_kind::write}) {
      std::memset(to, 0, sizeof to);
      const void* const side = during == access_kind::read ? static_cast<const void*>(from) : to;
      const arch::trap gone{SIGSEGV | std::uint64_t{SEGV_MAPERR} << 32,
                            surefoot::detail::address(side) + 250};
      const progress met = detail::settle_copy(
          to, from, 700, {256, detail::whole_step, during}, gone,
          [&](std::size_t begin, std::size_t end, detail::place& at, arch::trap& t) noexcept {
            return detail::walk_bytes<true>(to, from, begin, end, at, t);
          });
      INFO(good << " good bytes");
      CHECK(met == (good == 700
                        ? memory::finished(700)
                        : memory::stopped(good, 700, kind::hole, access_kind::read, land.page(1))));
      CHECK(std::memcmp(to + 256, from + 256, good - 256) == 0);
      CHECK(std::all_of(to + good, to + 700, [](unsigned char b) { return b == 0; }));
    }
  }
}

TEST_CASE(
    "poison that reaches to what is to be done ends a copy, and nothing of it is asked again") {
  namespace detail = surefoot::engine::detail;
  alignas(4096) static unsigned char from[2 * page_size], to[2 * page_size];
  // The report names the page; 300 bytes are done.
  siginfo_t info{};
  info.si_code = BUS_MCEERR_AR;
  info.si_addr = from;
  info.si_addr_lsb = 12;
  const arch::trap poison{surefoot::signals::pack(SIGBUS, info), surefoot::detail::address(from)};
  bool asked = false;
  const auto bytes = [&](std::size_t, std::size_t, detail::place&, arch::trap&) noexcept {
    asked = true;
    return false;
  };
  const progress met =
      detail::settle_copy(to, from, 5000, {300, 1, access_kind::read}, poison, bytes);
  CHECK(met.done == 300);
  CHECK(met.stopped_by.kind == surefoot::cause::poisoned);
  CHECK(met.stopped_by.address == from + 300);
  CHECK_FALSE(asked);
  // And where it ends before that, the rest is copied.
  CHECK(
      detail::settle_copy(to, from, 5000, {page_size, 1, access_kind::read}, poison, bytes).all());
  CHECK(asked);
}

TEST_CASE("at each width of vectors a long scan stops at the first bad byte") {
  using kind::good;
  for (const kind bad : {kind::no_access, kind::hole, kind::past_end_of_file}) {
    const memory::pages land{good, good, good, bad, bad, good};
    std::uint8_t* const edge = land.page(3);
    at_each_width([&](std::size_t width) {
      for (const std::size_t n : {4095u, 4096u, 4097u, 4351u, 4352u, 4353u, 8192u})
        for (const std::size_t done : prefixes(n)) {
          INFO("vectors of " << width << ": " << done << " good bytes of " << n);
          const fault reading = memory::fault_of(bad, access_kind::read, edge);
          const fault writing = memory::fault_of(bad, access_kind::write, edge);
          REQUIRE(surefoot::ensure_readable(edge - done, n).stopped_by ==
                  (done < n ? reading : fault{}));
          REQUIRE(surefoot::ensure_writeable(edge - done, n).stopped_by ==
                  (done < n ? writing : fault{}));
        }
    });
  }
}

TEST_CASE("the end of a row may be where the other side begins") {
  // As constants, so that a compiler may keep the two in one register.
  alignas(4096) static char sides[4 * page_size];
  const volatile void* p = sides;
  std::uint64_t bits = 1;
  arch::trap t;
  CHECK_FALSE(arch::search_steps<16>::rows(p, sides + page_size, ~std::uint64_t{63},
                                           sides + page_size, bits, t));
  CHECK(bits == 0);
}

TEST_CASE("the width of vectors is asked once, and by the first copy that wants to know") {
  const chosen others(16);
  const memory::pages land{kind::good, kind::good};
  arch::vectors::choose(0);
  arch::vectors::fast_strings = false;
  CHECK(surefoot::try_copy(land.page(0), land.page(1), 64) == memory::finished(64));
  CHECK(arch::vectors::width == 0);
  CHECK(surefoot::try_copy(land.page(0), land.page(1), 65) == memory::finished(65));
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2"), vbmi2 = __builtin_cpu_supports("avx512vbmi2");
  CHECK(arch::vectors::width == (vbmi2 ? 64 : avx2 ? 32 : 16));
}

}  // namespace
