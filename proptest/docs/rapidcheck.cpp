// The examples of testing/rapidcheck.hpp.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/rapidcheck.hpp>
#include <vector>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;

TEST_CASE("example: a property of a copy over any layout") {
  //! [any_excerpt]
  REQUIRE(rc::check("a copy comes as far as it can", [] {
    const kit::excerpt e = *kit::any_excerpt(3);
    const kit::minefield field(e.tiles);
    std::vector<unsigned char> to(e.part.length + 1);
    RC_ASSERT(try_copy(to.data(), field.data() + e.part.offset, e.part.length).done ==
              field.accessible(e.part.offset, e.part.length, access_kind::read));
  }));
  //! [any_excerpt]
}

TEST_CASE("example: any tile, layout and part of it") {
  //! [any_tile]
  REQUIRE(rc::check([] { RC_ASSERT(kit::is_here(*kit::any_tile())); }));
  //! [any_tile]

  //! [any_layout]
  REQUIRE(rc::check([] {
    const kit::layout l = *kit::any_layout(3);
    RC_ASSERT(l.tiles.size() <= 3u);
    RC_ASSERT(kit::minefield(l.tiles).size() >= kit::tile_size);
  }));
  //! [any_layout]

  //! [any_place]
  REQUIRE(rc::check([] { RC_ASSERT(*kit::any_place(8192) <= 8192u); }));
  //! [any_place]

  //! [any_reach]
  REQUIRE(rc::check([] { RC_ASSERT((*kit::any_reach(8192)).end() <= 8192u); }));
  //! [any_reach]

  //! [any_reaches]
  REQUIRE(rc::check([] {
    for (const kit::reach& r : *kit::any_reaches(8192)) RC_ASSERT(r.end() <= 8192u);
  }));
  //! [any_reaches]
}

TEST_CASE("example: a loop with any steps") {
  //! [any_step]
  REQUIRE(rc::check("resume does all, whatever its steps", [] {
    auto plans = *kit::any_steps(true);  // none of them claims too much
    plans.push_back(*kit::any_step(true));
    char buffer[3000];
    std::size_t i = 0;
    const auto step = [&](const volatile void*, std::size_t n) -> std::size_t {
      const kit::step_plan plan = i < plans.size() ? plans[i++] : kit::step_plan{};
      if (plan.kind == kit::step_kind::idle) return 0;
      return plan.kind == kit::step_kind::brief && plan.amount < n ? plan.amount : n;
    };
    RC_ASSERT(resume<access_kind::read>(buffer, step).all());
  }));
  //! [any_step]
}

}  // namespace
