// The examples of try_gather.hpp.
#include <sys/uio.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: try_gather counts over all its buffers") {
  //! [try_gather]
  const kit::minefield field({tile::read_write, tile::hole});
  char head[] = "head";
  const iovec from[] = {{head, 4}, {nullptr, 0}, {field.begin_of(1) - 6, 100}};
  char to[104];
  const progress gathered = try_gather(to, from);
  REQUIRE(gathered.done == 4 + 6);
  REQUIRE(gathered.left == 94);
  REQUIRE(std::memcmp(to, "head", 4) == 0);
  //! [try_gather]
}

TEST_CASE("example: try_scatter fills buffers one after the other") {
  //! [try_scatter]
  char a[3], b[5];
  const iovec to[] = {{a, sizeof a}, {b, sizeof b}};
  REQUIRE(try_scatter(to, "one two!").all());
  REQUIRE(std::memcmp(a, "one", 3) == 0);
  REQUIRE(std::memcmp(b, " two!", 5) == 0);
  //! [try_scatter]
}

}  // namespace
