// heal(): fresh zero pages of the same protection in place of damaged ones, all else untouched.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "memory.hpp"
#include "process.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::heal;
using surefoot::healed;

bool all_zero(const std::uint8_t* p, std::size_t n) {
  return std::all_of(p, p + n, [](std::uint8_t b) { return b == 0; });
}

TEST_CASE("a page past the end of its file is zeros after heal, and can be written") {
  const memory::pages land{kind::good, kind::past_end_of_file, kind::good};
  REQUIRE(surefoot::try_load(land.page(1)).stopped_by.kind == cause::no_backing);
  const auto met = heal(land.page(1) + 100, 1);
  REQUIRE(met.ok());
  CHECK(met.value() == healed{land.page(1), page_size, true, true});
  CHECK(all_zero(land.page(1), page_size));
  land.page(1)[5] = 7;
  CHECK(land.intact());
}

TEST_CASE("heal keeps the protection of each mapping that it replaces a part of") {
  const memory::pages land{kind::good, kind::read_only, kind::no_access, kind::good};
  REQUIRE(heal(land.page(0) + page_size - 1, 2 * page_size).ok());
  CHECK(all_zero(land.page(0), page_size));
  CHECK(bool(surefoot::ensure_writeable(land.page(0), page_size)));
  CHECK(all_zero(land.page(1), page_size));
  CHECK(surefoot::ensure_writeable(land.page(1), 1).stopped_by.kind == cause::denied);
  CHECK(surefoot::try_load(land.page(2)).stopped_by.kind == cause::denied);
  CHECK(land.intact(land.page(0), 2 * page_size));
}

// The permissions of the mapping at each page, as PROT_*.
std::vector<int> protections(const memory::pages& land) {
  std::vector<int> all(land.size() / page_size, -1);
  const auto first = reinterpret_cast<std::uintptr_t>(land.data());
  memory::require(surefoot::os::each_mapping([&](const surefoot::os::mapping& m) {
                    for (std::size_t i = 0; i < all.size(); ++i)
                      if (const std::uintptr_t page = first + i * page_size;
                          m.first <= page && page < m.end)
                        all[i] = m.protection;
                    return true;
                  }),
                  "/proc/self/maps");
  return all;
}

TEST_CASE("heal spans mappings of any kind, and says whether one was of a file or shared") {
  const memory::pages land{kind::good,      kind::untouched, kind::past_end_of_file,
                           kind::read_only, kind::no_access, kind::good};
  const std::vector<int> before = protections(land);
  CHECK(before == std::vector<int>{3, 3, 3, PROT_READ, PROT_NONE, 3});
  CHECK(heal(land.page(0) + 4095, 4 * page_size).value_or({}) ==
        healed{land.page(0), 5 * page_size, true, true});
  CHECK(protections(land) == before);
  CHECK(all_zero(land.page(0), 4 * page_size));
  CHECK(land.intact(land.page(0), 5 * page_size));
}

TEST_CASE("heal puts a page in the place of a guard page") {
  if (!memory::machine_has(kind::guard_page))
    return memory::say_skipped("MADV_GUARD_INSTALL (Linux 6.13)");
  const memory::pages land{kind::good, kind::guard_page, kind::good};
  CHECK(heal(land.page(1), page_size).value_or({}) ==
        healed{land.page(1), page_size, false, false});
  CHECK(all_zero(land.page(1), page_size));
  CHECK(bool(surefoot::ensure_writeable(land.data(), land.size())));
  CHECK(land.intact());
}

TEST_CASE("a page is healed as often as one likes, and is zeros each time") {
  const memory::pages land{kind::good, kind::past_end_of_file, kind::good};
  bool of_file = true;  // at first
  for (int time = 0; time < 3; ++time) {
    CHECK(heal(land.page(1), page_size).value_or({}) ==
          healed{land.page(1), page_size, of_file, of_file});
    CHECK(all_zero(land.page(1), page_size));
    memory::fill(land.page(1), page_size);
    of_file = false;
  }
  CHECK(land.intact());
}

