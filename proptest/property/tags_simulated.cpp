// The kit's simulated memory tags: over any layout, whose first page has them, each primitive and both loops
// answer as the tiles and the granules say, byte by byte.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <surefoot/testing/simulated_tags.hpp>
#include <utility>
#include <vector>

#include "property.hpp"

namespace {

using namespace property;
using kit::simulated_tags;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::verdict;
namespace engine = surefoot::engine;

static_assert(engine::complete<simulated_tags>);
static_assert(!simulated_tags::offers(engine::verb::atomic));
static_assert(!simulated_tags::offers(engine::verb::run));
static_assert(simulated_tags::sees(cause::tag_mismatch));
static_assert(simulated_tags::sees(cause::no_backing));

// A layout whose first page has tags, and a part of it that often begins or ends among them.
struct tagged {
  tagged() : tagged(*kit::any_excerpt(3)) {}

  // What a byte answers: its granule, where that has another tag, else its tile.
  kit::answer ask(std::size_t offset, access_kind during) const {
    if (offset < kit::tile_size && kit::tag_tiles::tag(offset) != 0)
      return kit::ask(kit::tile::tag_granules, offset, during);
    return field.ask(offset, during);
  }
  progress progress_of(const kit::reach& r, access_kind during) const {
    for (std::size_t i = 0; i < r.length; ++i) {
      const kit::answer met = ask(r.offset + i, during);
      if (!met.accessible()) return {i, r.length - i, met.at(field.data() + r.offset + i, during)};
    }
    return {r.length, 0};
  }
  progress loads() const { return progress_of(part, access_kind::read); }
  progress stores() const { return progress_of(part, access_kind::write); }
  unsigned char* begin() const { return field.data() + part.offset; }
  // Do n bytes at `p` hold what was laid in the part?
  bool is_content(const unsigned char* p, std::size_t n) const {
    for (std::size_t i = 0; i < n; ++i)
      if (p[i] != field.content(part.offset + i)) return false;
    return true;
  }

  kit::minefield field;
  kit::reach part;
  simulated_tags engine{field.data()};

 private:
  explicit tagged(const kit::excerpt& e)
      : field(e.tiles),
        part(*rc::gen::weightedOneOf<kit::reach>(
            {{1, rc::gen::just(e.part)}, {3, near_tags(field.size())}})) {}
  static rc::Gen<kit::reach> near_tags(std::size_t size) {
    const auto within = [](std::size_t min, std::size_t max) {
      return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(min, max + 1));
    };
    // Before the first granule that is refused; anywhere among them. A few bytes; to behind them.
    const auto begin = rc::gen::oneOf(within(1600 - 20, 1600), within(1600, 3220));
    const auto length = rc::gen::oneOf(within(0, 40), within(0, size - 3220));
    return rc::gen::map(rc::gen::pair(begin, length),
                        [](const std::pair<std::size_t, std::size_t>& r) {
                          return kit::reach{r.first, r.second};
                        });
  }
};

// How many of n bytes at p are `byte`, from the first one on.
std::size_t held(const unsigned char* p, std::size_t n, unsigned char byte) {
  std::size_t i = 0;
  while (i < n && p[i] == byte) ++i;
  return i;
}

TEST_CASE("simulated tags stop a copy at the first byte of either side that has another tag") {
  prop("out of and into any layout", [] {
    const tagged t;
    const std::size_t n = t.part.length;
    std::vector<unsigned char> buffer(n + 1, 0xee);
    const progress out = surefoot::try_copy(buffer.data(), t.begin(), n, t.engine);
    RC_ASSERT(out == t.loads());
    RC_ASSERT(t.is_content(buffer.data(), out.done));
    RC_ASSERT(held(buffer.data() + out.done, n + 1 - out.done, 0xee) == n + 1 - out.done);
    RC_ASSERT(t.field.intact());

    std::memset(buffer.data(), 0xdd, buffer.size());
    const progress in = surefoot::try_copy(t.begin(), buffer.data(), n, t.engine);
    RC_ASSERT(in == t.stores());
    RC_ASSERT(held(t.begin(), in.done, 0xdd) == in.done);
    RC_ASSERT(t.field.intact(t.part.offset, in.done));
  });
  prop("within one", [] {
    const tagged t;
    // From the part to a place at or before it.
    const std::size_t n = t.part.length,
                      to = t.part.offset - *rc::gen::inRange<std::size_t>(0, t.part.offset + 1);
    const progress loads = t.loads(), stores = t.progress_of({to, n}, access_kind::write);
    const progress copied = surefoot::try_copy(t.field.data() + to, t.begin(), n, t.engine);
    RC_ASSERT(copied == (loads.done <= stores.done ? loads : stores));
    RC_ASSERT(t.is_content(t.field.data() + to, copied.done));
    RC_ASSERT(t.field.intact(to, copied.done));
  });
}

