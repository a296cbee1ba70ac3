// fault_in_readable, fault_in_writeable: the first page that refuses; find_holes: all that do. And nothing changed.
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "holes.hpp"
#include "target.hpp"

namespace fuzz {

namespace {

// One byte of each page counts: where that has granules, the first of the part in it.
template <class E>
progress ask(access_kind during, unsigned char* p, std::size_t n, E e) {
  return during == access_kind::read ? surefoot::fault_in_readable(p, n, e)
                                     : surefoot::fault_in_writeable(p, n, e);
}

void settle(access_kind during, const kit::reach& r, const progress& met) {
  if (during == access_kind::write) space().probed_for_write({r.offset, met.done});
  expect_content();
}

void one_range(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const access_kind during = kind_of(c);
  on_each_engine([&]<class E>(E e) {
    const auto should = space().faulted_in<E>(r, during);
    const auto met = ask(during, space().data() + r.offset, r.length, e);
    expect_same(met, should, "fault_in");
    settle(during, r, met);
  });
}

void of_ints(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const access_kind during = kind_of(c);
  const std::span ints(reinterpret_cast<int*>(space().data() + r.offset / 4 * 4), r.length / 4);
  const kit::reach bytes{r.offset / 4 * 4, r.length / 4 * 4};
  on_each_engine([&]<class E>(E e) {
    const auto should = space().faulted_in<E>(bytes, during);
    expect_same(during == access_kind::read ? surefoot::fault_in_readable(ints, e)
                                            : surefoot::fault_in_writeable(ints, e),
                should, "fault_in of ints");
    settle(during, bytes, should);
  });
}

void of_buffers(kit::fuzzed_call& c) {
  const access_kind during = kind_of(c);
  const buffers b(c);
  on_each_engine([&]<class E>(E e) {
    const auto should =
        b.in_turn([&](const kit::reach& r) { return space().faulted_in<E>(r, during); });
    const auto met = during == access_kind::read ? surefoot::fault_in_readable(b.all, e)
                                                 : surefoot::fault_in_writeable(b.all, e);
    expect_same(met, should, "fault_in of buffers");
    for (std::size_t i = 0, left = met.done; i < b.parts.size() && left > 0; ++i) {
      const std::size_t n = std::min(b.parts[i].length, left);
      settle(during, b.parts[i], {n, 0});
      left -= n;
    }
  });
}

void of_wild(kit::fuzzed_call& c) {
  unsigned char* const p = wild(c.extra());
  const std::size_t n = c.part().length;
  on_each_engine(
      [&](auto e) { expect_wild(ask(kind_of(c), p, n, e), p, n, "fault_in of a wild address"); });
}

void not_ready(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  unsigned char* const p = space().data() + r.offset;
  on_each_engine([&]<class E>(E) {
    expect_unready(ask(kind_of(c), p, r.length, unready<E>{}), r.length, p, kind_of(c));
  });
}

// A page counts for its first byte in the range.
void holes(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const unsigned char* const p = space().data() + r.offset;
  on_each_engine([&]<class E>(E e) {
    std::vector<lost_run> should, met;
    surefoot::holes_found sums;
    for (std::size_t at = 0, n; at < r.length; at += n) {
      n = std::min(kit::tile_size - (r.offset + at) % kit::tile_size, r.length - at);
      const fault why =
          space().model().ask<E>(r.offset + at, access_kind::read).at(p + at, access_kind::read);
      (why.kind == cause::none ? sums.good : sums.bad) += n;
      if (why.kind != cause::none) add(should, why, at, n);
    }
    sums.holes = should.size();
    const auto got = surefoot::find_holes(
        p, r.length,
        [&](const fault& why, std::size_t offset, std::size_t bytes) {
          met.push_back({why, offset, bytes});
        },
        e);
    expect(met == should, "find_holes: holes");
    expect(got == sums, "find_holes: sums");
    expect_content();
  });
}

// By an engine that is not ready, and of a range that wraps.
void no_holes(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const unsigned char* const p = space().data();
  const auto none = [](const fault&, std::size_t, std::size_t) {
    finding("find_holes: a hole where nothing was asked");
  };
  on_each_engine([&]<class E>(E e) {
    const auto met = surefoot::find_holes(p, r.length, none, unready<E>{});
    expect(met.left == r.length && met.good + met.bad == 0, "find_holes, not ready: counts");
    if (r.length > 0) expect_unready(met.stopped_by, p, access_kind::read);
    const std::size_t too_many = 1 - reinterpret_cast<std::uintptr_t>(p);
    const auto wrapped = surefoot::find_holes(p, too_many, none, e);
    expect(wrapped.left == too_many && wrapped.stopped_by.kind == cause::bad_address,
           "find_holes: a range that wraps");
  });
}

// Any fault at all, into a buffer that may be too small.
void as_text(kit::fuzzed_call& c) {
  const fault f{.address = space().data() + c.begin(),
                .kind = static_cast<cause>(c.extra() % (static_cast<unsigned>(cause::unknown) + 2)),
                .during = kind_of(c),
                .signal = c.value() % 3 * 7,
                .code = static_cast<std::int8_t>(c.other_value()),
                .extent = c.end() % 5 == 0 ? c.end() : 0};
  char whole[200], part[200];
  std::memset(part, '#', sizeof part);
  const std::size_t length = surefoot::format(f, whole, sizeof whole);
  expect(length < sizeof whole && std::strlen(whole) == length, "format: the length");
  const std::size_t room = c.end() % 120;
  expect(surefoot::format(f, part, room) == length, "format: the length where it is cut");
  const std::size_t kept = room == 0 ? 0 : std::min(length, room - 1);
  expect(std::memcmp(whole, part, kept) == 0, "format: what is kept");
  expect(room == 0 || part[kept] == '\0', "format: the end");
  expect(part[room] == '#', "format writes behind its buffer");
  const std::string text = whole;
  expect(text.rfind(surefoot::name(f.kind), 0) == 0, "format: the cause");
  expect((text.find(" bytes lost") != std::string::npos) == (f.extent != 0), "format: the extent");
  expect((text.find("(signal " + std::to_string(f.signal) + ", code " + std::to_string(f.code) +
                    ")") != std::string::npos) == (f.signal != 0),
         "format: the signal");
  if (f.kind != cause::none) {
    std::ostringstream where;
    where << (f.during == access_kind::read ? "read" : "write") << " at "
          << static_cast<const void*>(space().data() + c.begin());
    expect(text.find(where.str()) != std::string::npos, "format: where");
  }
  expect(surefoot::to_errno({.kind = cause{200}}) == EFAULT, "to_errno of what is no cause");
  // What has no branch of its own in machine code is lost when a corpus is made small: each time all of it.
  for (unsigned i = 0; i <= static_cast<unsigned>(cause::unknown); ++i) {
    const fault each{.kind = static_cast<cause>(i)};
    expect((surefoot::to_errno(each) == 0) == (each.kind == cause::none), "to_errno");
    expect(std::strcmp(surefoot::name(each.kind), "?") != 0, "name of a cause");
    expect((surefoot::name(each.kind) == surefoot::name(f.kind)) == (each.kind == f.kind),
           "names of causes");
  }
}

constexpr call table[] = {
    {"fault_in", one_range},
    {"fault_in of buffers", of_buffers},
    {"fault_in of ints", of_ints},
    {"fault_in of a wild address", of_wild},
    {"with an engine that is not ready", not_ready},
    {"a fault as text", as_text},
    ask_kernel,
    {"find_holes", holes},
    {"find_holes of what it cannot ask", no_holes},
};

}  // namespace

const char* const target_name = "fault_in";
const std::span<const call> calls = table;

// All pages are mapped anew: how the kernel divides memory into mappings, which find_holes() asks about, depends on
// what pages that stay have seen.
void begin(const kit::fuzzed&) {
  kit::space_layout holes;
  holes.fill(kit::tile::hole);
  space().lay(holes);
}
void end() {}

}  // namespace fuzz
