// ensure_accessible: true exactly where every byte is, else the first bad one; nothing changed.
#include <sys/uio.h>

#include <vector>

#include "target.hpp"

namespace fuzz {

namespace {

using surefoot::granularity;

// The first bad byte; `loads` where it is looked for by loads as well as by stores.
template <class E>
fault expected(const kit::reach& r, access_kind during, bool loads = true) {
  const auto read = space().expected<E>(r, access_kind::read);
  if (during == access_kind::read) return read.stopped_by;
  const auto write = space().expected<E>(r, access_kind::write);
  return loads ? kit::refused_for_writing(read, write) : write.stopped_by;
}

// What lies before the bad byte was probed, for certain.
void settle(access_kind during, const kit::reach& r, const fault& bad) {
  if (during == access_kind::write) {
    const auto* const at = static_cast<const volatile unsigned char*>(bad.address);
    const std::size_t done = bad.kind == cause::none
                                 ? r.length
                                 : static_cast<std::size_t>(at - (space().data() + r.offset));
    space().probed_for_write({r.offset, done});
  }
  expect_content();
}

void one_range(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  unsigned char* const p = space().data() + r.offset;
  const access_kind during = kind_of(c);
  on_each_engine([&]<class E>(E e) {
    const fault should = expected<E>(r, during);
    const verdict met = during == access_kind::read ? surefoot::ensure_readable(p, r.length, e)
                                                    : surefoot::ensure_writeable(p, r.length, e);
    expect_same(met.stopped_by, should, "ensure_accessible");
    expect(bool(met) == (should.kind == cause::none), "ensure_accessible: yes and no");
    settle(during, r, should);
  });
}

void byte_by_byte(kit::fuzzed_call& c) {
  kit::reach r = c.part();
  r.length = std::min<std::size_t>(r.length, 300);
  unsigned char* const p = space().data() + r.offset;
  const access_kind during = kind_of(c);
  on_each_engine([&]<class E>(E e) {
    const fault should = expected<E>(r, during, false);
    const verdict met =
        during == access_kind::read
            ? surefoot::ensure_accessible<access_kind::read, granularity::byte>(p, r.length, e)
            : surefoot::ensure_accessible<access_kind::write, granularity::byte>(p, r.length, e);
    expect_same(met.stopped_by, should, "ensure_accessible byte by byte");
    settle(during, r, should);
  });
}

void of_buffers(kit::fuzzed_call& c) {
  const access_kind during = kind_of(c);
  const buffers b(c);
  on_each_engine([&]<class E>(E e) {
    fault should{};
    std::size_t whole = 0;
    for (; whole < b.parts.size() && should.kind == cause::none; ++whole)
      should = expected<E>(b.parts[whole], during);
    const verdict met = during == access_kind::read ? surefoot::ensure_readable(b.all, e)
                                                    : surefoot::ensure_writeable(b.all, e);
    expect_same(met.stopped_by, should, "ensure_accessible of buffers");
    for (std::size_t i = 0; i < whole; ++i)
      settle(during, b.parts[i], i + 1 == whole ? should : fault{});
  });
}

void of_ints(kit::fuzzed_call& c) {
  const kit::reach r{c.part().offset / 4 * 4, c.part().length / 4 * 4};
  const std::span ints(reinterpret_cast<int*>(space().data() + r.offset), r.length / 4);
  const access_kind during = kind_of(c);
  on_each_engine([&]<class E>(E e) {
    const fault should = expected<E>(r, during);
    const verdict met = during == access_kind::read
                            ? surefoot::ensure_accessible<access_kind::read>(ints, e)
                            : surefoot::ensure_accessible<access_kind::write>(ints, e);
    expect_same(met.stopped_by, should, "ensure_accessible of ints");
    settle(during, r, should);
  });
}

void of_wild(kit::fuzzed_call& c) {
  unsigned char* const p = wild(c.extra());
  const std::size_t n = c.part().length;
  on_each_engine([&](auto e) {
    const verdict met = kind_of(c) == access_kind::read ? surefoot::ensure_readable(p, n, e)
                                                        : surefoot::ensure_writeable(p, n, e);
    if (n == 0) return expect(bool(met), "ensure_accessible of nothing");
    expect_wild({0, n, met.stopped_by}, p, n, "ensure_accessible of a wild address");
  });
}

void not_ready(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  unsigned char* const p = space().data() + r.offset;
  on_each_engine([&]<class E>(E) {
    const unready<E> e;
    const verdict met = kind_of(c) == access_kind::read
                            ? surefoot::ensure_readable(p, r.length, e)
                            : surefoot::ensure_writeable(p, r.length, e);
    if (r.length == 0) return expect(bool(met), "ensure_accessible of nothing");
    expect_unready(met.stopped_by, p, kind_of(c));
  });
}

constexpr call table[] = {
    {"ensure_accessible", one_range},
    {"ensure_accessible byte by byte", byte_by_byte},
    {"ensure_accessible of buffers", of_buffers},
    {"ensure_accessible of ints", of_ints},
    {"ensure_accessible of a wild address", of_wild},
    {"with an engine that is not ready", not_ready},
    ask_kernel,
};

}  // namespace

const char* const target_name = "ensure_accessible";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() {}

}  // namespace fuzz