TEST_CASE("simulated tags stop a fill at the first byte that has another tag") {
  prop("any layout", [] {
    const tagged t;
    const progress filled = surefoot::try_fill(t.begin(), 0xdd, t.part.length, t.engine);
    RC_ASSERT(filled == t.stores());
    RC_ASSERT(held(t.begin(), filled.done, 0xdd) == filled.done);
    RC_ASSERT(t.field.intact(t.part.offset, filled.done));
  });
}

// One load and one store, at an offset of the layout.
template <class T>
void one_value(const tagged& t, std::size_t offset) {
  const kit::reach r{offset, sizeof(T)};
  unsigned char* const p = t.field.data() + offset;
  const auto loaded = surefoot::try_load<T>(static_cast<const void*>(p), t.engine);
  const progress loads = t.progress_of(r, access_kind::read);
  RC_ASSERT(loaded.stopped_by == loads.stopped_by);
  if (loaded.ok()) {
    const T value = loaded.value();
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i) RC_ASSERT(bytes[i] == t.field.content(offset + i));
  }
  T value;
  std::memset(&value, 0xdd, sizeof(T));
  const progress stores = t.progress_of(r, access_kind::write);
  const verdict stored = surefoot::try_store(reinterpret_cast<T*>(p), value, t.engine);
  RC_ASSERT(stored.stopped_by == stores.stopped_by);
  // All of it, or nothing.
  const std::size_t n = stored ? sizeof(T) : 0;
  RC_ASSERT(held(p, n, 0xdd) == n);
  RC_ASSERT(t.field.intact(offset, n));
}

template <std::size_t N>
using bytes = std::array<unsigned char, N>;

TEST_CASE("simulated tags refuse a value of which one byte has another tag") {
  prop("of each size, any layout", [] {
    const tagged t;
    const std::size_t at = t.part.offset, size = *rc::gen::element<std::size_t>(1, 2, 4, 8, 16);
    RC_PRE(at + size <= t.field.size());
    switch (size) {
      case 1: return one_value<bytes<1>>(t, at);
      case 2: return one_value<bytes<2>>(t, at);
      case 4: return one_value<bytes<4>>(t, at);
      case 8: return one_value<bytes<8>>(t, at);
      default: return one_value<bytes<16>>(t, at);
    }
  });
}

TEST_CASE("simulated tags: a fault-in asks one byte of each page, and says fine where that is") {
  prop("for reading and for writing", [] {
    const tagged t;
    const auto expected = [&](access_kind during) -> progress {
      for (std::size_t at = 0; at < t.part.length;) {
        const kit::answer met = t.ask(t.part.offset + at, during);
        if (!met.accessible()) return {at, t.part.length - at, met.at(t.begin() + at, during)};
        at += kit::tile_size - (t.part.offset + at) % kit::tile_size;
      }
      return {t.part.length, 0};
    };
    const progress reads = surefoot::fault_in_readable(t.begin(), t.part.length, t.engine);
    RC_ASSERT(reads == expected(access_kind::read));
    const progress writes = surefoot::fault_in_writeable(t.begin(), t.part.length, t.engine);
    RC_ASSERT(writes == expected(access_kind::write));
    RC_ASSERT(t.field.intact());
  });
}

