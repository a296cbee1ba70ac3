// Around each run: how many random cases a property gets unless RC_PARAMS says so, and in the end the
// tiles that were exercised, in the form that `./run test` collects.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <surefoot/testing/minefield.hpp>

namespace {

#if defined(__SANITIZE_ADDRESS__)
#define SUREFOOT_FEWER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SUREFOOT_FEWER
#endif
#endif
#ifdef SUREFOOT_FEWER
constexpr const char* cases = "max_success=500";  // a fault there costs a hundred times more
#else
constexpr const char* cases = "max_success=10000";
#endif

class around : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testRunStarting(const Catch::TestRunInfo&) override { ::setenv("RC_PARAMS", cases, 0); }
  void testRunEnded(const Catch::TestRunStats&) override {
    namespace kit = surefoot::testing;
    for (const kit::tile t : kit::all_tiles())
      std::printf("TILE: %s: %llu: %s\n", kit::name(t),
                  static_cast<unsigned long long>(kit::exercised::times(t)),
                  kit::lacking(t).c_str());
  }
};

}  // namespace

CATCH_REGISTER_LISTENER(around)
