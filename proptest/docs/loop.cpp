// The examples of loop.hpp.
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: resume keeps what a step has done") {
  //! [resume]
  const kit::minefield field({tile::private_file, tile::read_only, tile::hole});
  std::vector<unsigned char> to(field.size());
  std::size_t at = 0;
  const auto step = [&](const volatile void* p, std::size_t n) {
    const progress copied = try_copy(&to[at], p, n);
    at += copied.done;
    return copied;
  };
  const progress all = resume<access_kind::read>(field.data(), field.size(), step);
  REQUIRE(all.done == 2 * kit::tile_size);
  REQUIRE(at == all.done);
  REQUIRE(all.stopped_by.kind == cause::unmapped);
  //! [resume]
}

TEST_CASE("example: a fault-in policy of one's own brings memory back") {
  //! [touch_with]
  kit::minefield field({tile::read_write, tile::no_access});
  const auto pager = [&](access_kind kind, const volatile void* p, std::size_t n) {
    field.change(1, tile::read_write);  // for example: read it from somewhere
    return touch_with<>{}(kind, p, n);  // then as the default does
  };
  const auto step = [](const volatile void* p, std::size_t n) {
    char here[256];
    return try_copy(here, p, n < sizeof here ? n : sizeof here);
  };
  REQUIRE(resume<access_kind::read>(field.data(), field.size(), step, {}, pager).all());
  REQUIRE(touch(access_kind::read, field.data(), 1).all());
  //! [touch_with]
}

TEST_CASE("example: loop_options bound a loop") {
  //! [loop_options]
  char buffer[100];
  unsigned calls = 0;
  const auto idle = [&](const volatile void*, std::size_t) -> std::size_t {
    ++calls;
    return 0;  // although the memory is fine
  };
  const loop_options few{.rounds = 4, .chunk = 50};
  const progress p = resume<access_kind::write>(buffer, idle, few);
  REQUIRE(p.stopped_by.kind == cause::stalled);
  REQUIRE(calls == 4);
  //! [loop_options]
}

TEST_CASE("example: stop ends a loop although nothing failed") {
  //! [stop]
  const char text[] = "one line\nand another";
  std::size_t length = 0;
  const auto until_newline = [&](const volatile void* p, std::size_t n) {
    const result<const void*> end = try_find(p, '\n', n);
    if (!end.ok() || end.value() == nullptr) return progress{n, 0, end.stopped_by};
    length = static_cast<std::size_t>(static_cast<const char*>(end.value()) - text);
    return stop(length, n);
  };
  const progress all = resume<access_kind::read>(text, until_newline);
  REQUIRE(all.stopped_by.kind == cause::stopped);
  REQUIRE(all.done == 8);
  //! [stop]
}

TEST_CASE("example: restart begins again until every byte is there") {
  //! [restart]
  kit::minefield field({tile::read_write, tile::no_access});
  char record[200];
  const auto load = [&] { return try_copy(record, field.begin_of(1) - 100, sizeof record); };
  const need all = reads(field.begin_of(1) - 100, sizeof record);
  const verdict without = restart(all, load);
  REQUIRE_FALSE(without);  // one probe, and no spin: nobody brings the page
  REQUIRE(without.stopped_by.address == field.begin_of(1));

  const auto pager = [&](access_kind, const volatile void*, std::size_t n) {
    field.change(1, tile::read_write);
    return progress{n, 0};
  };
  REQUIRE(restart(all, load, {}, ensure, pager));
  REQUIRE(std::memcmp(record, field.begin_of(1) - 100, sizeof record) == 0);
  //! [restart]
}

TEST_CASE("example: needs are every range that an operation touches") {
  //! [need]
  const std::vector<int> from{1, 2, 3};
  int to[3] = {};
  const need source = reads(from), destination = writes(to);
  REQUIRE(source.size == 12);  // bytes
  REQUIRE(destination.kind == access_kind::write);
  //! [need]

  //! [needs]
  const auto copy = [&] { return try_copy(to, from.data(), sizeof to); };
  const need_list<2> both = needs(reads(from), writes(to));
  REQUIRE(restart(both, copy));
  REQUIRE(to[2] == 3);
  //! [needs]
}

TEST_CASE("example: ensure_with asks with engine::kernel") {
  //! [ensure_with]
  const kit::minefield field({tile::read_write, tile::hole});
  const ensure_with probe{engine::kernel{}};  // for threads that block SIGSEGV
  REQUIRE(probe(access_kind::write, field.data(), kit::tile_size));
  REQUIRE_FALSE(ensure(access_kind::read, field.data(), field.size()));
  char to[2];
  const auto load = [&] { return try_copy(to, field.begin_of(1) - 1, 2, engine::kernel{}); };
  REQUIRE_FALSE(
      restart(reads(field.begin_of(1) - 1, 2), load, {}, probe, touch_with{engine::kernel{}}));
  //! [ensure_with]
}

}  // namespace
