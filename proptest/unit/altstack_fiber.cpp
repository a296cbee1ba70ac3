// A fault on a stack that is too small for a signal frame: the alternate stack is there for it.
//
// Too small also for the dynamic linker, which needs 2.7 KiB of stack when a function is called for
// the first time (_dl_runtime_resolve_xsave): so there is a fault on an ordinary stack first. And
// for a sanitizer's frames: with one this is about any fiber.
#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

std::uint8_t* bad = nullptr;
surefoot::fault* met = nullptr;

template <class E>
void load_once() {
  *met = surefoot::try_load<std::uint64_t>(bad, E{}).stopped_by;
}

}  // namespace

TEMPLATE_TEST_CASE("a fault on a fiber's stack of 3 KiB is answered on the alternate stack", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  for (const memory::kind k : {memory::kind::hole, memory::kind::past_end_of_file}) {
    const memory::pages land{k};
    const process::shared<surefoot::fault> seen;
    bad = land.data();
    met = &*seen;
    const process::ending end = process::run([&] {
      (void)surefoot::install();
      const process::stack alternate(64 * 1024);
      const stack_t a = process::alternate(alternate.begin(), alternate.size());
      ::sigaltstack(&a, nullptr);
      constexpr std::size_t size = build::is_sanitized ? 64 * 1024 : 3 * 1024;
      const process::stack small(size);
      load_once<TestType>();
      *met = {};
      process::fiber one(small.begin(), size, &load_once<TestType>);
      one.enter();
    });
    CHECK(end.status == 0);
    CHECK(*seen == memory::fault_of(k, surefoot::access_kind::read, bad));
  }
}
