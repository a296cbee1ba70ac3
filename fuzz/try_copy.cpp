// try_copy, try_fill, try_gather, try_scatter, salvage: exactly a prefix, and nothing around it.
#include <sys/uio.h>

#include <algorithm>
#include <vector>

#include "holes.hpp"
#include "target.hpp"

namespace fuzz {

namespace {

void copy_out(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const std::size_t skew = c.value() % 64u;
  on_each_engine([&]<class E>(E e) {
    const auto got =
        surefoot::try_copy(memory().data() + skew, space().data() + r.offset, r.length, e);
    expect_same(got, space().expected<E>(r, access_kind::read), "copy out");
    expect(space().model().holds(r.offset, memory().data() + skew, got.done), "copy out: content");
    memory().expect_rest(skew, got.done, "copy out: outside of the prefix");
  });
}

void copy_in(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  if (space().model().has_aliases(r)) return;
  std::size_t skew = c.value() % 64u;
  on_each_engine([&]<class E>(E e) {
    ++skew;  // other bytes for each engine
    const auto should = space().expected<E>(r, access_kind::write);
    const auto got =
        surefoot::try_copy(space().data() + r.offset, memory().data() + skew, r.length, e);
    expect_same(got, should, "copy in");
    space().wrote(r.offset, memory().originals(skew), got.done);
    expect_content(around(r));
  });
}

// Takes the pages of this part as they are now, and those that show the same file: nothing else may be
// another one.
void adopt_what_shows(const kit::reach& r) {
  const auto& pages = space().model().pages;
  for (std::size_t i = 0; i < kit::space_pages; ++i)
    for (std::size_t k = r.offset / kit::tile_size; k * kit::tile_size < r.end(); ++k) {
      const bool shows = kit::space_model::is_file(pages[i].laid) &&
                         kit::space_model::is_file(pages[k].laid) && pages[i].file == pages[k].file;
      if (i == k || shows) space().adopt({i * kit::tile_size, kit::tile_size});
    }
}

// From one place of the layout to another. The destination may overlap the source from below.
void copy_within(kit::fuzzed_call& c) {
  kit::reach from = c.part();
  kit::reach to{c.next_part().offset, 0};
  from.length = std::min(from.length, kit::space_size - to.offset);
  to.length = from.length;
  if (to.offset > from.offset && to.offset < from.end()) std::swap(to, from);
  const auto& model = space().model();
  const bool is_known = !model.has_aliases(to) && !model.has_aliases(from, to);
  on_each_engine([&]<class E>(E e) {
    const auto read = space().expected<E>(from, access_kind::read);
    const auto write = space().expected<E>(to, access_kind::write);
    std::vector<unsigned char> bytes(std::min(read.done, write.done));
    model.read(from.offset, bytes.data(), bytes.size());
    const auto got = surefoot::try_copy(space().data() + to.offset, space().data() + from.offset,
                                        from.length, e);
    // A byte is loaded before it is stored.
    expect_same(got, read.done <= write.done ? read : write, "copy within");
    if (is_known) {
      space().wrote(to.offset, bytes.data(), got.done);
    } else {
      space().probed_for_write({to.offset, got.done});
      adopt_what_shows(to);
    }
    expect_content();
  });
}

void gather(kit::fuzzed_call& c) {
  const buffers b(c);
  on_each_engine([&]<class E>(E e) {
    const auto got = surefoot::try_gather(memory().data(), b.all, e);
    expect_same(got, b.expected<E>(access_kind::read), "gather");
    std::size_t at = 0;
    for (const kit::reach& r : b.parts) {
      const std::size_t n = std::min(r.length, got.done - at);
      expect(space().model().holds(r.offset, memory().data() + at, n), "gather: content");
      at += n;
    }
    memory().expect_rest(0, got.done, "gather: outside of the prefix");
  });
}

void scatter(kit::fuzzed_call& c) {
  const buffers b(c);
  for (const kit::reach& one : b.parts)
    if (space().model().has_aliases(one)) return;
  on_each_engine([&]<class E>(E e) {
    const auto should = b.expected<E>(access_kind::write);
    const auto got = surefoot::try_scatter(b.all, memory().data(), e);
    expect_same(got, should, "scatter");
    std::size_t at = 0;
    for (const kit::reach& r : b.parts) {
      const std::size_t n = std::min(r.length, got.done - at);
      space().wrote(r.offset, memory().originals(at), n);
      at += n;
    }
    expect_content();
  });
}

// What salvage must do with a part of the layout, to good memory or to another part: its holes, what it
// loses, and where it stops.
template <class E>
struct plan {
  std::vector<lost_run> holes;
  surefoot::salvaged all;

