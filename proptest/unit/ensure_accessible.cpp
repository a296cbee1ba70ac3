// ensure_accessible: can I load / store every byte of this range?
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "by_kind.hpp"
#include "concurrent_writer.hpp"
#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::ensure;
using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::granularity;
using surefoot::verdict;

// An engine and a granularity, in the name of a test.
template <class Engine, granularity G>
struct with {
  using engine = Engine;
  static verdict ask(access_kind wanted, volatile void* p, std::size_t n) {
    return ensure<G>(wanted, p, n, Engine{});
  }
};
using jump_hardware = with<surefoot::engine::jump, granularity::hardware>;
using jump_byte = with<surefoot::engine::jump, granularity::byte>;
using kernel_hardware = with<surefoot::engine::kernel, granularity::hardware>;
using kernel_byte = with<surefoot::engine::kernel, granularity::byte>;
#define FORMS_EVERYWHERE jump_hardware, jump_byte, kernel_hardware, kernel_byte
#if SUREFOOT_HAS_TABLE
using table_hardware = with<surefoot::engine::table, granularity::hardware>;
using table_byte = with<surefoot::engine::table, granularity::byte>;
#define EVERY_FORM table_hardware, table_byte, FORMS_EVERYWHERE
#else
#define EVERY_FORM FORMS_EVERYWHERE
#endif

template <class Form>
verdict refused(kind k, access_kind during, const volatile void* at) {
  return {memory::fault_of<typename Form::engine>(k, during, at)};
}

constexpr verdict fine{};
constexpr std::size_t offsets_in_a_page[] = {0, 1, 63, 100, 4095};
constexpr std::size_t lengths[] = {1, 2, 4, 8, 16, 40, 64, 200};

TEMPLATE_TEST_CASE("each length at each distance before a fault names the first bad byte", "",
                   EVERY_FORM) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted)) {
      const memory::pages land{kind::good, bad};
      const verdict expected = refused<TestType>(bad, wanted, land.page(1));
      for (std::size_t before = 0; before <= 64; before += memory::stride)
        for (std::size_t n = 0; n <= 200; n += memory::stride) {
          const verdict met = TestType::ask(wanted, land.page(1) - before, n);
          if (met == (n > before ? expected : fine)) continue;
          FAIL_CHECK(memory::name(bad) << ": " << n << " bytes, " << before
                                       << " before it: " << Catch::Detail::stringify(met));
        }
      CHECK(land.intact());
    }
}

TEMPLATE_TEST_CASE("a range flush against bad pages on either side is accessible", "", EVERY_FORM) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted)) {
      const memory::pages land{bad, kind::good, bad};
      const auto is_fine = [&](std::uint8_t* p, std::size_t n) {
        return TestType::ask(wanted, p, n) == fine;
      };
      for (std::size_t n = 1; n <= 200; ++n) {
        REQUIRE(is_fine(land.page(1), n));
        REQUIRE(is_fine(land.page(2) - n, n));
      }
      // A system call for each byte of a page takes its time.
      constexpr std::size_t step = memory::without_signals<typename TestType::engine> ? 13 : 1;
      for (std::size_t skew = 0; skew < 64; skew += step) {
        REQUIRE(is_fine(land.page(1) + skew, page_size - skew));
        REQUIRE(is_fine(land.page(1), page_size - skew));
        REQUIRE(is_fine(land.page(1) + skew, page_size - 2 * skew));
      }
      CHECK(land.intact());
    }
}

TEMPLATE_TEST_CASE("a range that begins in a bad page is bad from its own first byte", "",
                   EVERY_FORM) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted)) {
      const memory::pages land{bad, kind::good};
      for (std::size_t before = 1; before <= 80; ++before) {
        std::uint8_t* const p = land.page(1) - before;
        REQUIRE(TestType::ask(wanted, p, before + 20) == refused<TestType>(bad, wanted, p));
      }
    }
}

TEMPLATE_TEST_CASE("where two bad pages meet, the first of them answers", "", EVERY_FORM) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind first : memory::kinds_that_refuse(wanted))
      for (const kind second : memory::kinds_that_refuse(wanted)) {
        if (first == second) continue;
        const memory::pages land{first, second};
        for (std::size_t before = 1; before <= 70; before += 3) {
          std::uint8_t* const p = land.page(1) - before;
          INFO(memory::name(first) << " then " << memory::name(second) << ", " << before);
          CHECK(TestType::ask(wanted, p, 100) == refused<TestType>(first, wanted, p));
        }
      }
}

TEMPLATE_TEST_CASE("a page that is bad in the middle of many is found", "", EVERY_FORM) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted)) {
      const memory::pages land{kind::good, kind::good, bad, kind::good};
      for (const std::size_t from : offsets_in_a_page) {
        CHECK(TestType::ask(wanted, land.data() + from, land.size() - from) ==
              refused<TestType>(bad, wanted, land.page(2)));
        CHECK(TestType::ask(wanted, land.data() + from, 2 * page_size - from) == fine);
      }
      CHECK(land.intact());
    }
}

