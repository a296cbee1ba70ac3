// Huge pages: that the kit's are such, and that whatever comes out of one stops at what lies behind it.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "pages.hpp"
#include "property.hpp"

namespace {

using namespace property;

bool is_here(const char* test) {
  const bool here = kit::is_here(kit::tile::huge_page);
  if (!here) std::printf("SKIPPED: %s: %s\n", test, kit::lacking(kit::tile::huge_page).c_str());
  return here;
}

std::optional<bool> is_a_piece(const unsigned char* page) {
  return is(page_flag::piece_of_a_huge_page, page);
}

// How many KiB of the mapping that begins here are mapped by entries of a huge page.
std::size_t mapped_whole(const unsigned char* begin) {
  std::ostringstream first;
  first << std::hex << reinterpret_cast<std::uintptr_t>(begin) << '-';
  std::ifstream in("/proc/self/smaps");
  bool is_it = false;
  for (std::string line; std::getline(in, line);) {
    if (line.find('-') < line.find(' ')) is_it = line.starts_with(first.str());
    if (is_it && line.starts_with("AnonHugePages:")) return std::stoul(line.substr(14));
  }
  return 0;
}

TEST_CASE("each huge tile is a piece of a huge page, also in a child") {
  if (!is_here("each huge tile is a piece of a huge page, also in a child")) return;
  // More than one huge page has.
  for (int i = 0; i < 20; ++i) {
    kit::minefield field(std::vector<kit::tile>(40, kit::tile::huge_page));
    for (std::size_t t = 0; t < field.tiles().size(); ++t) {
      const auto is_so = is_a_piece(field.begin_of(t));
      if (!is_so) {
        std::puts("SKIPPED: each huge tile is a piece of a huge page: needs root and /proc");
        return;
      }
      REQUIRE(*is_so);
    }
    if (i > 0) continue;
    const pid_t child = ::fork();
    if (child == 0) {
      field.change(1, kit::tile::huge_page);
      field.change(2, kit::tile::huge_page);
      const bool fine = is_a_piece(field.begin_of(1)) == true && field.intact();
      field.data()[1]++;
      ::_exit(fine && !field.intact() ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(field.intact());
  }
}

TEST_CASE("huge tiles share no byte, and are fresh each time") {
  if (!is_here("huge tiles share no byte, and are fresh each time")) return;
  kit::minefield field(std::vector<kit::tile>(3, kit::tile::huge_page));
  for (std::size_t i = 0; i < 1500; ++i) {
    for (std::size_t t = 0; t < 3; ++t) {
      unsigned char* const begin = field.begin_of(t);
      std::fill(begin, begin + kit::tile_size, static_cast<unsigned char>(i));
      REQUIRE(field.intact(t * kit::tile_size, kit::tile_size));
      field.change(t, kit::tile::huge_page);
      REQUIRE(field.intact());
    }
  }
}

TEMPLATE_TEST_CASE("what comes out of a whole huge page stops at the first bad byte behind it", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!is_here("what comes out of a whole huge page stops at the first bad byte behind it")) return;
  const TestType engine{};
  kit::huge_page page(kit::tile_size);
  REQUIRE(mapped_whole(page.data()) == kit::huge_page::size / 1024);
  for (unsigned char* p = page.data(); p < page.end(); ++p) *p = kit::pattern(p);
  std::vector<unsigned char> good(kit::huge_page::size + kit::tile_size, 7), to(good.size());
  kit::ground kept;
  for (const kit::tile t : kit::tiles_here()) {
    if (t == kit::tile::hardware_poison) continue;
    INFO(kit::name(t));
    kit::lay(t, page.end(), kept);
    const bool by_page = kit::granule(t) == kit::tile_size;  // else one probe of a page says little
    const auto expected = [&](std::size_t ahead, std::size_t n, access_kind during) {
      for (std::size_t i = 0; i < n - ahead; ++i) {
        const auto met = said_by<TestType>(t, kit::ask(t, i, during), during);
        if (!met.accessible())
          return surefoot::progress{ahead + i, n - ahead - i, met.at(page.end() + i, during)};
      }
      return surefoot::progress{n, 0, {}};
    };
    for (const std::size_t ahead : {std::size_t{1}, std::size_t{8}, std::size_t{63},
                                    std::size_t{4096}, std::size_t{70001}, kit::huge_page::size}) {
      for (const std::size_t behind : {std::size_t{1}, std::size_t{64}, kit::tile_size}) {
        if (build::is_emulated && ahead == kit::huge_page::size && behind != 64) continue;
        const std::size_t n = ahead + behind;
        unsigned char* const from = page.end() - ahead;
        const auto read = surefoot::try_copy(to.data(), from, n, engine);
        REQUIRE(read == expected(ahead, n, access_kind::read));
        REQUIRE(std::equal(from, page.end(), to.data()));
        REQUIRE(surefoot::ensure_readable(from, n, engine).stopped_by == read.stopped_by);
        if (by_page) REQUIRE(surefoot::fault_in_readable(from, n, engine) == read);
        const auto write = expected(ahead, n, access_kind::write);
        if (by_page) REQUIRE(surefoot::fault_in_writeable(from, n, engine) == write);
        REQUIRE(surefoot::try_copy(from, good.data(), n, engine) == write);
        REQUIRE(std::equal(from, page.end(), good.data()));
        for (unsigned char* p = from; p < page.end(); ++p) *p = kit::pattern(p);
      }
    }
  }
  // No access, no tile and no change of one has split it.
  CHECK(mapped_whole(page.data()) == kit::huge_page::size / 1024);
}

}  // namespace
