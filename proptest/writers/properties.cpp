// Whatever the memory is, and whoever changes it meanwhile: everything readable arrives, once and in order,
// nothing else does, and the loop ends.
#include <atomic>
#include <iterator>
#include <random>
#include <thread>

#include "../property/property.hpp"
#include "writers.hpp"

namespace {

using namespace property;
using surefoot::cause;
using surefoot::progress;

struct named_writer {
  const char* name;
  writers::writer* write;
};
constexpr named_writer all_writers[] = {
    {"batch_filler", writers::batch_filler},       {"block_writer", writers::block_writer},
    {"gather_scatter", writers::gather_scatter},   {"page_by_page", writers::page_by_page},
    {"page_cache", writers::page_cache},           {"preallocate", writers::preallocate},
    {"reserved_writer", writers::reserved_writer}, {"upload", writers::upload}};

struct named_reader {
  const char* name;
  writers::reader* read;
};
constexpr named_reader all_readers[] = {{"direct_read", writers::direct_read},
                                        {"gather_scatter", writers::scatter}};

// The loop said how far it came, where and why it stopped.
void agrees(const progress& told, std::size_t done, std::size_t n, const unsigned char* begin,
            access_kind during) {
  RC_ASSERT(told.done == done);
  RC_ASSERT(told.left == n - done);
  RC_ASSERT((told.stopped_by.kind == cause::none) == (done == n));
  if (done == n) return;
  RC_ASSERT((told.stopped_by.address == begin + done));
  RC_ASSERT(told.stopped_by.during == during);
}

void all_arrives(writers::writer* write) {
  const kit::excerpt e = *kit::any_excerpt();
  RC_PRE(e.part.length > 0);
  const kit::minefield field(e.tiles);
  const unsigned char* const from = field.data() + e.part.offset;
  const writers::outcome made = write(from, e.part.length);
  const std::size_t readable = field.accessible(e.part.offset, e.part.length, access_kind::read);
  agrees(made.told, readable, e.part.length, from, access_kind::read);
  RC_ASSERT(made.arrived.size() == readable);
  for (std::size_t i = 0; i < readable; ++i)
    if (made.arrived[i] != field.content(e.part.offset + i))
      RC_FAIL("byte " + std::to_string(i) + " is another one");
  RC_ASSERT(made.left_nothing_else);
  RC_ASSERT(field.intact());
}

TEST_CASE("the writers of examples/ write everything readable, once and in order") {
  prop("any of them", [] {
    const std::size_t which = *rc::gen::inRange<std::size_t>(0, std::size(all_writers));
    RC_LOG() << all_writers[which].name;
    all_arrives(all_writers[which].write);
  });
}

void all_is_put(writers::reader* read) {
  const kit::excerpt e = *kit::any_excerpt();
  RC_PRE(e.part.length > 0);
  const kit::minefield field(e.tiles);
  unsigned char* const to = field.data() + e.part.offset;
  std::vector<unsigned char> content(e.part.length);
  for (std::size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<unsigned char>(1 + i % 251);
  const progress told = read(to, content);
  const std::size_t writeable = field.accessible(e.part.offset, e.part.length, access_kind::write);
  agrees(told, writeable, e.part.length, to, access_kind::write);
  for (std::size_t i = 0; i < writeable; ++i)
    if (to[i] != content[i]) RC_FAIL("byte " + std::to_string(i) + " is another one");
  RC_ASSERT(field.intact(e.part.offset, writeable));
}

TEST_CASE("the readers of examples/ fill everything writeable, in order, and change nothing else") {
  prop("any of them", [] {
    const std::size_t which = *rc::gen::inRange<std::size_t>(0, std::size(all_readers));
    RC_LOG() << all_readers[which].name;
    all_is_put(all_readers[which].read);
  });
}

// Five tiles, of which another thread changes the second and the fourth for as long as this lives.
class changing_tiles {
 public:
  static constexpr std::size_t count = 5;

  changing_tiles() : changer_([this] { change(); }) {}
  ~changing_tiles() {
    done_ = true;
    changer_.join();
  }
  changing_tiles(const changing_tiles&) = delete;

  const kit::minefield& field() const { return field_; }
  static bool is_fixed(std::size_t tile) { return tile % 2 == 0; }
  // Until it has changed something again.
  void wait() const {
    for (const unsigned before = changes_; changes_ == before;) std::this_thread::yield();
  }
  unsigned changes() const { return changes_; }

 private:
  void change() {
    std::vector<kit::tile> kinds = kit::tiles_here();
    // A protection key is a thread's own; broken memory is not to be broken thousands of times.
    std::erase_if(kinds, [](kit::tile t) {
      return t == kit::tile::key_denied || t == kit::tile::key_read_only ||
             t == kit::tile::hardware_poison;
    });
    std::minstd_rand chance(1);
    while (!done_) {
      // Fine every other time, so that loops come far.
      field_.change(1 + 2 * (chance() % 2),
                    chance() % 2 == 0 ? kit::tile::read_write : kinds[chance() % kinds.size()]);
      ++changes_;
    }
  }

  kit::minefield field_{std::vector<kit::tile>(count, kit::tile::read_write)};
  std::atomic<bool> done_{false};
  std::atomic<unsigned> changes_{0};
  std::thread changer_;
};

TEST_CASE("while tiles change, the writers of examples/ write what was there, in order, and end") {
  const changing_tiles tiles;
  const kit::minefield& field = tiles.field();
  for (const named_writer& each : all_writers) {
    INFO(each.name);
    std::size_t came_short = 0, came_through = 0;
    for (int i = 0; i < (build::is_sanitized ? 50 : 150); ++i) {
      tiles.wait();
      const std::size_t offset = static_cast<std::size_t>(i * 7) % kit::tile_size,
                        n = field.size() - offset;
      const writers::outcome made = each.write(field.data() + offset, n);
      (made.told.all() ? came_through : came_short) += 1;
      // The first tile is always there.
      REQUIRE(made.told.done >= kit::tile_size - offset);
      REQUIRE(made.told.done + made.told.left == n);
      REQUIRE((made.told.stopped_by.kind == cause::none) == made.told.all());
      REQUIRE(made.arrived.size() == made.told.done);
      REQUIRE(made.left_nothing_else);
      std::size_t others = 0;
      for (std::size_t k = 0; k < made.arrived.size(); ++k) {
        const unsigned char now = made.arrived[k];
        const bool is_fresh = now == 0 && !tiles.is_fixed((offset + k) / kit::tile_size);
        others += now != kit::pattern(field.data() + offset + k) && !is_fresh;
      }
      REQUIRE(others == 0);
    }
    // It was no quiet field, and no wall.
    CHECK(came_short > 0);
    CHECK(came_through > 0);
  }
}

TEST_CASE("while tiles change, the readers of examples/ fill what is fixed, in order, and end") {
  const changing_tiles tiles;
  const kit::minefield& field = tiles.field();
  std::vector<unsigned char> held;
  for (std::size_t k = 0; k < field.size(); ++k) held.push_back(kit::pattern(field.data() + k));
  for (const named_reader& each : all_readers) {
    INFO(each.name);
    std::size_t came_short = 0;
    for (int i = 0; i < (build::is_sanitized ? 50 : 150); ++i) {
      tiles.wait();
      // Not at the beginning of a page, so that copies end in the middle of what they were offered.
      const std::size_t offset = static_cast<std::size_t>(i * 7) % kit::tile_size;
      std::vector<unsigned char> content(field.size() - offset);
      for (std::size_t k = 0; k < content.size(); ++k)
        content[k] = static_cast<unsigned char>(1 + (k + static_cast<std::size_t>(i)) % 251);
      const progress told = each.read(field.data() + offset, content);
      came_short += !told.all();
      REQUIRE(told.done >= kit::tile_size - offset);
      REQUIRE(told.done + told.left == content.size());
      REQUIRE((told.stopped_by.kind == cause::none) == told.all());
      // Fixed tiles hold the new content as far as it went, and what they held before behind that.
      std::size_t others = 0;
      for (std::size_t k = 0; k < field.size(); ++k) {
        if (!tiles.is_fixed(k / kit::tile_size)) continue;
        if (k >= offset && k - offset < told.done) held[k] = content[k - offset];
        others += field.data()[k] != held[k];
      }
      REQUIRE(others == 0);
    }
    CHECK(came_short > 0);
  }
}

}  // namespace