TEMPLATE_TEST_CASE("nothing is accessible anywhere, and a range that wraps nowhere", "",
                   EVERY_FORM) {
  const memory::pages land{kind::untouched};
  for (const access_kind wanted : memory::both_kinds) {
    CHECK(TestType::ask(wanted, nullptr, 0) == fine);
    CHECK(TestType::ask(wanted, memory::at(memory::non_canonical[0]), 0) == fine);
    CHECK(TestType::ask(wanted, memory::at(memory::kernel_half[0]), 0) == fine);
    CHECK(TestType::ask(wanted, land.data(), SIZE_MAX) ==
          verdict{{land.data(), cause::bad_address, wanted}});
    CHECK_FALSE(memory::resident(land.data()));
  }
}

TEMPLATE_TEST_CASE("an address that is nobody's is not accessible, at that address", "",
                   EVERY_FORM) {
  for (const access_kind wanted : memory::both_kinds)
    for (const std::size_t n : lengths) {
      for (const std::uintptr_t a : memory::non_canonical) {
        // One of them is the last byte before the kernel's half.
        if (a + n > 0xffff'8000'0000'0000) continue;
        const verdict met = TestType::ask(wanted, memory::at(a), n);
        INFO(n << " bytes at " << memory::at(a) << ": " << Catch::Detail::stringify(met));
        CHECK(memory::is_non_canonical<typename TestType::engine>(met.stopped_by, memory::at(a),
                                                                  wanted));
      }
      for (const std::uintptr_t a : memory::kernel_half) {
        const verdict met = TestType::ask(wanted, memory::at(a), n);
        INFO(n << " bytes at " << memory::at(a) << ": " << Catch::Detail::stringify(met));
        CHECK(memory::is_kernel_half<typename TestType::engine>(met.stopped_by, memory::at(a),
                                                                wanted));
      }
      CHECK(TestType::ask(wanted, nullptr, n) == refused<TestType>(kind::hole, wanted, nullptr));
    }
}

TEMPLATE_TEST_CASE(
    "a read-only page is readable, and refused for writing at its first byte in the range", "",
    EVERY_FORM) {
  const memory::pages land{kind::read_only, kind::good};
  for (const std::size_t from : offsets_in_a_page) {
    std::uint8_t* const p = land.data() + from;
    CHECK(TestType::ask(access_kind::read, p, land.size() - from) == fine);
    CHECK(TestType::ask(access_kind::write, p, land.size() - from) ==
          refused<TestType>(kind::read_only, access_kind::write, p));
  }
}

TEMPLATE_TEST_CASE("asking whether memory can be written loses no update of another thread", "",
                   EVERY_FORM) {
  const memory::pages land{kind::good};
  const bool kept = memory::keeps_every_update(land.data() + 1, 1'000'000, [&] {
    (void)TestType::ask(access_kind::write, land.data() + 1, 2);
  });
  CHECK(kept);
}

TEMPLATE_TEST_CASE(
    "asking whether memory can be written keeps a change made in the middle of its probe", "",
    EVERY_FORM) {
  if (!memory::write_trap::offered(memory::without_signals<typename TestType::engine>)) return;
  const memory::pages land{kind::good};
  memory::write_trap trap(land.data());
  CHECK(trap.keeps_the_update(
      land.data() + 5, [&] { (void)TestType::ask(access_kind::write, land.data() + 5, 100); }));
}

TEMPLATE_TEST_CASE("the short forms ask the same questions", "", SUREFOOT_ALL_ENGINES) {
  const TestType e;
  const memory::pages land{kind::good, kind::read_only, kind::hole};
  const auto read_hole = memory::fault_of<TestType>(kind::hole, access_kind::read, land.page(2));
  const auto write_page =
      memory::fault_of<TestType>(kind::read_only, access_kind::write, land.page(1));
  CHECK(surefoot::ensure_readable(land.data(), 2 * page_size, e) == fine);
  CHECK(surefoot::ensure_readable(land.data(), land.size(), e) == verdict{read_hole});
  CHECK(surefoot::ensure_writeable(land.data(), page_size, e) == fine);
  CHECK(surefoot::ensure_writeable(land.data(), land.size(), e) == verdict{write_page});
}

TEST_CASE("asking without an engine uses the standard one") {
  const memory::pages land{kind::good, kind::read_only, kind::hole};
  CHECK(surefoot::ensure_readable(land.data(), land.size()) ==
        verdict{memory::fault_of(kind::hole, access_kind::read, land.page(2))});
  CHECK(surefoot::ensure_writeable(land.data(), land.size()) ==
        verdict{memory::fault_of(kind::read_only, access_kind::write, land.page(1))});
}

}  // namespace
