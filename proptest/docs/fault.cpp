// The examples of fault.hpp.
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: access_kind says which side of a copy failed") {
  //! [access_kind]
  const kit::minefield field({tile::read_only});
  char buffer[16] = {};
  const progress copied = try_copy(field.data(), buffer, sizeof buffer);
  REQUIRE(copied.stopped_by.during == access_kind::write);  // the destination
  //! [access_kind]
}

TEST_CASE("example: cause says why an access was refused") {
  //! [cause]
  const kit::minefield field({tile::hole, tile::no_access, tile::past_end_of_file});
  const auto why = [&](std::size_t i) { return try_load<char>(field.begin_of(i)).stopped_by.kind; };
  REQUIRE(why(0) == cause::unmapped);
  REQUIRE(why(1) == cause::denied);
  REQUIRE(why(2) == cause::no_backing);
  REQUIRE(try_load<char>(field.begin_of(0) - 1).stopped_by.kind == cause::denied);
  //! [cause]
}

TEST_CASE("example: a fault names the first bad byte") {
  //! [fault]
  const kit::minefield field({tile::read_write, tile::hole});
  const fault met = ensure_readable(field.data(), field.size()).stopped_by;
  REQUIRE(met.kind == cause::unmapped);
  REQUIRE(met.address == field.begin_of(1));
  REQUIRE(met.during == access_kind::read);
  REQUIRE(met.extent == 0);  // not poison
  //! [fault]
}

TEST_CASE("example: progress counts what was done and what was not") {
  //! [progress]
  const kit::minefield field({tile::read_write, tile::hole});
  char buffer[100];
  const progress copied = try_copy(buffer, field.begin_of(1) - 60, sizeof buffer);
  REQUIRE(copied.done == 60);
  REQUIRE(copied.left == 40);
  REQUIRE(copied.any());
  REQUIRE_FALSE(copied.all());
  REQUIRE(copied.stopped_by.address == field.begin_of(1));
  //! [progress]
}

TEST_CASE("example: a verdict is a yes or the fault that makes it a no") {
  //! [verdict]
  const kit::minefield field({tile::read_write, tile::read_only});
  REQUIRE(ensure_writeable(field.begin_of(0), kit::tile_size));
  const verdict both = ensure_writeable(field.data(), field.size());
  if (!both) REQUIRE(both.stopped_by.address == field.begin_of(1));
  REQUIRE_FALSE(both);
  //! [verdict]
}

TEST_CASE("example: a result is a value or a fault") {
  //! [result]
  int here = 42;
  const kit::minefield field({tile::hole});
  const result<int> good = try_load(&here);
  REQUIRE(good.ok());
  REQUIRE(good.value() == 42);
  const result<int> bad = try_load<int>(field.data());
  REQUIRE(bad.value_or(-1) == -1);
  REQUIRE(bad.stopped_by.address == field.data());
  //! [result]
}

TEST_CASE("example: a result of nothing says whether it was done") {
  //! [result_void]
  volatile int seen = 0;
  const result<void> done = guarded([&]() noexcept { seen = 1; });
  REQUIRE(done.ok());
  REQUIRE(seen == 1);
  //! [result_void]
}

TEST_CASE("example: name, format and to_errno say what a fault was") {
  const kit::minefield field({tile::past_end_of_file});
  const fault met = try_load<char>(field.data()).stopped_by;
  //! [name]
  REQUIRE(std::string(name(met.kind)) == "no_backing");
  //! [name]

  //! [to_errno]
  REQUIRE(to_errno(met) == EIO);
  REQUIRE(to_errno(fault{}) == 0);
  //! [to_errno]

  //! [format]
  char line[100];
  const std::size_t length = format(met, line, sizeof line);
  REQUIRE(length == std::strlen(line));
  REQUIRE(std::string(line).rfind("no_backing: read at 0x", 0) == 0);
  REQUIRE(format(met, line, 8) == length);  // it says how long the whole line is
  REQUIRE(std::string(line) == "no_back");
  //! [format]
}

}  // namespace
