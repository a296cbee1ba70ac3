// How a property is tried. And around each run: how many random cases it gets unless RC_PARAMS says so, and
// in the end how many layouts there were and the tiles that were exercised, in the form that `./run test`
// collects.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "property.hpp"

namespace property {

void prop(const char* name, const property_of<>& holds) { rc::prop(name, holds); }
void prop(const char* name, const property_of<kit::excerpt>& holds) { rc::prop(name, holds); }
void prop(const char* name, const property_of<kit::layout>& holds) { rc::prop(name, holds); }
void prop(const char* name, const property_of<kit::layout, kit::layout>& holds) {
  rc::prop(name, holds);
}

}  // namespace property

namespace {

class around : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testRunStarting(const Catch::TestRunInfo&) override {
    ::setenv("RC_PARAMS", property::usual_cases, 0);
  }
  void testRunEnded(const Catch::TestRunStats&) override {
    namespace kit = surefoot::testing;
    std::printf("LAYOUTS: %llu\n", static_cast<unsigned long long>(kit::exercised::layouts()));
    for (const kit::tile t : kit::all_tiles())
      std::printf("TILE: %s: %llu: %s\n", kit::name(t),
                  static_cast<unsigned long long>(kit::exercised::times(t)),
                  kit::lacking(t).c_str());
  }
};

}  // namespace

CATCH_REGISTER_LISTENER(around)