TEST_CASE("heal of a page of a shared file leaves the file alone, and its other pages shared") {
  const memory::file backing(3 * page_size);
  void* const map =
      ::mmap(nullptr, 3 * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, backing.descriptor(), 0);
  REQUIRE(map != MAP_FAILED);
  auto* const p = static_cast<std::uint8_t*>(map);
  memory::fill(p, 3 * page_size);
  const std::vector<std::uint8_t> before(p, p + 3 * page_size);
  const auto in_file = [&] {
    std::vector<std::uint8_t> all(3 * page_size);
    memory::require(::pread(backing.descriptor(), all.data(), all.size(), 0) ==
                        static_cast<ssize_t>(all.size()),
                    "pread");
    return all;
  };

  CHECK(heal(p + page_size + 17, 1).value_or({}) == healed{p + page_size, page_size, true, true});
  CHECK(in_file() == before);
  CHECK(all_zero(p + page_size, page_size));
  CHECK(std::equal(p, p + page_size, before.begin()));
  CHECK(std::equal(p + 2 * page_size, p + 3 * page_size, before.begin() + 2 * page_size));

  // What is written from now on reaches the file from the other pages, and not from this one.
  std::vector<std::uint8_t> after = before;
  for (std::size_t page = 0; page < 3; ++page) p[page * page_size] ^= 0xff;
  after[0] ^= 0xff;
  after[2 * page_size] ^= 0xff;
  CHECK(in_file() == after);
  ::munmap(map, 3 * page_size);
}

TEST_CASE("heal of a range that is not all mapped changes nothing and says where") {
  for (std::size_t hole = 0; hole < 4; ++hole) {
    std::vector<kind> row{kind::good, kind::read_only, kind::good, kind::good};
    row[hole] = kind::hole;
    const memory::pages land(row);
    const std::vector<int> before = protections(land);
    const auto met = heal(land.data() + 10, land.size() - 10);
    REQUIRE_FALSE(met.ok());
    std::uint8_t* const where = hole == 0 ? land.data() + 10 : land.page(hole);
    CHECK(met.stopped_by == fault{where, cause::unmapped, access_kind::write});
    CHECK(heal(land.page(hole) + 3, 1).stopped_by ==
          fault{land.page(hole) + 3, cause::unmapped, access_kind::write});
    CHECK(protections(land) == before);
    CHECK(land.intact());
  }
}

TEST_CASE("a handler that heals the page it was called for lets the program go on") {
  const memory::pages land{kind::good, kind::past_end_of_file, kind::good};
  const process::shared<bool> zero;
  const process::ending end = process::run([&] {
    process::owner<>::then = [](int, siginfo_t* info, void*) {
      if (!heal(info->si_addr, 1).ok()) ::_exit(1);
    };
    process::owner<>::take(SIGBUS);
    process::stray_load(land.page(1) + 5);
    process::stray_store(land.page(1) + 6);
    *zero = all_zero(land.page(1), 6) && land.page(1)[6] == 6 && land.intact();
  });
  CHECK(end.status == 0);
  CHECK(process::ledger[0].calls == 1);
  CHECK(*zero);
}

TEST_CASE("heal keeps no descriptor, and where it can have none it changes nothing") {
  const memory::pages land{kind::good, kind::good};
  const std::size_t before = process::open_descriptors();
  CHECK(heal(land.page(0), 1).ok());
  CHECK_FALSE(heal(nullptr, 1).ok());
  CHECK(process::open_descriptors() == before);

  const process::shared<fault> met;
  const process::ending end = process::run([&] {
    process::allow_no_more_descriptors();
    *met = heal(land.page(1) + 7, 1).stopped_by;
    ::_exit(land.intact(land.page(0), page_size) ? 0 : 1);
  });
  CHECK(end.status == 0);
  CHECK(*met == fault{land.page(1) + 7, cause::unknown, access_kind::write});
}

TEST_CASE("heal of a private anonymous page says that no file and no sharing was involved") {
  const memory::pages land{kind::good};
  CHECK(heal(land.data(), 1).value() == healed{land.data(), page_size, false, false});
}