  plan(const kit::reach& from, const kit::reach* to) {
    const auto& model = space().model();
    all.left = from.length;
    while (all.left > 0) {
      const std::size_t done = from.length - all.left, at = from.offset + done;
      const std::size_t one = kit::granule(model.pages[at / kit::tile_size].laid);
      std::size_t n = std::min(one - at % one, all.left);
      const fault why =
          model.ask<E>(at, access_kind::read).at(space().data() + at, access_kind::read);
      if (why.kind != cause::none) {
        add(holes, why, done, n);
        all.lost += n;
      } else {
        if (to != nullptr) {
          const auto stored = space().expected<E>({to->offset + done, n}, access_kind::write);
          all.stopped_by = stored.stopped_by;
          n = stored.done;
        }
        all.copied += n;
      }
      all.left -= n;
      if (all.stopped_by.kind != cause::none) break;
    }
    all.holes = holes.size();
  }
  // salvage() does all this.
  void expect_same(unsigned char* to, const unsigned char* from, std::size_t n, E e) const {
    std::vector<lost_run> met;
    const auto got = surefoot::salvage(
        to, from, n,
        [&](const fault& why, std::size_t offset, std::size_t bytes) {
          met.push_back({why, offset, bytes});
        },
        e);
    expect(met == holes, "salvage: holes");
    expect(got == all, "salvage: counts");
  }
  // f(offset, bytes) for each stretch that is copied.
  template <class F>
  void each_copied(F f) const {
    std::size_t at = 0;
    for (const lost_run& hole : holes) {
      f(at, hole.offset - at);
      at = hole.offset + hole.bytes;
    }
    f(at, all.copied + all.lost - at);
  }
};

void salvage(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  on_each_engine([&]<class E>(E e) {
    const plan<E> should(r, nullptr);
    should.expect_same(memory().data(), space().data() + r.offset, r.length, e);
    should.each_copied([&](std::size_t at, std::size_t n) {
      expect(space().model().holds(r.offset + at, memory().data() + at, n), "salvage: content");
    });
    for (const lost_run& hole : should.holes)
      expect(std::memcmp(memory().data() + hole.offset, memory().originals(hole.offset),
                         hole.bytes) == 0,
             "salvage: a hole was written");
    memory().expect_rest(0, r.length, "salvage: outside");
  });
}

// From one part of the layout to another, which may refuse as well: also right behind a hole.
void salvage_within(kit::fuzzed_call& c) {
  kit::reach from = c.part();
  kit::reach to{c.next_part().offset, 0};
  from.length = std::min(from.length, kit::space_size - to.offset);
  to.length = from.length;
  const auto& model = space().model();
  const bool overlap = to.offset < from.end() && from.offset < to.end();
  if (overlap || model.has_aliases(to) || model.has_aliases(from, to)) return;
  on_each_engine([&]<class E>(E e) {
    const plan<E> should(from, &to);
    should.expect_same(space().data() + to.offset, space().data() + from.offset, from.length, e);
    should.each_copied([&](std::size_t at, std::size_t n) {
      std::vector<unsigned char> bytes(n);
      model.read(from.offset + at, bytes.data(), n);
      space().wrote(to.offset + at, bytes.data(), n);
    });
    expect_content();
  });
}

// From good memory into the layout: ends where that refuses.
void salvage_into(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  if (space().model().has_aliases(r)) return;
  on_each_engine([&]<class E>(E e) {
    const auto should = space().expected<E>(r, access_kind::write);
    const auto got = surefoot::salvage(
        space().data() + r.offset, memory().data(), r.length,
        [](const fault&, std::size_t, std::size_t) { finding("salvage: a hole in good memory"); },
        e);
    expect(got == surefoot::salvaged{should.done, 0, should.left, 0, should.stopped_by},
           "salvage into the layout");
    space().wrote(r.offset, memory().originals(), got.copied);
    expect_content(around(r));
  });
}

void fill(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  if (space().model().has_aliases(r)) return;
  std::uint8_t byte = c.value();
  on_each_engine([&]<class E>(E e) {
    const auto should = space().expected<E>(r, access_kind::write);
    unsigned char* const p = space().data() + r.offset;
    ++byte;
    if (c.other_value() % 2 == 1) byte = 0;
    const auto got = c.other_value() % 2 == 0   ? surefoot::try_fill(p, byte, r.length, e)
                     : c.other_value() % 4 == 1 ? surefoot::try_zero(p, r.length, e)
                                                : surefoot::try_zero(std::span(p, r.length), e);
    expect_same(got, should, "fill");
    const std::vector<unsigned char> bytes(got.done, byte);
    space().wrote(r.offset, bytes.data(), got.done);
    expect_content(around(r));
  });
}

// One call of the three: each costs faults, which are most of what a program costs.
void from_wild(kit::fuzzed_call& c) {
  const unsigned char* const p = wild(c.extra());
  const std::size_t n = c.part().length;
  on_each_engine([&](auto e) {
    switch (c.value() % 3) {
      case 0:
        return expect_wild(surefoot::try_copy(memory().data(), p, n, e), p, n,
                           "copy from a wild address");
      case 1: {
        const iovec one[] = {{const_cast<unsigned char*>(p), n}};
        return expect_wild(surefoot::try_gather(memory().data(), one, e), p, n,
                           "gather from a wild address");
      }
      default: {
        const auto got = surefoot::salvage(
            memory().data(), p, n, [](const fault&, std::size_t, std::size_t) {}, e);
        expect(got.copied == 0, "salvage from a wild address");
        expect(got.lost + got.left == n, "salvage from a wild address: counts");
        expect((got.stopped_by.kind == cause::bad_address) == wraps(p, n),
               "salvage: a range that wraps");
      }
    }
  });
  memory().expect_all("copy from a wild address: written");
}

void to_wild(kit::fuzzed_call& c) {
  unsigned char* const p = wild(c.extra());
  const std::size_t n = c.part().length;
  on_each_engine([&](auto e) {
    switch (c.value() % 3) {
      case 0:
        return expect_wild(surefoot::try_copy(p, memory().data(), n, e), p, n,
                           "copy to a wild address");
      case 1: return expect_wild(surefoot::try_fill(p, 1, n, e), p, n, "fill of a wild address");
      default: {
        const auto got = surefoot::salvage(
            p, memory().data(), n, [](const fault&, std::size_t, std::size_t) {}, e);
        expect(got.copied == 0 && got.lost == 0 && got.left == n, "salvage to a wild address");
      }
    }
  });
}

void not_ready(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  unsigned char *const p = space().data() + r.offset, *const good = memory().data();
  on_each_engine([&]<class E>(E) {
    const unready<E> e;
    expect_unready(surefoot::try_copy(good, p, r.length, e), r.length, p, access_kind::read);
    expect_unready(surefoot::try_fill(p, 1, r.length, e), r.length, p, access_kind::write);
    const auto all = surefoot::salvage(
        good, p, r.length,
        [](const fault&, std::size_t, std::size_t) { finding("a hole, unasked"); }, e);
    expect_unready(progress{all.copied, all.left, all.stopped_by}, r.length, p, access_kind::read);
  });
  expect_content();
}

constexpr call table[] = {
    {"copy out", copy_out},
    {"copy in", copy_in},
    {"copy within", copy_within},
    {"gather", gather},
    {"scatter", scatter},
    {"salvage", salvage},
    {"fill", fill},
    {"copy from a wild address", from_wild},
    {"copy to a wild address", to_wild},
    {"salvage into the layout", salvage_into},
    {"with an engine that is not ready", not_ready},
    {"salvage within", salvage_within},
    ask_kernel,
};

}  // namespace

const char* const target_name = "try_copy";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() { memory().expect_all("good memory was written"); }

}  // namespace fuzz
