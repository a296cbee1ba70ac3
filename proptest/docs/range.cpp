// The examples of range.hpp.
#include <sys/uio.h>

#include <array>
#include <catch2/catch.hpp>
#include <span>
#include <string>
#include <surefoot/surefoot.hpp>
#include <vector>

namespace {

using namespace surefoot;

TEST_CASE("example: a range of bytes is anything with data and size") {
  //! [byte_range]
  static_assert(byte_range<std::span<const int>> && byte_range<int[4]> && byte_range<std::string>);
  static_assert(!byte_range<int> && !byte_range<std::vector<iovec>>);
  const std::array<int, 3> numbers{1, 2, 3};
  REQUIRE(fault_in_readable(numbers).done == 12);  // bytes
  //! [byte_range]
}

TEST_CASE("example: what is to be written has no const elements") {
  //! [writeable_byte_range]
  static_assert(writeable_byte_range<std::span<int>>);
  static_assert(!writeable_byte_range<std::span<const int>>);
  std::vector<char> buffer(100);
  REQUIRE(ensure_writeable(buffer));
  //! [writeable_byte_range]
}

TEST_CASE("example: a range of iovec is its buffers") {
  //! [buffer_range]
  static_assert(buffer_range<std::vector<iovec>> && !byte_range<iovec[2]>);
  char a[100], b[50];
  iovec buffers[] = {{a, sizeof a}, {b, sizeof b}};
  REQUIRE(fault_in_writeable(buffers).done == 150);
  REQUIRE(fault_in_writeable(buffers, sizeof buffers).done == sizeof buffers);  // the array itself
  //! [buffer_range]
}

}  // namespace
