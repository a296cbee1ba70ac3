// The testing kit itself: every tile answers as it says, nothing of a minefield is left behind, and
// tiles can change under readers.
#include <dirent.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <surefoot/testing/reference.hpp>
#include <thread>
#include <tuple>

#include "property.hpp"

namespace {

using namespace property;

// Poison is not for a system call to meet.
bool may_be_asked(kit::tile t) {
  return t != kit::tile::hardware_poison && t != kit::tile::userfault_poison;
}

TEST_CASE("every tile answers as it says, byte for byte, for reading and for writing") {
  const kit::reference kernel;
  // An emulated fault takes its time: there each granule, and both ends of each page.
  const auto is_asked = [](std::size_t i) {
    return !build::is_emulated || i % 7 == 0 || (i + 1) % kit::tile_size < 2;
  };
  for (const kit::tile t : kit::tiles_here()) {
    INFO(kit::name(t));
    const kit::minefield field({kit::tile::read_write, t, kit::tile::read_write});
    for (std::size_t i = 0; i < field.size(); ++i) {
      if (!is_asked(i)) continue;
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
      if (!is_asked(i)) continue;
      unsigned char* const p = field.data() + i;
      const auto expected = field.ask(i, access_kind::write);
      REQUIRE(surefoot::fault_in_writeable(p, 1).stopped_by == expected.at(p, access_kind::write));
      if (may_be_asked(t)) REQUIRE(kernel.writable(p) == expected.accessible());
    }
    CHECK(field.intact());
  }
}

TEST_CASE("the reference copies what the engines copy") {
  prop("from any layout to any other", [](const kit::layout& source, const kit::layout& target) {
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

TEST_CASE("a tile shrinks to every plainer one, whatever kinds are not here") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto drawn = kit::any_tile()(rc::Random(seed), rc::kNominalSize);
    std::vector<kit::tile> plainer, expected;
    rc::seq::forEach(drawn.shrinks(), [&](const rc::Shrinkable<kit::tile>& each) {
      plainer.push_back(each.value());
    });
    for (const kit::tile t : kit::all_tiles())
      if (t < drawn.value() && kit::is_here(t)) expected.push_back(t);
    REQUIRE(plainer == expected);
  }
}

// Fewer tiles, plainer ones, an earlier part, a shorter one: in that order.
auto order(const kit::excerpt& e) {
  std::size_t kinds = 0;
  for (const kit::tile t : e.tiles) kinds += static_cast<std::size_t>(t);
  return std::tuple(e.tiles.size(), kinds, e.part.offset, e.part.length);
}

TEST_CASE("an excerpt lies within its layout, and shrinks only to smaller ones that do") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto drawn = kit::any_excerpt()(rc::Random(seed), rc::kNominalSize);
    const auto require_within = [](const kit::excerpt& e) {
      REQUIRE_FALSE(e.tiles.empty());
      REQUIRE(e.part.end() <= e.tiles.size() * kit::tile_size);
    };
    require_within(drawn.value());
    rc::seq::forEach(drawn.shrinks(), [&](const rc::Shrinkable<kit::excerpt>& smaller) {
      require_within(smaller.value());
      REQUIRE(order(smaller.value()) < order(drawn.value()));
    });
  }
}

TEST_CASE("a failure shrinks to the same excerpt, whatever was drawn") {
  // What a loop gets wrong that takes its own chunks for pages.
  const auto fails = [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const auto n = field.accessible(e.part.offset, e.part.length, access_kind::read);
    return e.part.offset % kit::tile_size != 0 && n > 0 && n < e.part.length;
  };
  const unsigned enough = build::is_emulated ? 12 : 100;
  unsigned failures = 0;
  for (std::uint64_t seed = 0; seed < 100 && failures < enough; ++seed) {
    auto least = kit::any_excerpt()(rc::Random(seed), rc::kNominalSize);
    if (!fails(least.value())) continue;
    ++failures;
    for (auto smaller = least.shrinks(); const auto next = smaller.next();)
      if (fails(next->value())) smaller = (least = *next).shrinks();
    const kit::excerpt two{{kit::tile::read_write, kit::tile::no_access}, {1, kit::tile_size}};
    const kit::excerpt one{{kit::tile::tag_granules},
                           {1, 1600}};  // refuses in the middle of a page
    const bool is_least = least.value() == two || least.value() == one;
    INFO(least.value());
    REQUIRE(is_least);
  }
  CHECK(failures > 10);
}

