// Every verb on every kind of memory.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

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
    poisoned::break_page(p + memory::page_size);
    REQUIRE(surefoot::ensure_readable(p, sizeof content, TestType{}) == surefoot::verdict{});
    CHECK(std::memcmp(p, content, sizeof content) == 0);
    CHECK(bool(surefoot::ensure_writeable(p, sizeof content, TestType{})));
    CHECK(::fsync(file) == 0);  // or else it is dirty, and lost the next time
    ::munmap(map, sizeof content);
  }
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
