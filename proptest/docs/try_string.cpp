// The examples of try_string.hpp.
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: try_length measures a string that may run into a hole") {
  //! [try_length]
  const kit::minefield field({tile::read_write, tile::hole});
  char* const text = reinterpret_cast<char*>(field.begin_of(1) - 6);
  std::memcpy(text, "hello", 6);
  REQUIRE(try_length(text, 4096).value() == 5);  // the answer lies before the hole
  text[5] = '!';
  REQUIRE(try_length(text, 4096).stopped_by.address == field.begin_of(1));
  REQUIRE(try_length(text, 6).value() == 6);  // strnlen
  //! [try_length]
}

TEST_CASE("example: try_find looks for a byte") {
  //! [try_find]
  const char text[] = "key=value";
  REQUIRE(try_find(text, '=', sizeof text).value() == text + 3);
  REQUIRE(try_find(text, '#', sizeof text).value() == nullptr);
  //! [try_find]
}

TEST_CASE("example: try_compare compares as far as it must") {
  //! [try_compare]
  const kit::minefield field({tile::read_write, tile::hole});
  const unsigned char* const here = field.begin_of(1) - 8;
  unsigned char other[100];
  std::memcpy(other, here, 8);
  REQUIRE(try_compare(here, other, 8).value() == 0);
  REQUIRE(try_compare(here, other, 100).stopped_by.address == field.begin_of(1));
  other[7] = static_cast<unsigned char>(here[7] + 1);
  REQUIRE_FALSE(try_compare(here, other, 100).value() == 0);  // they differ before the hole
  //! [try_compare]
}

TEST_CASE("example: try_copy_string copies a string with its end") {
  //! [string_copy]
  char to[16] = {};
  const string_copy whole = try_copy_string(to, "/dev/null", sizeof to);
  REQUIRE(whole.terminated);
  REQUIRE(whole.copied.done == 10);
  //! [string_copy]

  //! [try_copy_string]
  REQUIRE(std::string(to) == "/dev/null");
  char too_small[4];
  const string_copy part = try_copy_string(too_small, "/dev/null", sizeof too_small);
  REQUIRE(part.copied.all());      // 4 bytes, as asked for
  REQUIRE_FALSE(part.terminated);  // and none of them ends it
  //! [try_copy_string]
}

}  // namespace