TEST_CASE("a minefield that is restored is as it was built") {
  prop("after any changes", [](const kit::layout& l) {
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
    // (Of other mappings one may begin with the same digits, and be shorter.)
    if ((line.starts_with("30") && line.find('-') == 12) ||
        line.find("surefoot-tile") != std::string::npos ||
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
  std::vector<kit::tile> all = kit::tiles_here();
  std::erase(all, kit::tile::hardware_poison);
  // Every pair of kinds in its turn, the one beside the other and the one in the other's place.
  std::size_t built = 0;
  const auto lay = [&](std::size_t times) {
    for (std::size_t i = 0; i < times; ++i, ++built) {
      const kit::tile one = all[built % all.size()], other = all[built / all.size() % all.size()];
      kit::minefield field({one, other});
      if (built % 4 == 0) field.change(0, other);
      if (built % 16 == 0) field.restore();
    }
  };
  {
    const kit::minefield field(all);
    CHECK(mappings() >= all.size() / 2);  // so that 0 below means something
  }
  lay(1000);  // what the C library keeps for itself
  const std::size_t open = descriptors(), pages = resident_pages();
  const bool is_long = std::getenv("SUREFOOT_TEST_ALL") != nullptr;
  lay(build::is_slow ? 2'000 : is_long ? 1'000'000 : 20'000);
  std::printf("%zu layouts built and taken down\n", built);
  CHECK(mappings() == 0);
  CHECK(descriptors() == open);
  // What is left of one huge page is kept for tiles to come.
  constexpr std::size_t kept = kit::huge_page::size / kit::tile_size;
  if (!build::is_sanitized) CHECK(resident_pages() <= pages + kept + 100);
}

TEST_CASE("a tile that does not fit and a kind that is not here are refused, and leave nothing") {
  CHECK_THROWS_AS(kit::minefield(std::vector<kit::tile>(65, kit::tile::read_write)),
                  std::length_error);
  for (const kit::tile t : kit::all_tiles())
    if (!kit::is_here(t))
      CHECK_THROWS_AS(kit::minefield({kit::tile::read_write, t}), std::system_error);
  {
    kit::minefield field({kit::tile::read_write, kit::tile::read_write});
    for (const kit::tile t : kit::all_tiles()) {
      if (kit::is_here(t)) continue;
      CHECK_THROWS_AS(field.change(1, t), std::system_error);
      CHECK(field.picture() == "|.N|  . read-write, N no access (denied)");
      CHECK(surefoot::try_load(field.begin_of(1)).stopped_by ==
            field.ask(kit::tile_size, access_kind::read).at(field.begin_of(1), access_kind::read));
    }
  }
  CHECK(mappings() == 0);
  CHECK(kit::minefield({}).picture() == "||");
}

TEST_CASE("a picture is one line with each tile's letter and what they mean") {
  CHECK(kit::picture(
            {kit::tile::read_write, kit::tile::hole, kit::tile::hole, kit::tile::read_only}) ==
        "|.HHR|  . read-write, H hole (unmapped), R read-only (write: denied)");
  CHECK(kit::picture({kit::tile::tag_granules}) == "|M|  M MTE granules (tag_mismatch in places)");
}

TEST_CASE("no two kinds of tiles have the same name or the same letter") {
  std::set<std::string> names;
  std::set<char> letters;
  for (const kit::tile t : kit::all_tiles()) {
    names.insert(kit::name(t));
    letters.insert(kit::letter(t));
  }
  CHECK(names.size() == kit::tile_kinds);
  CHECK(letters.size() == kit::tile_kinds);
  CHECK(names.count("?") + letters.count('\0') == 0);
}

TEST_CASE("memory tags mismatch where tile/tag.hpp says it") {
  const auto is_fine = [](std::size_t offset) {
    const auto read = kit::ask(kit::tile::tag_granules, offset, access_kind::read);
    CHECK(read == kit::ask(kit::tile::tag_granules, offset, access_kind::write));
    CHECK((read.accessible() || read.kind == surefoot::cause::tag_mismatch));
    return read.accessible();
  };
  for (std::size_t i = 0; i < kit::tile_size; ++i) {
    const bool good = i < 1600 || i >= 3200 || (i < 2560 && (i - 1600) % 32 >= 16);
    REQUIRE(is_fine(i) == good);
  }
}

TEST_CASE("all bytes of a granule have one answer, and no larger unit has") {
  for (const kit::tile t : kit::all_tiles()) {
    INFO(kit::name(t));
    const std::size_t one = kit::granule(t);
    REQUIRE(kit::tile_size % one == 0);
    for (const auto during : {access_kind::read, access_kind::write}) {
      bool larger = true;
      for (std::size_t i = 0; i < kit::tile_size; ++i) {
        REQUIRE(kit::ask(t, i, during) == kit::ask(t, i / one * one, during));
        larger = larger && kit::ask(t, i, during) == kit::ask(t, i / (2 * one) * 2 * one, during);
      }
      CHECK(larger == (one == kit::tile_size));
    }
  }
}

// The last tile of the field becomes one after the other of these, again and again, while another thread
// asks whether all is as it should be.
template <class Fine>
void change_under_a_reader(kit::minefield& field, const std::vector<kit::tile>& becomes,
                           Fine is_fine) {
  std::atomic<bool> over{false};
  std::atomic<std::size_t> answers{0}, wrong{0};
  std::thread reader([&] {
    while (!over) {
      if (!is_fine()) ++wrong;
      ++answers;
    }
  });
  for (int i = 0; i < (build::is_emulated ? 600 : 3000); ++i)
    for (const kit::tile t : becomes) field.change(field.tiles().size() - 1, t);
  over = true;
  reader.join();
  CHECK(answers > 100);
  CHECK(wrong == 0);
}

TEST_CASE("while one tile that can be read takes the place of another, no reader is refused") {
  std::vector<kit::tile> readable;
  for (const kit::tile t : {kit::tile::read_write, kit::tile::huge_page, kit::tile::shared_file,
                            kit::tile::private_file, kit::tile::untouched})
    if (kit::is_here(t)) readable.push_back(t);
  kit::minefield field({kit::tile::read_write});
  const auto can_be_read = [&] {
    return bool(surefoot::ensure_readable(field.data(), field.size()));
  };
  change_under_a_reader(field, readable, can_be_read);
}

TEST_CASE("tiles may change while other threads read them") {
  using kit::tile;
  using surefoot::cause;
  // The neighbour never changes; and what refuses does it for a reason that one of the tiles has.
  const auto refuse_only_for = [](const std::vector<cause>& reasons,
                                  const std::vector<tile>& becomes) {
    kit::minefield field({tile::read_write, tile::read_write});
    std::vector<unsigned char> to(field.size());
    change_under_a_reader(field, becomes, [&] {
      const auto met = surefoot::try_copy(to.data(), field.data(), to.size());
      const bool expected =
          met.all() || std::count(reasons.begin(), reasons.end(), met.stopped_by.kind) == 1;
      return met.done >= kit::tile_size && expected;
    });
  };
  refuse_only_for({cause::unmapped, cause::denied, cause::no_backing},
                  {tile::hole, tile::read_only, tile::past_end_of_file, tile::no_access});
  // At no moment is there a hole between them.
  refuse_only_for({cause::denied, cause::no_backing},
                  {tile::shared_file, tile::read_only, tile::past_end_of_file, tile::no_access});
}

}  // namespace
