// Images that are linked to the executable: all of their symbols are in one scope.
#include <catch2/catch.hpp>
#include <vector>

#include "cast.hpp"
#include "child.hpp"
#include "image.hpp"
#include "stage.hpp"

#define GUEST_NAME hidden
#define GUEST_HIDDEN
#include "exports.hpp"
#undef GUEST_NAME
#undef GUEST_HIDDEN
#undef GUEST_EXPORT
#undef GUEST_NAMED
#undef GUEST_NAMED_
#define GUEST_NAME plain
#include "exports.hpp"

extern "C" {
const guest::image* guest_image_main();
const guest::image* guest_image_hidden();
const guest::image* guest_image_plain();
}

namespace cast {

std::vector<company> companies() {
  return {{"default and hidden visibility, linked", 3, [] {
             return std::vector{guest_image_main(), guest_image_plain(), guest_image_hidden()};
           }}};
}

}  // namespace cast

TEST_CASE("linked: a shared object may export functions that return the library's types") {
  const std::string said = child::trouble_in([] {
    stage::bad_memory bad;
    int good = 42;
    const auto* const past_end = reinterpret_cast<const int*>(bad.past_end);

    EXPECT(guest::touch_hidden(&good, sizeof good).all());
    EXPECT(guest::touch_hidden(bad.denied, 8).stopped_by.kind == surefoot::cause::denied);
    EXPECT(static_cast<bool>(guest::writeable_hidden(&good, sizeof good)));
    EXPECT(!guest::writeable_hidden(bad.denied, 8));
    EXPECT(guest::load_int_hidden(&good).value() == 42);
    EXPECT(guest::load_int_hidden(past_end).stopped_by.kind == surefoot::cause::no_backing);

    EXPECT(guest::touch_plain(&good, sizeof good).all());
    EXPECT(guest::touch_plain(bad.denied, 8).stopped_by.kind == surefoot::cause::denied);
    EXPECT(static_cast<bool>(guest::writeable_plain(&good, sizeof good)));
    EXPECT(!guest::writeable_plain(bad.denied, 8));
    EXPECT(guest::load_int_plain(&good).value() == 42);
    EXPECT(guest::load_int_plain(past_end).stopped_by.kind == surefoot::cause::no_backing);
  });
  CHECK(said == "");
}

TEST_CASE("linked: each image has state, table and record of its own") {
  const auto all = cast::companies().front().enter();
  for (const guest::image* const a : all) {
    CHECK(a->table_begin() < a->table_end());
    for (const guest::image* const b : all) {
      if (a == b) continue;
      CHECK(a->record() != b->record());
      CHECK(a->table_begin() != b->table_begin());
    }
  }
}
