// fault_in_readable, fault_in_writeable: can I make some progress here?
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "by_kind.hpp"
#include "concurrent_writer.hpp"
#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::fault_in;
using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::progress;

constexpr std::size_t offsets_in_a_page[] = {0, 1, 15, 16, 63, 64, 2048, 4081, 4095};

TEMPLATE_TEST_CASE("faulting in good memory does all of it and changes no byte", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::good, kind::good};
  for (const access_kind wanted : memory::both_kinds)
    for (const std::size_t from : offsets_in_a_page)
      for (std::size_t n = 0; from + n <= land.size(); n += n < 70 ? 1 : 509)
        REQUIRE(fault_in(wanted, land.data() + from, n, TestType{}) == memory::finished(n));
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("faulting in names the first byte in the range of the page that failed", "",
                   SUREFOOT_ALL_ENGINES) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted))
      for (std::size_t good = 0; good <= 3; ++good) {
        std::vector<kind> row(good, kind::good);
        row.insert(row.end(), {bad, kind::good});
        const memory::pages land(row);
        for (const std::size_t from : offsets_in_a_page) {
          // From within the first page, whatever it is, to the end of the last.
          const std::size_t n = land.size() - from;
          const std::size_t done = good == 0 ? 0 : good * page_size - from;
          INFO(memory::name(bad) << ", " << good << " good pages before, from byte " << from);
          CHECK(fault_in(wanted, land.data() + from, n, TestType{}) ==
                memory::stopped<TestType>(done, n, bad, wanted, land.data() + from + done));
        }
        CHECK(land.intact());
      }
}

TEMPLATE_TEST_CASE(
    "faulting in meets a bad page also by its first byte alone, and not by the byte before", "",
    SUREFOOT_ALL_ENGINES) {
  for (const access_kind wanted : memory::both_kinds)
    for (const kind bad : memory::kinds_that_refuse(wanted)) {
      const memory::pages land{kind::good, bad, kind::good};
      for (const std::size_t from : offsets_in_a_page) {
        const std::size_t to_the_bad = page_size - from;
        CHECK(fault_in(wanted, land.data() + from, to_the_bad, TestType{}) ==
              memory::finished(to_the_bad));
        CHECK(fault_in(wanted, land.data() + from, to_the_bad + 1, TestType{}) ==
              memory::stopped<TestType>(to_the_bad, to_the_bad + 1, bad, wanted, land.page(1)));
      }
      CHECK(fault_in(wanted, land.page(2) - 1, 2, TestType{}) ==
            memory::stopped<TestType>(0, 2, bad, wanted, land.page(2) - 1));
      CHECK(fault_in(wanted, land.page(2), page_size, TestType{}) == memory::finished(page_size));
    }
}

// In each page another byte is asked, as far as an engine likes.
TEMPLATE_TEST_CASE("faulting in many pages asks each of them, and none by a byte of its neighbour",
                   "", SUREFOOT_ALL_ENGINES) {
  const memory::pages land(std::vector<kind>(130, kind::good));
  for (const access_kind wanted : memory::both_kinds)
    for (const std::size_t from : {std::size_t{0}, std::size_t{5}})
      for (std::size_t i = 1; i < 130; ++i) {
        REQUIRE(::mprotect(land.page(i), page_size, PROT_NONE) == 0);
        const std::size_t done = i * page_size - from, n = land.size() - from;
        INFO("page " << i << ", from byte " << from);
        CHECK(fault_in(wanted, land.data() + from, n, TestType{}) ==
              memory::stopped<TestType>(done, n, kind::no_access, wanted, land.page(i)));
        CHECK(fault_in(wanted, land.data() + from, done, TestType{}) == memory::finished(done));
        REQUIRE(::mprotect(land.page(i), page_size, PROT_READ | PROT_WRITE) == 0);
      }
  CHECK(land.intact());
}

TEMPLATE_TEST_CASE("faulting in nothing is done, whatever the pointer", "", SUREFOOT_ALL_ENGINES) {
  std::vector<void*> pointers{nullptr, memory::at(1), memory::at(~std::uintptr_t{0})};
  for (const std::uintptr_t a : memory::non_canonical) pointers.push_back(memory::at(a));
  for (const std::uintptr_t a : memory::kernel_half) pointers.push_back(memory::at(a));
  for (const access_kind wanted : memory::both_kinds)
    for (void* const p : pointers) CHECK(fault_in(wanted, p, 0, TestType{}) == memory::finished(0));
}

TEMPLATE_TEST_CASE("faulting in a range that wraps answers bad_address and touches nothing", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::untouched};
  const auto to_the_top = std::size_t{0} - reinterpret_cast<std::uintptr_t>(land.data());
  for (const access_kind wanted : memory::both_kinds)
    for (const std::size_t n : {to_the_top + 1, SIZE_MAX}) {
      CHECK(fault_in(wanted, land.data(), n, TestType{}) ==
            progress{0, n, {land.data(), cause::bad_address, wanted}});
      CHECK_FALSE(memory::resident(land.data()));
    }
}