TEST_CASE("simulated tags: ensure names the first byte that has another tag, page or no page") {
  using surefoot::granularity;
  prop("for reading and for writing, by words and by bytes", [] {
    const tagged t;
    const std::size_t n = t.part.length;
    const fault reads = t.loads().stopped_by, writes = refused_for_writing(t.loads(), t.stores());
    RC_ASSERT(surefoot::ensure_readable(t.begin(), n, t.engine).stopped_by == reads);
    RC_ASSERT(surefoot::ensure_writeable(t.begin(), n, t.engine).stopped_by == writes);
    const auto by_bytes = [&]<access_kind K>() {
      return surefoot::ensure_accessible<K, granularity::byte>(t.begin(), n, t.engine).stopped_by;
    };
    RC_ASSERT(by_bytes.operator()<access_kind::read>() == reads);
    RC_ASSERT(by_bytes.operator()<access_kind::write>() == writes);
    RC_ASSERT(t.field.intact());
  });
}

TEST_CASE("resume over simulated tags comes to the first byte that has another tag, and ends") {
  prop("reading, a step that keeps what it did", [] {
    const tagged t;
    const std::size_t n = t.part.length;
    std::vector<unsigned char> arrived(n + 1, 0xee);
    std::size_t calls = 0;
    const auto step = [&](const volatile void* p, std::size_t k) {
      if (++calls > 100) return surefoot::stop(0, k);
      const auto at = static_cast<const volatile unsigned char*>(p) - t.begin();
      return surefoot::try_copy(arrived.data() + at, p, k, t.engine);
    };
    const progress met =
        surefoot::resume<access_kind::read>(t.begin(), n, step, {}, surefoot::touch_with{t.engine});
    RC_ASSERT(met == t.loads());
    RC_ASSERT(t.is_content(arrived.data(), met.done));
    RC_ASSERT(arrived[met.done] == 0xee);
  });
  prop("writing, a step that takes all or nothing", [] {
    const tagged t;
    std::size_t calls = 0;
    const auto step = [&](volatile void* p, std::size_t k) -> progress {
      if (++calls > 100) return surefoot::stop(0, k);
      const verdict whole = surefoot::ensure_writeable(p, k, t.engine);
      return whole ? surefoot::try_fill(p, 0xdd, k, t.engine) : progress{0, k, whole.stopped_by};
    };
    const progress met = surefoot::resume<access_kind::write>(t.begin(), t.part.length, step, {},
                                                              surefoot::touch_with{t.engine});
    const progress loads = t.loads(), stores = t.stores();
    RC_ASSERT(met.done == std::min(loads.done, stores.done));
    RC_ASSERT(met.stopped_by == refused_for_writing(loads, stores));
    RC_ASSERT(held(t.begin(), met.done, 0xdd) == met.done);
    RC_ASSERT(t.field.intact(t.part.offset, met.done));
  });
}

TEST_CASE("restart over simulated tags ends after one run, with the byte that has another tag") {
  prop("reading, any layout", [] {
    const tagged t;
    std::vector<unsigned char> to(t.part.length + 1);
    unsigned runs = 0;
    const auto op = [&]() -> progress {
      if (++runs > 100) return surefoot::stop(0, 1);
      return surefoot::try_copy(to.data(), t.begin(), t.part.length, t.engine);
    };
    const verdict met =
        surefoot::restart(surefoot::reads(t.begin(), t.part.length), op, {},
                          surefoot::ensure_with{t.engine}, surefoot::touch_with{t.engine});
    RC_ASSERT(met.stopped_by == t.loads().stopped_by);
    RC_ASSERT(runs == 1u);
  });
}

TEST_CASE("over simulated tags a page-wise fault-in and a new beginning, by hand, spin") {
  const kit::minefield field({kit::tile::read_write, kit::tile::read_write});
  const simulated_tags tags(field.data());
  std::vector<unsigned char> to(field.size());
  unsigned runs = 0;
  const auto op = [&]() noexcept {
    ++runs;
    return surefoot::try_copy(to.data(), field.data(), to.size(), tags);
  };
  while (runs < 1000 && !op().all())
    if (!surefoot::fault_in_readable(field.data(), to.size(), tags).all()) break;
  CHECK(runs == 1000);

  runs = 0;
  const verdict met = surefoot::restart(surefoot::reads(field.data(), field.size()), op, {},
                                        surefoot::ensure_with{tags}, surefoot::touch_with{tags});
  CHECK((met.stopped_by == kit::ask(kit::tile::tag_granules, 1600, access_kind::read)
                               .at(field.data() + 1600, access_kind::read)));
  CHECK(runs == 1);
}

}  // namespace
