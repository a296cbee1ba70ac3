// Every verb on every kind of memory.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "every_verb.hpp"
#include "poisoned.hpp"

TEMPLATE_TEST_CASE("every verb names the first poisoned byte, on every kind of memory", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  poisoned::on_each_kind([](const poisoned::kind& k, const poisoned::row& land) {
    every_verb::at_the_edges<TestType>({land.bad(), k.unit}, k.unit,
                                       [](const char* verb, bool fine) {
                                         INFO(verb);
                                         CHECK(fine);
                                       });
    CHECK(land.intact());
  });
}

TEMPLATE_TEST_CASE("a page of a file that the disk still has comes back whole", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  const int file = poisoned::disk_file();
  if (file < 0) return memory::say_skipped("a filesystem on a disk: ext2, ext4, xfs or btrfs");
  std::uint8_t content[3 * memory::page_size];
  memory::fill(content, sizeof content);
  memory::require(::write(file, content, sizeof content) == sizeof content && ::fsync(file) == 0,
                  "write");
  for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
    void* const map = ::mmap(nullptr, sizeof content, PROT_READ | PROT_WRITE, flags, file, 0);
    REQUIRE(map != MAP_FAILED);
    auto* const p = static_cast<std::uint8_t*>(map);
    REQUIRE(surefoot::fault_in_readable(p, sizeof content, TestType{}).all());
    // Measured on Linux 6.12, ext4: the page is dropped, no signal comes, and the next access reads it
    // again.
    const unsigned long before = poisoned::given_up();
    poisoned::break_page(p + memory::page_size);
    CHECK(poisoned::given_up() > before);
    REQUIRE(surefoot::ensure_readable(p, sizeof content, TestType{}) == surefoot::verdict{});
    CHECK(std::memcmp(p, content, sizeof content) == 0);
    CHECK(bool(surefoot::ensure_writeable(p, sizeof content, TestType{})));
    CHECK(::fsync(file) == 0);  // or else it is dirty, and lost the next time
    ::munmap(map, sizeof content);
  }
  ::close(file);
}

// Measured on Linux 6.12, ext4: the page goes out of the page cache, so only mappings that had it tell of
// the loss, and fsync (EIO), once. Others silently get what the disk has.
TEST_CASE("a dirty page of a file is lost for mappings that had it, and old for all others") {
  if (!poisoned::offered()) return;
  const int file = poisoned::disk_file();
  if (file < 0) return memory::say_skipped("a filesystem on a disk: ext2, ext4, xfs or btrfs");
  const std::vector<std::uint8_t> old(memory::page_size, 0x11);
  memory::require(::write(file, old.data(), old.size()) == static_cast<ssize_t>(old.size()) &&
                      ::fsync(file) == 0,
                  "write");
  const poisoned::mapping had = poisoned::map(old.size(), MAP_SHARED, ::dup(file));
  REQUIRE(had.begin != nullptr);
  *had.begin = 0x22;
  poisoned::break_page(had.begin);
  const poisoned::mapping later = poisoned::map(old.size(), MAP_SHARED, ::dup(file));
  REQUIRE(later.begin != nullptr);
  CHECK(surefoot::try_load(had.begin).stopped_by.kind == surefoot::cause::poisoned);
  CHECK(surefoot::try_load(later.begin).value_or(0) == 0x11);
  CHECK(::fsync(file) == -1);
  CHECK(surefoot::try_load(had.begin).stopped_by.kind == surefoot::cause::poisoned);
  for (const poisoned::mapping& m : {had, later}) ::munmap(m.begin, m.size);
  ::close(file);
}

TEMPLATE_TEST_CASE("poison takes 4 KiB of a transparent huge page, and leaves the rest", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!poisoned::offered()) return;
  const poisoned::row land(poisoned::huge_page);
  const std::size_t before = static_cast<std::size_t>(land.bad() - land.mapped());
  CHECK(surefoot::ensure_readable(land.mapped(), poisoned::huge_size, TestType{}).stopped_by ==
        poisoned::fault_of<TestType>(surefoot::access_kind::read, land.bad()));
  CHECK(bool(surefoot::ensure_writeable(land.mapped(), before, TestType{})));
  CHECK(bool(surefoot::ensure_writeable(
      land.behind(), poisoned::huge_size - before - memory::page_size, TestType{})));
  CHECK(land.intact());
}
