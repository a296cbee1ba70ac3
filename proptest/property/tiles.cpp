// The testing kit itself: every tile answers as it says, nothing of a minefield is left behind, and
// tiles can change under readers.
#include <dirent.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>
#include <surefoot/testing/reference.hpp>
#include <thread>

#include "property.hpp"

namespace {

using namespace property;

// Poison is not for a system call to meet.
bool may_be_asked(kit::tile t) {
  return t != kit::tile::hardware_poison && t != kit::tile::userfault_poison;
}

TEST_CASE("every tile answers as it says, byte for byte, for reading and for writing") {
  const kit::reference kernel;
  for (const kit::tile t : kit::all_tiles()) {
    if (!kit::is_here(t)) continue;
    INFO(kit::name(t));
    const kit::minefield field({kit::tile::read_write, t, kit::tile::read_write});
    for (std::size_t i = 0; i < field.size(); ++i) {
      unsigned char* const p = field.data() + i;
      const auto expected = field.ask(i, access_kind::read);
      const auto loaded = surefoot::try_load<unsigned char>(static_cast<const volatile void*>(p));
      REQUIRE(loaded.stopped_by == expected.at(p, access_kind::read));
      if (loaded.ok()) REQUIRE(loaded.value() == field.content(i));
      if (!may_be_asked(t)) continue;
      const auto byte = kernel.load(p);
      REQUIRE(byte.has_value() == expected.accessible());
      if (byte) REQUIRE(*byte == field.content(i));
    }
    for (std::size_t i = 0; i < field.size(); ++i) {
      unsigned char* const p = field.data() + i;
      const auto expected = field.ask(i, access_kind::write);
      REQUIRE(surefoot::fault_in_writeable(p, 1).stopped_by == expected.at(p, access_kind::write));
      if (may_be_asked(t)) REQUIRE(kernel.writable(p) == expected.accessible());
    }
    CHECK(field.intact());
  }
}

TEST_CASE("the reference copies what the engines copy") {
  rc::prop("from any layout to any other",
           [](const kit::layout& source, const kit::layout& target) {
             for (const kit::layout* l : {&source, &target})
               for (const kit::tile t : l->tiles) RC_PRE(may_be_asked(t));
             const kit::reference kernel;
             const kit::minefield from(source.tiles), to(target.tiles), again(target.tiles);
             const kit::reach r = *kit::any_reach(from.size());
             const std::size_t at = *kit::any_place(to.size());
             const std::size_t n = std::min({r.length, to.size() - at, std::size_t{200}});
             const std::size_t slow = kernel.copy(to.data() + at, from.data() + r.offset, n);
             const auto fast = surefoot::try_copy(again.data() + at, from.data() + r.offset, n);
             RC_ASSERT(fast.done == slow);
             RC_ASSERT(kernel.accessible(from.data() + r.offset, n, access_kind::read) ==
                       from.accessible(r.offset, n, access_kind::read));
             RC_ASSERT(kernel.accessible(to.data() + at, n, access_kind::write) ==
                       to.accessible(at, n, access_kind::write));
             RC_ASSERT(to.intact(at, slow));
           });
}

TEST_CASE("a minefield that is restored is as it was built") {
  rc::prop("after any changes", [](const kit::layout& l) {
    kit::minefield field(l.tiles);
    const auto changes = *rc::gen::container<std::vector<std::pair<std::size_t, kit::tile>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, l.tiles.size()), kit::any_tile()));
    for (const auto& [i, t] : changes) {
      field.change(i, t);
      RC_ASSERT(field.tiles()[i] == t);
    }
    RC_ASSERT(field.intact());
    (void)surefoot::try_fill(field.data(), 0x11, field.size());
    field.restore();
    RC_ASSERT(field.tiles() == l.tiles);
    RC_ASSERT(field.intact());
  });
}

// Mappings where arenas lie, and of the kit's files.
std::size_t mappings() {
  std::ifstream in("/proc/self/maps");
  std::size_t n = 0;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("3000") || line.find("surefoot-tile") != std::string::npos ||
        line.find("secretmem") != std::string::npos)
      ++n;
  return n;
}
std::size_t descriptors() {
  DIR* const all = ::opendir("/proc/self/fd");
  std::size_t n = 0;
  while (::readdir(all) != nullptr) ++n;
  ::closedir(all);
  return n;
}
// Pages of memory that this process has, files without a name included.
std::size_t resident_pages() {
  std::ifstream in("/proc/self/statm");
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident;
}

TEST_CASE("minefields leave no mapping, no descriptor and no memory behind") {
  std::vector<kit::tile> all;
  for (const kit::tile t : kit::all_tiles())
    if (kit::is_here(t) && t != kit::tile::hardware_poison) all.push_back(t);
  const auto build = [&](int times) {
    for (int i = 0; i < times; ++i) {
      kit::minefield field(all);
      field.change(0, all.back());
    }
  };
  {
    const kit::minefield field(all);
    CHECK(mappings() >= all.size() / 2);  // so that 0 below means something
  }
  build(10);  // what the C library keeps for itself
  const std::size_t open = descriptors(), pages = resident_pages();
  build(2000);
  CHECK(mappings() == 0);
  CHECK(descriptors() == open);
  if (!sanitized) CHECK(resident_pages() <= pages + 100);
}

TEST_CASE("a tile that does not fit and a kind that is not here are refused, and leave nothing") {
  CHECK_THROWS_AS(kit::minefield(std::vector<kit::tile>(65, kit::tile::read_write)),
                  std::length_error);
  for (const kit::tile t : kit::all_tiles())
    if (!kit::is_here(t))
      CHECK_THROWS_AS(kit::minefield({kit::tile::read_write, t}), std::system_error);
  CHECK(mappings() == 0);
  CHECK(kit::minefield({}).picture() == "||");
}

TEST_CASE("a picture is one line with each tile's letter and what they mean") {
  CHECK(kit::picture(
            {kit::tile::read_write, kit::tile::hole, kit::tile::hole, kit::tile::read_only}) ==
        "|.HHR|  . read-write, H hole (unmapped), R read-only (write: denied)");
}

// A reader of two tiles, the second of which becomes one after the other of these. Its neighbour never
// changes; and what refuses does it for a reason that one of the tiles has.
void change_under_a_reader(const std::vector<kit::tile>& becomes,
                           const std::vector<surefoot::cause>& reasons) {
  kit::minefield field({kit::tile::read_write, kit::tile::read_write});
  std::atomic<bool> over{false};
  std::atomic<std::size_t> answers{0}, wrong{0};
  std::thread reader([&] {
    std::vector<unsigned char> to(field.size());
    while (!over) {
      const auto met = surefoot::try_copy(to.data(), field.data(), to.size());
      const bool expected =
          met.all() || std::count(reasons.begin(), reasons.end(), met.stopped_by.kind) == 1;
      if (met.done < kit::tile_size || !expected) ++wrong;
      ++answers;
    }
  });
  for (int i = 0; i < 2000; ++i)
    for (const kit::tile t : becomes) field.change(1, t);
  over = true;
  reader.join();
  CHECK(answers > 100);
  CHECK(wrong == 0);
}

TEST_CASE("tiles may change while other threads read them") {
  using kit::tile;
  using surefoot::cause;
  change_under_a_reader({tile::hole, tile::read_only, tile::past_end_of_file, tile::no_access},
                        {cause::unmapped, cause::denied, cause::no_backing});
  // At no moment is there a hole between them.
  change_under_a_reader(
      {tile::shared_file, tile::read_only, tile::past_end_of_file, tile::no_access},
      {cause::denied, cause::no_backing});
}

}  // namespace
