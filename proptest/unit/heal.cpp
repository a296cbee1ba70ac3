// heal(): fresh zero pages of the same protection in place of damaged ones, all else untouched.
#include <sys/mman.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::cause;
using surefoot::heal;
using surefoot::healed;

bool all_zero(const std::uint8_t* p, std::size_t n) {
  return std::all_of(p, p + n, [](std::uint8_t b) { return b == 0; });
}

TEST_CASE("a page past the end of its file is zeros after heal, and can be written") {
  const memory::pages land{kind::good, kind::past_end_of_file, kind::good};
  REQUIRE(surefoot::try_load(land.page(1)).stopped_by.kind == cause::no_backing);
  const auto met = heal(land.page(1) + 100, 1);
  REQUIRE(met.ok());
  CHECK(met.value() == healed{land.page(1), page_size, true, true});
  CHECK(all_zero(land.page(1), page_size));
  land.page(1)[5] = 7;
  CHECK(land.intact());
}

TEST_CASE("heal keeps the protection of each mapping that it replaces a part of") {
  const memory::pages land{kind::good, kind::read_only, kind::no_access, kind::good};
  REQUIRE(heal(land.page(0) + page_size - 1, 2 * page_size).ok());
  CHECK(all_zero(land.page(0), page_size));
  CHECK(bool(surefoot::ensure_writeable(land.page(0), page_size)));
  CHECK(all_zero(land.page(1), page_size));
  CHECK(surefoot::ensure_writeable(land.page(1), 1).stopped_by.kind == cause::denied);
  CHECK(surefoot::try_load(land.page(2)).stopped_by.kind == cause::denied);
  CHECK(land.intact(land.page(0), 2 * page_size));
}

TEST_CASE("heal of a range that is not all mapped changes nothing and says where") {
  const memory::pages land{kind::good, kind::hole, kind::good};
  const auto met = heal(land.data() + 10, land.size() - 10);
  REQUIRE_FALSE(met.ok());
  CHECK(met.stopped_by.kind == cause::unmapped);
  CHECK(met.stopped_by.address == land.page(1));
  CHECK(heal(land.page(1) + 3, 1).stopped_by.address == land.page(1) + 3);
  CHECK(land.intact());
}

TEST_CASE("heal of a private anonymous page says that no file and no sharing was involved") {
  const memory::pages land{kind::good};
  CHECK(heal(land.data(), 1).value() == healed{land.data(), page_size, false, false});
}

TEST_CASE("heal of nothing and of a range that wraps changes nothing") {
  const memory::pages land{kind::good};
  CHECK(heal(nullptr, 0).value_or({nullptr, 1}) == healed{});
  CHECK(heal(land.data(), SIZE_MAX).stopped_by.kind == cause::bad_address);
  CHECK(heal(memory::at(memory::kernel_half[0]), 1).stopped_by.kind == cause::unmapped);
  CHECK(land.intact());
}

}  // namespace
