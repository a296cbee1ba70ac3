// Copies, fills, gather, scatter and salvage over random layouts: exactly a prefix, and nothing around
// it.
#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "property.hpp"

namespace {

using namespace property;

// Good memory of the same size as a minefield, every byte of it known.
class plain {
 public:
  explicit plain(std::size_t n) : bytes_(n) { clear(); }

  unsigned char* data() { return bytes_.data(); }
  unsigned char original(std::size_t i) const { return static_cast<unsigned char>(i * 7 + 3); }
  void clear() {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = original(i);
  }
  // Is all as it was, but for the n bytes from this offset on?
  bool intact(std::size_t offset, std::size_t n) const {
    for (std::size_t i = 0; i < bytes_.size(); ++i)
      if (i - offset >= n && bytes_[i] != original(i)) return false;
    return true;
  }

 private:
  std::vector<unsigned char> bytes_;
};

bool holds_content(const kit::minefield& field, std::size_t offset, const unsigned char* at,
                   std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    if (at[i] != field.content(offset + i)) return false;
  return true;
}

TEMPLATE_TEST_CASE("a copy out of any layout is exactly the prefix before the first bad byte", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("from any place to any place", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    const std::size_t skew = *rc::gen::inRange<std::size_t>(0, 64);
    plain to(field.size() + 64);
    const auto met =
        surefoot::try_copy(to.data() + skew, field.data() + r.offset, r.length, TestType{});
    RC_ASSERT(met == truth.progress(r, access_kind::read));
    RC_ASSERT(holds_content(field, r.offset, to.data() + skew, met.done));
    RC_ASSERT(to.intact(skew, met.done));
    RC_ASSERT(field.intact());
  });
}

TEMPLATE_TEST_CASE("a copy into any layout is exactly the prefix before the first bad byte", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("from any place to any place", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    const std::size_t skew = *rc::gen::inRange<std::size_t>(0, 64);
    plain from(field.size() + 64);
    const auto met =
        surefoot::try_copy(field.data() + r.offset, from.data() + skew, r.length, TestType{});
    RC_ASSERT(met == truth.progress(r, access_kind::write));
    RC_ASSERT(holds_written(field, r.offset, from.data() + skew, met.done));
    RC_ASSERT(field.intact(r.offset, met.done));
    RC_ASSERT(from.intact(0, 0));
  });
}

TEMPLATE_TEST_CASE(
    "a copy from one layout into another stops at the first byte that either refuses", "",
    SUREFOOT_ALL_ENGINES) {
  prop("from any place to any place", [](const kit::layout& source, const kit::layout& target) {
    const kit::minefield from(source.tiles), to(target.tiles);
    const kit::reach r = *kit::any_reach(from.size());
    const std::size_t at = *kit::any_place(to.size());
    const kit::reach w{at, std::min(r.length, to.size() - at)};
    const auto read = oracle<TestType>(from).progress({r.offset, w.length}, access_kind::read);
    const auto write = oracle<TestType>(to).progress(w, access_kind::write);
    const auto met =
        surefoot::try_copy(to.data() + at, from.data() + r.offset, w.length, TestType{});
    // A byte is loaded before it is stored.
    RC_ASSERT(met == (read.done <= write.done ? read : write));
    std::vector<unsigned char> content;
    for (std::size_t i = 0; i < met.done; ++i) content.push_back(from.content(r.offset + i));
    RC_ASSERT(holds_written(to, at, content.data(), met.done));
    RC_ASSERT(to.intact(at, met.done));
    RC_ASSERT(from.intact());
  });
}

TEMPLATE_TEST_CASE("a fill of any layout writes exactly the prefix before the first bad byte", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("at any place", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const kit::reach r = e.part;
    const auto byte = *rc::gen::arbitrary<unsigned char>();
    unsigned char* const p = field.data() + r.offset;
    const auto met = surefoot::try_fill(p, byte, r.length, TestType{});
    RC_ASSERT(met == oracle<TestType>(field).progress(r, access_kind::write));
    const std::vector<unsigned char> filled(met.done, byte);
    RC_ASSERT(holds_written(field, r.offset, filled.data(), met.done));
    RC_ASSERT(field.intact(r.offset, met.done));
  });
}

std::vector<iovec> buffers_of(const kit::minefield& field, const std::vector<kit::reach>& parts) {
  std::vector<iovec> all;
  for (const kit::reach& r : parts) all.push_back({field.data() + r.offset, r.length});
  return all;
}

