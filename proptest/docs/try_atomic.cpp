// The examples of try_atomic.hpp.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: try_exchange returns what was there") {
  //! [try_exchange]
  int lock = 0;
  REQUIRE(try_exchange(&lock, 1).value() == 0);  // taken
  REQUIRE(try_exchange(&lock, 1).value() == 1);  // it was already

  const kit::minefield field({tile::read_only});
  const result<int> refused = try_exchange(reinterpret_cast<int*>(field.data()), 1);
  REQUIRE(refused.stopped_by.during == access_kind::write);
  REQUIRE(try_exchange(reinterpret_cast<int*>(field.data() + 1), 1).stopped_by.kind ==
          cause::misaligned);  // before any access
  //! [try_exchange]
}

TEST_CASE("example: try_compare_exchange stores where it finds what it expects") {
  //! [exchanged]
  std::uint64_t owner = 0;
  const result<exchanged<std::uint64_t>> first = try_compare_exchange(&owner, 0, 17);
  REQUIRE(first.value() == exchanged<std::uint64_t>{0, true});
  //! [exchanged]

  //! [try_compare_exchange]
  const auto second = try_compare_exchange(&owner, 0, 18).value();
  REQUIRE_FALSE(second.swapped);
  REQUIRE(second.was == 17);
  REQUIRE(owner == 17);
  //! [try_compare_exchange]
}

TEST_CASE("example: the fetch operations change a word that others change too") {
  //! [try_fetch_add]
  std::uint32_t users = 4;
  REQUIRE(try_fetch_add(&users, 1).value() == 4);
  REQUIRE(users == 5);
  //! [try_fetch_add]

  std::uint32_t flags = 0b0110;
  //! [try_fetch_and]
  REQUIRE(try_fetch_and(&flags, 0b0011).value() == 0b0110);
  REQUIRE(flags == 0b0010);
  //! [try_fetch_and]

  //! [try_fetch_or]
  REQUIRE(try_fetch_or(&flags, 0b1000).value() == 0b0010);
  REQUIRE(flags == 0b1010);
  //! [try_fetch_or]

  //! [try_fetch_xor]
  REQUIRE(try_fetch_xor(&flags, 0b1111).value() == 0b1010);
  REQUIRE(flags == 0b0101);
  //! [try_fetch_xor]
}

}  // namespace
