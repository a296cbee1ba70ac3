// find_holes and salvage over long stretches with many holes: the same holes as one fault a page finds.
#include <algorithm>
#include <cstring>
#include <vector>

#include "../terrain.hpp"
#include "property.hpp"

namespace {

using namespace property;
using terrain::hole;
using terrain::stretch;

// Mostly a few pages, sometimes longer than what is worth asking the kernel about.
rc::Gen<std::size_t> any_length() {
  return rc::gen::weightedOneOf<std::size_t>({{6, kit::detail::within<std::size_t>(1, 6)},
                                              {2, kit::detail::within<std::size_t>(7, 40)},
                                              {1, kit::detail::within<std::size_t>(60, 300)}});
}
rc::Gen<std::vector<stretch>> any_terrain() {
  const auto one = rc::gen::map(
      rc::gen::pair(kit::detail::within<std::size_t>(0, terrain::kinds_here().size() - 1),
                    any_length()),
      [](const std::pair<std::size_t, std::size_t>& drawn) {
        return stretch{terrain::kinds_here()[drawn.first], drawn.second};
      });
  return rc::gen::resize(10, rc::gen::nonEmpty(rc::gen::container<std::vector<stretch>>(one)));
}

// Do the bytes at `to` stand as at `from`, and those in holes as they were?
bool holds_all_but(const std::vector<hole>& holes, const unsigned char* to,
                   const unsigned char* from, std::size_t n, unsigned char untouched) {
  std::size_t at = 0;
  const auto good_to = [&](std::size_t end) {
    const bool same = end == at || std::memcmp(to + at, from + at, end - at) == 0;
    at = end;
    return same;
  };
  for (const hole& h : holes) {
    if (!good_to(h.offset)) return false;
    at += h.bytes;
    if (std::any_of(to + h.offset, to + at, [=](unsigned char b) { return b != untouched; }))
      return false;
  }
  return good_to(n);
}

template <class E>
void finds_what_is_there(const std::vector<stretch>& all) {
  const terrain::land land(all);
  const kit::reach r = *kit::any_reach(land.size());
  const unsigned char* const p = land.data() + r.offset;
  const auto expected = terrain::one_by_one(p, r.length, E{});
  std::size_t bad = 0;
  for (const hole& h : expected) bad += h.bytes;

  surefoot::holes_found found;
  RC_ASSERT(terrain::found(p, r.length, E{}, &found) == expected);
  RC_ASSERT(found == (surefoot::holes_found{r.length - bad, bad, 0, expected.size(), {}}));

  constexpr unsigned char untouched = 0xee;
  std::vector<unsigned char> to(r.length, untouched);
  surefoot::salvaged saved;
  RC_ASSERT(terrain::left_out(to.data(), p, r.length, E{}, &saved) == expected);
  RC_ASSERT(saved == (surefoot::salvaged{r.length - bad, bad, 0, expected.size(), {}}));
  // By the engine that reads whatever the others can.
  std::vector<unsigned char> content(r.length, untouched);
  for (std::size_t at = 0; at < r.length;) {
    const auto part = surefoot::try_copy(content.data() + at, p + at, r.length - at, E{});
    at += part.done;
    if (!part.all())
      at += std::min(r.length - at, surefoot::detail::to_next(
                                        reinterpret_cast<std::uintptr_t>(p) + at, kit::tile_size));
  }
  RC_ASSERT(holds_all_but(expected, to.data(), content.data(), r.length, untouched));
}

TEMPLATE_TEST_CASE("over long stretches the holes are those that one fault a page finds", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("find_holes and salvage, from any place",
       [] { finds_what_is_there<TestType>(*any_terrain()); });
}

TEMPLATE_TEST_CASE("find_holes names every run of tiles that cannot be read", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("from any place", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    // A page counts for its first byte in the range.
    std::vector<hole> expected;
    std::size_t bad = 0;
    for (std::size_t at = r.offset; at < r.end();) {
      const std::size_t n = std::min(r.end() - at, kit::tile_size - at % kit::tile_size);
      const auto met = truth.fault_at(at, access_kind::read);
      if (met.kind != surefoot::cause::none) {
        terrain::add(expected, met, at - r.offset, n);
        bad += n;
      }
      at += n;
    }
    surefoot::holes_found sums;
    RC_ASSERT(terrain::found(field.data() + r.offset, r.length, TestType{}, &sums) == expected);
    RC_ASSERT(sums == (surefoot::holes_found{r.length - bad, bad, 0, expected.size(), {}}));
    RC_ASSERT(field.intact());
  });
}

// Each reason next to each, and next to itself in another mapping: long enough to be asked about.
TEMPLATE_TEST_CASE("two long stretches side by side keep their own reasons", "",
                   SUREFOOT_ALL_ENGINES) {
  for (const terrain::kind a : terrain::kinds_here())
    for (const terrain::kind b : terrain::kinds_here())
      for (const std::size_t pages : {std::size_t{2}, std::size_t{9}}) {
        const terrain::land land(
            {{a, pages}, {b, pages}, {a, 9}, {terrain::kind::good, 1}, {b, 9}});
        const auto expected = terrain::one_by_one(land.data(), land.size(), TestType{});
        std::vector<unsigned char> to(land.size());
        INFO(terrain::name(a) << " beside " << terrain::name(b) << ", " << pages << " pages each");
        CHECK(terrain::found(land.data(), land.size(), TestType{}) == expected);
        CHECK(terrain::left_out(to.data(), land.data(), land.size(), TestType{}) == expected);
      }
}

}  // namespace
