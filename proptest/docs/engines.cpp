// The examples of the engines.
#include <signal.h>

#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

using namespace surefoot;
namespace kit = surefoot::testing;
using kit::tile;

TEST_CASE("example: the standard engine is what a call gets that names none") {
  //! [standard]
  const kit::minefield field({tile::hole});
  REQUIRE(try_load<int>(field.data()) == try_load<int>(field.data(), engine::standard{}));
  REQUIRE(engine::standard::sees(cause::unmapped));
  REQUIRE(engine::standard::page_size() == 4096);
  //! [standard]
}

#if SUREFOOT_HAS_TABLE
TEST_CASE("example: engine::table finds its faults by the instruction") {
  //! [table]
  const kit::minefield field({tile::read_write, tile::hole});
  const result<int> bad = try_load<int>(field.begin_of(1), engine::table{});
  REQUIRE(bad.stopped_by.signal == SIGSEGV);
  static_assert(
      !engine::offering<engine::table, engine::verb::run>);  // for guarded(): engine::jump
  //! [table]
}
#endif

TEST_CASE("example: engine::jump can run any code") {
  //! [jump]
  const kit::minefield field({tile::hole});
  const volatile unsigned char* const p = field.data();
  const result<int> r = guarded([p]() noexcept -> int { return *p; }, engine::jump{});
  REQUIRE(r.stopped_by.address == p);
  REQUIRE(try_load<int>(field.data(), engine::jump{}).stopped_by.kind == cause::unmapped);
  //! [jump]
}

TEST_CASE("example: engine::kernel needs no signal") {
  //! [kernel]
  const kit::minefield field({tile::read_write, tile::no_access});
  sigset_t faults;
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  pthread_sigmask(SIG_BLOCK, &faults,
                  nullptr);  // on this thread any other engine's fault would kill
  char to[100];
  const progress copied = try_copy(to, field.begin_of(1) - 40, sizeof to, engine::kernel{});
  REQUIRE(copied.done == 40);
  REQUIRE(copied.stopped_by.signal == 0);
  //! [kernel]
  pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
}

}  // namespace
