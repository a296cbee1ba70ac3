// The examples of testing/tile/.
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

#include "../unit/memory.hpp"

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: a tile has a size, a name and a letter") {
  //! [tile_size]
  const kit::minefield two({tile::read_write, tile::hole});
  REQUIRE(two.size() == 2 * kit::tile_size);
  //! [tile_size]

  //! [tile]
  REQUIRE(kit::name(tile::file_tail) == std::string("file tail"));
  REQUIRE(kit::letter(tile::file_tail) == 't');
  //! [tile]
}

TEST_CASE("example: every kind of tile that is here can be laid") {
  //! [all_tiles]
  REQUIRE(kit::all_tiles()[kit::tile_kinds - 1] == tile::tag_granules);
  for (const tile t : kit::tiles_here()) REQUIRE(kit::minefield({t}).tiles()[0] == t);
  //! [all_tiles]

  //! [lacking]
  for (const tile t : kit::all_tiles())
    REQUIRE(kit::is_here(t) == kit::lacking(t).empty());  // else the reason: "needs ..."
  //! [lacking]
}

TEST_CASE("example: an answer is what an access meets") {
  //! [answer]
  const kit::answer a = kit::ask(tile::read_only, 0, access_kind::write);
  REQUIRE_FALSE(a.accessible());
  REQUIRE(kit::ask(tile::read_only, 0, access_kind::read).accessible());
  const kit::minefield field({tile::read_only});
  REQUIRE(try_store(field.data(), 1).stopped_by == a.at(field.data(), access_kind::write));
  //! [answer]
}

TEST_CASE("example: filled bytes are known by their address") {
  //! [pattern]
  const kit::minefield field({tile::file_tail});
  const std::size_t filled = kit::filled(tile::file_tail);
  REQUIRE(field.data()[filled - 1] == kit::pattern(field.data() + filled - 1));
  REQUIRE(field.data()[filled] == 0);  // behind the end of the file, and no fault
  //! [pattern]

  //! [granule]
  REQUIRE(kit::granule(tile::read_write) == kit::tile_size);
  REQUIRE(kit::granule(tile::tag_granules) == kit::tag_granule);
  //! [granule]
}

TEST_CASE("example: a tile is laid over a page of one's own") {
  //! [lay]
  auto* const page = static_cast<unsigned char*>(
      ::mmap(nullptr, kit::tile_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  kit::ground kept;  // as long as the tile lies there
  kit::lay(tile::past_end_of_file, page, kept);
  REQUIRE(try_load<char>(page).stopped_by.kind == cause::no_backing);
  ::munmap(page, kit::tile_size);
  //! [lay]
}

TEST_CASE("example: a huge page ends where a hole may begin") {
  if (!kit::is_here(tile::huge_page)) return memory::say_skipped("huge pages");
  //! [huge_page]
  kit::huge_page page(kit::tile_size);
  kit::ground kept;
  kit::lay(tile::hole, page.end(), kept);
  REQUIRE(fault_in_readable(page.data(), kit::huge_page::size + 1).done == kit::huge_page::size);
  //! [huge_page]
}

TEST_CASE("example: tags are set granule by granule") {
  if (!kit::is_here(tile::tag_granules)) return memory::say_skipped("arm64 memory tags");
  //! [tags]
  kit::check_tags(kit::tag_checks::synchronous);
  auto* const p = static_cast<unsigned char*>(::mmap(nullptr, kit::tile_size,
                                                     PROT_READ | PROT_WRITE | kit::tagged_memory,
                                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  kit::set_tag(p, 5);  // of the first kit::tag_granule bytes
  REQUIRE(try_load<char>(p).stopped_by.kind == cause::tag_mismatch);
  REQUIRE(try_load<char>(kit::with_tag(p, 5)).ok());
  //! [tags]
  ::munmap(p, kit::tile_size);
}

}  // namespace