// The answer for buffers that are done one after the other: whole ones, then the first short one.
template <class E>
surefoot::progress over(const kit::minefield& field, const std::vector<kit::reach>& parts,
                        access_kind during) {
  surefoot::progress all{};
  for (const kit::reach& r : parts) all.left += r.length;
  for (const kit::reach& r : parts) {
    const auto one = oracle<E>(field).progress(r, during);
    all.done += one.done;
    all.left -= one.done;
    all.stopped_by = one.stopped_by;
    if (!one.all()) break;
  }
  return all;
}

TEMPLATE_TEST_CASE("a gather stops in the first buffer that is short, with the exact total", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("over empty and overlapping buffers", [](const kit::layout& l) {
    const kit::minefield field(l.tiles);
    const auto parts = *kit::any_reaches(field.size());
    const auto expected = over<TestType>(field, parts, access_kind::read);
    plain to(expected.done + expected.left + 64);
    RC_ASSERT(surefoot::try_gather(to.data() + 32, buffers_of(field, parts), TestType{}) ==
              expected);
    std::size_t at = 0;
    for (const kit::reach& r : parts) {
      const std::size_t n = std::min(r.length, expected.done - at);
      RC_ASSERT(holds_content(field, r.offset, to.data() + 32 + at, n));
      at += n;
    }
    RC_ASSERT(to.intact(32, expected.done));
    RC_ASSERT(field.intact());
  });
}

TEMPLATE_TEST_CASE("a scatter stops in the first buffer that is short, with the exact total", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("over empty and overlapping buffers", [](const kit::layout& l) {
    const kit::minefield field(l.tiles);
    const auto parts = *kit::any_reaches(field.size());
    const auto expected = over<TestType>(field, parts, access_kind::write);
    plain from(expected.done + expected.left);
    // What the field must hold: each buffer in its turn, over what an earlier one has left there.
    std::vector<int> model(field.size(), -1);
    std::size_t at = 0;
    for (const kit::reach& r : parts)
      for (std::size_t i = 0; i < r.length && at < expected.done; ++i, ++at)
        model[r.offset + i] = from.original(at);
    RC_ASSERT(surefoot::try_scatter(buffers_of(field, parts), from.data(), TestType{}) == expected);
    for (std::size_t i = 0; i < model.size(); ++i) {
      if (!field.ask(i, access_kind::read).accessible()) {
        i += kit::granule(field.tiles()[i / kit::tile_size]) - 1;  // all of it has one answer
        continue;
      }
      RC_ASSERT(field.data()[i] == (model[i] < 0 ? field.content(i) : model[i]));
    }
  });
}

struct run {
  surefoot::fault why;
  std::size_t offset, bytes;
  friend bool operator==(const run&, const run&) = default;
};

TEMPLATE_TEST_CASE("salvage copies every byte that can be read and names every run that cannot", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("from any place", [](const kit::excerpt& e) {
    const kit::minefield field(e.tiles);
    const oracle<TestType> truth(field);
    const kit::reach r = e.part;
    plain to(r.length);
    std::vector<run> expected, met;
    std::vector<bool> is_lost(r.length);
    for (std::size_t i = 0; i < r.length; ++i) {
      const auto here = truth.fault_at(r.offset + i, access_kind::read);
      if (here.kind == surefoot::cause::none) continue;
      is_lost[i] = true;
      const bool goes_on =
          !expected.empty() && expected.back().offset + expected.back().bytes == i &&
          expected.back().why.kind == here.kind && expected.back().why.signal == here.signal &&
          expected.back().why.code == here.code;
      if (goes_on)
        ++expected.back().bytes;
      else
        expected.push_back({here, i, 1});
    }
    const auto all = surefoot::salvage(
        to.data(), field.data() + r.offset, r.length,
        [&](const surefoot::fault& why, std::size_t offset, std::size_t bytes) {
          met.push_back({why, offset, bytes});
        },
        TestType{});
    const auto lost = static_cast<std::size_t>(std::count(is_lost.begin(), is_lost.end(), true));
    RC_ASSERT(met == expected);
    RC_ASSERT(all == (surefoot::salvaged{r.length - lost, lost, 0, met.size(), {}}));
    for (std::size_t i = 0; i < r.length; ++i)
      RC_ASSERT(to.data()[i] == (is_lost[i] ? to.original(i) : field.content(r.offset + i)));
    RC_ASSERT(field.intact());
  });
}

}  // namespace
