// The two questions, over random layouts.
#include "../timed.hpp"
#include "property.hpp"

namespace {

using namespace property;

TEMPLATE_TEST_CASE("fault_in stops at the first page that fails, and changes nothing", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("for reading and for writing", [](const kit::excerpt& e) {
    // A probe of one byte of a page says nothing of its other granules.
    for (const kit::tile t : e.tiles) RC_PRE(kit::granule(t) == kit::tile_size);
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    unsigned char* const p = field.data() + r.offset;
    const auto read = surefoot::fault_in_readable(p, r.length, TestType{});
    RC_ASSERT(read == truth.progress(r, access_kind::read));
    const auto write = surefoot::fault_in_writeable(p, r.length, TestType{});
    RC_ASSERT(write == truth.progress(r, access_kind::write));
    if (r.length > 0) {
      RC_ASSERT(read.any() == truth.ask(r.offset, access_kind::read).accessible());
      RC_ASSERT(write.any() == truth.ask(r.offset, access_kind::write).accessible());
    }
    RC_ASSERT(field.intact());
  });
}

// With any clock, and so whoever populates them (engine/populate.hpp).
TEMPLATE_TEST_CASE("fault_in answers the same, whatever the clock says", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  using engine = timed::anyhow<TestType>;
  prop("for reading and for writing", [](const kit::excerpt& e) {
    for (const kit::tile t : e.tiles) RC_PRE(kit::granule(t) == kit::tile_size);
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    unsigned char* const p = field.data() + r.offset;
    timed::fickle::state = r.offset * 2 + r.length * 4096 + 1;
    RC_ASSERT(surefoot::fault_in_readable(p, r.length, engine{}) ==
              truth.progress(r, access_kind::read));
    RC_ASSERT(surefoot::fault_in_writeable(p, r.length, engine{}) ==
              truth.progress(r, access_kind::write));
    RC_ASSERT(field.intact());
  });
}

TEMPLATE_TEST_CASE(
    "ensure_accessible is true exactly where every byte is, else it names the first bad one", "",
    SUREFOOT_ALL_ENGINES) {
  prop("for reading and for writing", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    unsigned char* const p = field.data() + r.offset;
    RC_ASSERT(surefoot::ensure_readable(p, r.length, TestType{}).stopped_by ==
              truth.first_bad(r, access_kind::read));
    RC_ASSERT(surefoot::ensure_writeable(p, r.length, TestType{}).stopped_by ==
              refused_for_writing(truth.progress(r, access_kind::read),
                                  truth.progress(r, access_kind::write)));
    RC_ASSERT(field.intact());
  });
}

}  // namespace
