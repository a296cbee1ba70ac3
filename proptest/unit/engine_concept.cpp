// What an engine is, and what a primitive does with one that is not ours.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "by_kind.hpp"
#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::verdict;
namespace engine = surefoot::engine;
using engine::verb;

constexpr verb every_verb[] = {verb::probe, verb::scan,  verb::copy,
                               verb::load,  verb::store, verb::run};

// --- models

// Offers nothing, which is a model all the same.
struct nothing {
  static constexpr bool offers(verb) noexcept { return false; }
  static constexpr bool sees(cause) noexcept { return false; }
  static constexpr std::size_t page_size() noexcept { return 4096; }
  static constexpr std::size_t granule() noexcept { return 4096; }
  static bool ready() noexcept { return true; }
};
// Says that it offers what it does not have.
struct liar : nothing {
  static constexpr bool offers(verb v) noexcept { return v == verb::copy; }
};
// Has all of engine::jump, but for one verb.
template <verb Missing>
struct without : engine::jump {
  static constexpr bool offers(verb v) noexcept { return v != Missing && engine::jump::offers(v); }
};
// Cannot be made ready, and must then not be used.
struct never_ready : engine::jump {
  static bool ready() noexcept { return false; }
};
struct no_pages : nothing {
  static void page_size() noexcept;
};
struct no_granules : nothing {
  static void granule() noexcept;
};
struct may_throw : nothing {
  static bool ready() { return true; }
};

static_assert(engine::model<nothing> && engine::complete<nothing>);
static_assert(engine::model<liar> && !engine::complete<liar>);
static_assert(!engine::model<int> && !engine::model<no_pages> && !engine::model<no_granules>);
static_assert(!engine::model<may_throw>);
static_assert(engine::complete<engine::standard> && engine::complete<engine::jump>);
static_assert(engine::complete<engine::installed<engine::standard>>);
static_assert(engine::complete<without<verb::load>>);

// Is every verb offered but this one?
template <class E>
constexpr bool offers_all_but(verb missing) {
  for (const verb v : every_verb)
    if (E::offers(v) != (v != missing)) return false;
  return true;
}
#if SUREFOOT_HAS_TABLE
static_assert(offers_all_but<engine::table>(verb::run));
static_assert(!engine::offering<engine::table, verb::load, verb::run>);
static_assert(engine::table::offers(verb::tag) == surefoot::arch::has_tags);
static_assert(engine::table::offers(verb::search) == surefoot::arch::has_searches);
#endif
static_assert(engine::jump::offers(verb::tag) == surefoot::arch::has_tags);
static_assert(!engine::kernel::offers(verb::tag));
static_assert(engine::offering<engine::jump, verb::probe, verb::scan, verb::copy, verb::load,
                               verb::store, verb::run>);
static_assert(!engine::offering<nothing, verb::probe> && engine::offering<nothing>);

// --- which primitive compiles with which engine

template <class E>
concept loads = requires(int* p, E e) {
  surefoot::try_load(p, e);
};
template <class E>
concept stores = requires(int* p, E e) {
  surefoot::try_store(p, 1, e);
};
template <class E>
concept copies = requires(int* p, E e) {
  surefoot::try_copy(p, p, 4, e);
};
template <class E>
concept faults_in = requires(int* p, E e) {
  surefoot::fault_in_readable(p, 4, e);
  surefoot::fault_in_writeable(p, 4, e);
};
template <class E>
concept ensures = requires(int* p, E e) {
  surefoot::ensure_readable(p, 4, e);
  surefoot::ensure_writeable(p, 4, e);
};
template <class E>
concept ensures_each_byte = requires(int* p, E e) {
  surefoot::ensure_accessible<access_kind::read, surefoot::granularity::byte>(p, 4, e);
};
template <class E>
concept guards = requires(void (*f)() noexcept, E e) {
  surefoot::guarded(f, e);
};

#if SUREFOOT_HAS_TABLE
static_assert(loads<engine::table> && stores<engine::table> && copies<engine::table>);
static_assert(faults_in<engine::table> && ensures<engine::table> && !guards<engine::table>);
#endif
static_assert(loads<engine::jump> && stores<engine::jump> && copies<engine::jump>);
static_assert(faults_in<engine::jump> && ensures<engine::jump> && guards<engine::jump>);
static_assert(!loads<nothing> && !stores<nothing> && !copies<nothing> && !faults_in<nothing>);
static_assert(!ensures<nothing> && !ensures_each_byte<nothing> && !guards<nothing>);
static_assert(!loads<without<verb::load>> && stores<without<verb::load>>);
static_assert(!stores<without<verb::store>> && loads<without<verb::store>>);
static_assert(!copies<without<verb::copy>> && faults_in<without<verb::copy>>);
static_assert(!faults_in<without<verb::probe>> && copies<without<verb::probe>>);
static_assert(!ensures<without<verb::scan>> && ensures_each_byte<without<verb::scan>>);
static_assert(!guards<without<verb::run>> && loads<without<verb::run>>);
static_assert(!loads<int> && !copies<int> && !guards<int>);

// --- what can only be seen at run time

TEMPLATE_TEST_CASE("an engine says which causes it can tell, and both of ours can tell all", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  for (const cause c : {cause::unmapped, cause::denied, cause::no_backing, cause::poisoned,
                        cause::bad_address, cause::tag_mismatch})
    CHECK(TestType::sees(c));
  CHECK(TestType::page_size() == memory::page_size);
}

TEMPLATE_TEST_CASE("a proven engine answers as the engine that it proves", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const auto e = surefoot::install<TestType>();
  const memory::pages land{kind::good, kind::hole};
  std::uint8_t to[20];
  const fault expected = memory::fault_of(kind::hole, access_kind::read, land.page(1));
  CHECK(surefoot::try_copy(to, land.page(1) - 10, 20, e) == progress{10, 10, expected});
  CHECK(surefoot::try_load(land.page(1), e).stopped_by == expected);
  CHECK(surefoot::ensure_readable(land.data(), land.size(), e) == verdict{expected});
  CHECK(surefoot::fault_in_readable(land.page(1) - 1, 2, e) == progress{1, 1, expected});
}

TEST_CASE("with an engine that cannot be made ready nothing is touched, and the cause is unknown") {
  const memory::pages land{kind::good, kind::untouched};
  const never_ready e;
  std::uint8_t* const p = land.page(1);
  const auto unknown = [p](access_kind during) { return fault{p, cause::unknown, during}; };
  const fault no_read = unknown(access_kind::read);
  const fault no_write = unknown(access_kind::write);
  CHECK(surefoot::fault_in_readable(p, 10, e) == progress{0, 10, no_read});
  CHECK(surefoot::fault_in_writeable(p, 10, e) == progress{0, 10, no_write});
  CHECK(surefoot::ensure_readable(p, 10, e) == verdict{no_read});
  CHECK(surefoot::ensure_writeable(p, 10, e) == verdict{no_write});
  CHECK(surefoot::try_copy(land.data(), p, 10, e) == progress{0, 10, no_read});
  CHECK(surefoot::try_load(p, e).stopped_by == no_read);
  CHECK(surefoot::try_store(p, std::uint8_t{1}, e) == verdict{no_write});
  bool ran = false;
  const auto run = [&ran]() noexcept { ran = true; };
  CHECK(surefoot::guarded(run, e).stopped_by.kind == cause::unknown);
  CHECK(surefoot::guarded(p, 10, run, e).stopped_by == no_read);
  CHECK_FALSE(ran);
  CHECK_FALSE(memory::resident(p));
  CHECK(land.intact());
}

}  // namespace
