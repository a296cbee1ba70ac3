// The kit's engine for machines without memory tags says what kit::tile::tag_granules has: the same tags,
// byte by byte, in what every primitive answers.
#include <array>
#include <cstring>
#include <surefoot/testing/simulated_tags.hpp>
#include <vector>

#include "property.hpp"

namespace {

using namespace property;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::try_load;
using surefoot::try_store;

// Three good pages, of which the middle one has tags.
class tagged {
 public:
  unsigned char* at(std::size_t offset) const { return field_.data() + offset; }
  std::size_t size() const { return field_.size(); }
  const kit::minefield& field() const { return field_; }
  kit::simulated_tags engine() const { return kit::simulated_tags(field_.begin_of(1)); }

  bool refuses(std::size_t offset) const {
    return offset / kit::tile_size == 1 &&
           !kit::ask(kit::tile::tag_granules, offset % kit::tile_size, access_kind::read)
                .accessible();
  }
  std::size_t reaches(const kit::reach& r) const {
    for (std::size_t i = r.offset; i < r.end(); ++i)
      if (refuses(i)) return i - r.offset;
    return r.length;
  }
  fault fault_at(std::size_t offset, access_kind during) const {
    return kit::ask(kit::tile::tag_granules, offset % kit::tile_size, during)
        .at(at(offset), during);
  }
  fault first_bad(const kit::reach& r, access_kind during) const {
    const std::size_t done = reaches(r);
    return done == r.length ? fault{} : fault_at(r.offset + done, during);
  }
  progress whole(const kit::reach& r, access_kind during) const {
    const std::size_t done = reaches(r);
    return {done, r.length - done, first_bad(r, during)};
  }
  // Page by page: only the first byte in the range of each page is looked at.
  progress page_wise(const kit::reach& r, access_kind during) const {
    for (std::size_t i = r.offset; i < r.end(); i += kit::tile_size - i % kit::tile_size)
      if (refuses(i)) return {i - r.offset, r.end() - i, fault_at(i, during)};
    return {r.length, 0};
  }

 private:
  kit::minefield field_{std::vector<kit::tile>(3, kit::tile::read_write)};
};

// Somewhere in the tagged page, mostly.
kit::reach any_part() {
  const std::size_t offset =
      *rc::gen::inRange<std::size_t>(kit::tile_size - 20, 2 * kit::tile_size);
  return {offset, *rc::gen::inRange<std::size_t>(0, *rc::gen::element<std::size_t>(40, 3000))};
}

TEST_CASE("simulated tags refuse exactly the granules of the tile, in copies and fills") {
  rc::prop("a copy from there", [] {
    const tagged land;
    const kit::reach r = any_part();
    std::vector<unsigned char> to(r.length + 1, 0xee);
    const progress met = surefoot::try_copy(to.data(), land.at(r.offset), r.length, land.engine());
    RC_ASSERT(met == land.whole(r, access_kind::read));
    RC_ASSERT(std::memcmp(to.data(), land.at(r.offset), met.done) == 0);
    for (std::size_t i = met.done; i < to.size(); ++i) RC_ASSERT(to[i] == 0xee);
  });
  rc::prop("a copy to there, and a fill", [] {
    const tagged land;
    const kit::reach r = any_part();
    const std::vector<unsigned char> from(r.length, 0xaa);
    const bool fills = *rc::gen::arbitrary<bool>();
    const progress met =
        fills ? surefoot::try_fill(land.at(r.offset), 0xaa, r.length, land.engine())
              : surefoot::try_copy(land.at(r.offset), from.data(), r.length, land.engine());
    RC_ASSERT(met == land.whole(r, access_kind::write));
    RC_ASSERT(std::memcmp(land.at(r.offset), from.data(), met.done) == 0);
    RC_ASSERT(land.field().intact(r.offset, met.done));
  });
}

TEST_CASE(
    "simulated tags are found by a probe of every byte, and missed by a probe of every page") {
  rc::prop("for reading", [] {
    const tagged land;
    const kit::reach r = any_part();
    const auto e = land.engine();
    const unsigned char* const p = land.at(r.offset);
    RC_ASSERT(surefoot::fault_in_readable(p, r.length, e) == land.page_wise(r, access_kind::read));
    RC_ASSERT(surefoot::ensure_readable(p, r.length, e).stopped_by ==
              land.first_bad(r, access_kind::read));
    RC_ASSERT(
        (surefoot::ensure_accessible<access_kind::read, surefoot::granularity::byte>(p, r.length, e)
             .stopped_by == land.first_bad(r, access_kind::read)));
  });
  rc::prop("for writing", [] {
    const tagged land;
    const kit::reach r = any_part();
    const auto e = land.engine();
    unsigned char* const p = land.at(r.offset);
    RC_ASSERT(surefoot::fault_in_writeable(p, r.length, e) ==
              land.page_wise(r, access_kind::write));
    RC_ASSERT(surefoot::ensure_writeable(p, r.length, e).stopped_by ==
              land.first_bad(r, access_kind::write));
    RC_ASSERT(land.field().intact());
  });
}

template <class T>
void a_value() {
  const tagged land;
  const kit::reach r{any_part().offset, sizeof(T)};
  unsigned char* const p = land.at(r.offset);
  T before;
  std::memcpy(&before, p, sizeof before);
  const auto loaded = try_load<T>(p, land.engine());
  RC_ASSERT(loaded.stopped_by == land.first_bad(r, access_kind::read));
  if (loaded.ok()) RC_ASSERT(loaded.value() == before);
  T other = before;
  std::memset(&other, 0xaa, sizeof other);
  const auto stored = try_store(reinterpret_cast<T*>(p), other, land.engine());
  RC_ASSERT(stored.stopped_by == land.first_bad(r, access_kind::write));
  RC_ASSERT(std::memcmp(p, stored ? &other : &before, sizeof before) == 0);
}

TEST_CASE(
    "simulated tags refuse a value of which any byte is refused, and nothing of it is stored") {
  rc::prop("1 byte", a_value<std::uint8_t>);
  rc::prop("2 bytes", a_value<std::uint16_t>);
  rc::prop("4 bytes", a_value<std::uint32_t>);
  rc::prop("8 bytes", a_value<std::uint64_t>);
  rc::prop("16 bytes", a_value<std::array<std::uint64_t, 2>>);
}

TEST_CASE("with simulated tags the page-wise pairing spins, and restart ends at once") {
  const tagged land;
  const auto e = land.engine();
  unsigned char* const p = land.at(kit::tile_size);
  unsigned char from[kit::tile_size]{};
  unsigned rounds = 0;
  const auto op = [&]() noexcept {
    ++rounds;
    return surefoot::try_copy(p, from, sizeof from, e);
  };
  while (rounds < 1000 && !op().all())
    REQUIRE(surefoot::fault_in_writeable(p, sizeof from, e).any());
  CHECK(rounds == 1000);

  rounds = 0;
  const auto v = surefoot::restart(surefoot::writes(p, sizeof from), op, {},
                                   surefoot::ensure_with{e}, surefoot::touch_with{e});
  CHECK(v.stopped_by == land.fault_at(kit::tile_size + 1600, access_kind::write));
  CHECK(rounds == 1);
}

}  // namespace