TEST_CASE("heal of a fault replaces what was lost with its byte, and nothing behind it") {
  const memory::pages land{kind::good, kind::past_end_of_file, kind::good};
  fault met = surefoot::try_load(land.page(1) + 100).stopped_by;
  REQUIRE(met.kind == cause::no_backing);
  CHECK(heal(met).value_or({}) == healed{land.page(1), page_size, true, true});
  CHECK(all_zero(land.page(1), page_size));
  CHECK(land.intact());

  // Of poison that takes more than a page, all of it; a size that is none counts as a page.
  met.kind = cause::poisoned;
  for (const std::size_t extent : {page_size * 3, page_size / 2, std::size_t{0}}) {
    met.extent = extent;
    CHECK(heal(met).value_or({}) == healed{land.page(1), page_size, false, false});
  }
  CHECK(land.intact());
  const std::uintptr_t two =
      (surefoot::detail::address(land.page(0)) + page_size) & ~(2 * page_size - 1);
  met.address = memory::at(two + page_size + 5);
  met.extent = 2 * page_size;
  CHECK(heal(met).value_or({}) == healed{memory::at(two), 2 * page_size, false, false});
  CHECK(land.intact(memory::at(two), 2 * page_size));
}

TEST_CASE("heal of a fault of good memory changes nothing, and gives it back") {
  const memory::pages land{kind::good, kind::read_only, kind::good};
  const fault denied = surefoot::ensure_writeable(land.page(1), 1).stopped_by;
  REQUIRE(denied.kind == cause::denied);
  CHECK(heal(denied).stopped_by == denied);
  for (const cause c : {cause::key_denied, cause::tag_mismatch, cause::misaligned,
                        cause::bad_address, cause::stalled, cause::overrun, cause::stopped})
    CHECK(heal(fault{land.page(0), c}).stopped_by == fault{land.page(0), c});
  CHECK(heal(fault{}).value_or({nullptr, 1}) == healed{});
  if (machine::is_user_mode_emulation())
    memory::say_skipped("MADV_POPULATE_READ, for a fault that nobody could explain");
  else
    CHECK(heal(fault{nullptr, cause::unknown}).stopped_by.kind == cause::unmapped);
  // What an engine says that could not make its accesses.
  const fault unknown{land.page(2), cause::unknown};
  CHECK(heal(unknown).stopped_by == unknown);
  CHECK(land.intact());
}

// Three huge pages of a file, of 2 MiB each; null, with a word, where this machine has none.
std::uint8_t* map_huge_pages() {
  void* const p = ::mmap(nullptr, 6u << 20, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (p != MAP_FAILED) return static_cast<std::uint8_t*>(p);
  memory::say_skipped("three free huge pages (/proc/sys/vm/nr_hugepages)");
  return nullptr;
}

TEST_CASE("heal replaces whole pages, of the size that the mapping has") {
  constexpr std::size_t huge = std::size_t{2} << 20;
  std::uint8_t* const p = map_huge_pages();
  if (p == nullptr) return;
  memory::fill(p, 3 * huge);
  CHECK(heal(p + huge + 5 * page_size + 1, 1).value_or({}) == healed{p + huge, huge, true, false});
  CHECK(all_zero(p + huge, huge));
  memory::fill(p + huge, huge);
  CHECK(heal(p + huge - 1, 2).value_or({}) == healed{p, huge + page_size, true, false});
  CHECK(all_zero(p, huge + page_size));
  bool intact = true;
  for (std::size_t i = huge + page_size; i < 3 * huge; ++i)
    intact = intact && p[i] == memory::pattern(p + i);
  CHECK(intact);
  ::munmap(p, 3 * huge);
}

TEST_CASE("heal of nothing and of a range that wraps changes nothing") {
  const memory::pages land{kind::good};
  CHECK(heal(nullptr, 0).value_or({nullptr, 1}) == healed{});
  CHECK(heal(land.data(), SIZE_MAX).stopped_by.kind == cause::bad_address);
  CHECK(heal(memory::at(memory::kernel_half[0]), 1).stopped_by.kind == cause::unmapped);
  CHECK(land.intact());
}

}  // namespace