TEMPLATE_TEST_CASE("a range that ends with the address space does not wrap", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::hole};
  const auto to_the_top = std::size_t{0} - reinterpret_cast<std::uintptr_t>(land.data());
  for (const access_kind wanted : memory::both_kinds) {
    CHECK(fault_in(wanted, land.data(), to_the_top, TestType{}) ==
          memory::stopped<TestType>(page_size, to_the_top, kind::hole, wanted, land.page(1)));
    for (const std::size_t n : {std::size_t{1}, std::size_t{8}, std::size_t{5000}}) {
      void* const last = memory::at(std::uintptr_t{0} - n);
      const progress met = fault_in(wanted, last, n, TestType{});
      CHECK(met.done == 0);
      CHECK(met.left == n);
      CHECK(memory::is_kernel_half<TestType>(met.stopped_by, last, wanted));
    }
  }
}

TEMPLATE_TEST_CASE("faulting in an address that is nobody's answers bad_address with that address",
                   "", SUREFOOT_ALL_ENGINES) {
  for (const access_kind wanted : memory::both_kinds) {
    for (const std::uintptr_t a : memory::non_canonical) {
      const progress met = fault_in(wanted, memory::at(a), 100, TestType{});
      INFO(Catch::StringMaker<progress>::convert(met));
      CHECK(met.done == 0);
      CHECK(memory::is_non_canonical<TestType>(met.stopped_by, memory::at(a), wanted));
    }
    for (const std::uintptr_t a : memory::kernel_half) {
      const progress met = fault_in(wanted, memory::at(a), 100, TestType{});
      INFO(Catch::StringMaker<progress>::convert(met));
      CHECK(met.done == 0);
      CHECK(memory::is_kernel_half<TestType>(met.stopped_by, memory::at(a), wanted));
    }
    CHECK(fault_in(wanted, nullptr, 100, TestType{}) ==
          memory::stopped<TestType>(0, 100, kind::hole, wanted, nullptr));
  }
}

TEMPLATE_TEST_CASE("faulting in populates the pages of the range and no other", "",
                   SUREFOOT_ALL_ENGINES) {
  for (const access_kind wanted : memory::both_kinds) {
    const memory::pages land{kind::untouched, kind::untouched, kind::untouched, kind::untouched};
    CHECK(fault_in(wanted, land.page(1) + 4095, 2, TestType{}) == memory::finished(2));
    CHECK_FALSE(memory::resident(land.page(0)));
    CHECK(memory::resident(land.page(1)));
    CHECK(memory::resident(land.page(2)));
    CHECK_FALSE(memory::resident(land.page(3)));
  }
}

TEMPLATE_TEST_CASE("faulting in goes no further than the first fault", "", SUREFOOT_ALL_ENGINES) {
  for (const access_kind wanted : memory::both_kinds) {
    const memory::pages land{kind::untouched, kind::hole, kind::untouched};
    CHECK(fault_in(wanted, land.data(), land.size(), TestType{}) ==
          memory::stopped<TestType>(page_size, land.size(), kind::hole, wanted, land.page(1)));
    CHECK(memory::resident(land.page(0)));
    CHECK_FALSE(memory::resident(land.page(2)));
  }
}

TEMPLATE_TEST_CASE("faulting in for writing loses no update of another thread", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good};
  const bool kept = memory::keeps_every_update(land.data(), 1'000'000, [&] {
    (void)surefoot::fault_in_writeable(land.data(), 1, TestType{});
  });
  CHECK(kept);
}

TEMPLATE_TEST_CASE("faulting in for writing keeps a change that is made in the middle of its probe",
                   "", SUREFOOT_ALL_ENGINES) {
  if (!memory::write_trap::offered(memory::without_signals<TestType>)) return;
  const memory::pages land{kind::good};
  memory::write_trap trap(land.data());
  CHECK(trap.keeps_the_update(land.data() + 5, [&] {
    (void)surefoot::fault_in_writeable(land.data() + 5, 100, TestType{});
  }));
}

TEMPLATE_TEST_CASE("faulting in for writing takes a private copy, and leaves the file alone", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::file backing(page_size);
  const auto write_file = [&](char c) { return ::pwrite(backing.descriptor(), &c, 1, 0) == 1; };
  REQUIRE(write_file('a'));
  void* const map =
      ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, backing.descriptor(), 0);
  REQUIRE(map != MAP_FAILED);
  const volatile char* const seen = static_cast<const volatile char*>(map);

  CHECK(surefoot::fault_in_readable(map, page_size, TestType{}) == memory::finished(page_size));
  REQUIRE(write_file('b'));
  CHECK(*seen == 'b');  // still shared

  CHECK(surefoot::fault_in_writeable(map, page_size, TestType{}) == memory::finished(page_size));
  REQUIRE(write_file('c'));
  CHECK(*seen == 'b');
  char in_file = 0;
  REQUIRE(::pread(backing.descriptor(), &in_file, 1, 0) == 1);
  CHECK(in_file == 'c');
  ::munmap(map, page_size);
}

TEST_CASE("faulting in without an engine uses the standard one") {
  const memory::pages land{kind::good, kind::no_access};
  CHECK(surefoot::fault_in_readable(land.data(), land.size()) ==
        memory::stopped(page_size, land.size(), kind::no_access, access_kind::read, land.page(1)));
  CHECK(surefoot::fault_in_writeable(land.data(), land.size()) ==
        memory::stopped(page_size, land.size(), kind::no_access, access_kind::write, land.page(1)));
}

}  // namespace
