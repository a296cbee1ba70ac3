// Test cases for catch2.sh, which says in what order they run. Catch2 takes SIGSEGV around each.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <surefoot/surefoot.hpp>

#include "../../unit/engines.hpp"
#include "../../unit/memory.hpp"

namespace {

template <class E>
void check_ours() {
  using surefoot::access_kind;
  for (const memory::kind k : {memory::kind::no_access, memory::kind::past_end_of_file}) {
    const memory::pages bad{k};
    CHECK(surefoot::try_load<int>(bad.data(), E{}).stopped_by ==
          memory::fault_of(k, access_kind::read, bad.data()));
  }
}

// Before the first test case Catch2 has no handler yet: it finds us, and puts us back behind each.
const bool were_first =
    std::getenv("SUREFOOT_TEST_INSTALLS_FIRST") != nullptr && surefoot::install();
int installed_here = 0;

}  // namespace

TEMPLATE_TEST_CASE("we work in a test case", "[.][works]", SUREFOOT_SIGNAL_ENGINES) {
  // It has taken SIGSEGV, and leaves SIGBUS alone.
  CHECK(surefoot::installed() ==
        surefoot::for_each_signal{.segv = false, .bus = were_first || installed_here++ > 0});
  REQUIRE(surefoot::install());
  CHECK(surefoot::installed().both());
  check_ours<TestType>();
}

TEST_CASE("we were installed before", "[.][installs]") { REQUIRE(surefoot::install()); }

TEST_CASE("a fault of nobody's", "[.][crashes]") { machine::surefoot_stray_load(nullptr); }
TEST_CASE("a fault of nobody's, with us", "[.][crashes-with]") {
  (void)surefoot::install();  // Catch2 asserts nothing here, as in the case above
  machine::surefoot_stray_load(nullptr);
}
