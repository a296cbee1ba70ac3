// try_length, try_find, try_compare, try_copy_string: as their plain counterparts up to the first bad byte.
#include <algorithm>
#include <vector>

#include "target.hpp"

namespace fuzz {

namespace {

// The bytes of a part that can be read, and the fault behind them.
struct readable {
  std::vector<unsigned char> bytes;
  fault bad;

  // Where that byte is first, or how many bytes there are.
  std::size_t find(unsigned char byte) const {
    return static_cast<std::size_t>(std::find(bytes.begin(), bytes.end(), byte) - bytes.begin());
  }
  bool has(unsigned char byte) const { return find(byte) < bytes.size(); }
};
template <class E>
readable look(const kit::reach& r) {
  const auto p = space().expected<E>(r, access_kind::read);
  readable all{std::vector<unsigned char>(p.done), p.stopped_by};
  space().model().read(r.offset, all.bytes.data(), p.done);
  return all;
}

const char* text(std::size_t offset) {
  return reinterpret_cast<const char*>(space().data() + offset);
}

void length(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  on_each_engine([&]<class E>(E e) {
    const readable should = look<E>(r);
    const auto met = surefoot::try_length(text(r.offset), r.length, e);
    expect_same(met.stopped_by, should.has(0) ? fault{} : should.bad, "length");
    if (met.ok()) expect_same(met.value(), should.find(0), "length");
  });
}

void find(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const unsigned char* const p = space().data() + r.offset;
  on_each_engine([&]<class E>(E e) {
    const readable should = look<E>(r);
    const auto met = surefoot::try_find(p, c.value(), r.length, e);
    expect_same(met.stopped_by, should.has(c.value()) ? fault{} : should.bad, "find");
    if (!met.ok()) return;
    expect(met.value() == (should.has(c.value()) ? p + should.find(c.value()) : nullptr),
           "find: where");
  });
}

// a and b as far as both can be read; a is asked first.
void expect_order(const surefoot::result<int>& met, const readable& a, const readable& b,
                  std::size_t n, const char* what) {
  const std::size_t both = std::min({a.bytes.size(), b.bytes.size(), n});
  const auto differ = std::mismatch(
      a.bytes.begin(), a.bytes.begin() + static_cast<std::ptrdiff_t>(both), b.bytes.begin());
  const auto at = static_cast<std::size_t>(differ.first - a.bytes.begin());
  if (at < both) {
    expect(met.ok(), what);
    expect((met.value() < 0) == (a.bytes[at] < b.bytes[at]) && met.value() != 0, what);
  } else if (both == n) {
    expect(met.ok() && met.value() == 0, what);
  } else {
    expect_same(met.stopped_by, a.bytes.size() <= b.bytes.size() ? a.bad : b.bad, what);
  }
}

void compare(kit::fuzzed_call& c) {
  kit::reach a = c.part();
  kit::reach b{c.next_part().offset, 0};
  a.length = b.length = std::min(a.length, kit::space_size - b.offset);
  on_each_engine([&]<class E>(E e) {
    const auto met = surefoot::try_compare(text(a.offset), text(b.offset), a.length, e);
    expect_order(met, look<E>(a), look<E>(b), a.length, "compare");
  });
}

// With a copy of which one byte is another, on either side.
void compare_good(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  on_each_engine([&]<class E>(E e) {
    const readable here = look<E>(r);
    readable good{here.bytes, {}};
    good.bytes.resize(r.length);
    const std::size_t differs = static_cast<std::size_t>(c.value()) * 64 + c.other_value() % 64u;
    if (differs < r.length)
      good.bytes[differs] = static_cast<unsigned char>(good.bytes[differs] + c.extra());
    // Always at the same address: how a piece is cut depends on it.
    unsigned char* const at = memory().data();
    std::copy(good.bytes.begin(), good.bytes.end(), at);
    if (c.extra() % 2 == 0)
      expect_order(surefoot::try_compare(text(r.offset), at, r.length, e), here, good, r.length,
                   "compare with good memory");
    else
      expect_order(surefoot::try_compare(at, text(r.offset), r.length, e), good, here, r.length,
                   "compare good memory");
    memory().expect_rest(0, r.length, "compare: written");
  });
}

void copy_out(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const std::size_t skew = c.value() % 64u;
  on_each_engine([&]<class E>(E e) {
    const readable should = look<E>(r);
    const auto met = surefoot::try_copy_string(reinterpret_cast<char*>(memory().data()) + skew,
                                               text(r.offset), r.length, e);
    expect(met.terminated == should.has(0), "copy a string out: terminated");
    const std::size_t done = should.has(0) ? should.find(0) + 1 : should.bytes.size();
    const progress exact = should.has(0) || done == r.length
                               ? progress{done, 0}
                               : progress{done, r.length - done, should.bad};
    expect_same(met.copied, exact, "copy a string out");
    expect(done == 0 || std::memcmp(memory().data() + skew, should.bytes.data(), done) == 0,
           "copy a string out: content");
    memory().expect_rest(skew, done, "copy a string out: outside");
  });
}

void copy_in(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  if (space().model().has_aliases(r)) return;
  on_each_engine([&]<class E>(E e) {
    // A string of some length, or without an end in reach.
    std::vector<unsigned char> from(r.length + 1);
    for (std::size_t i = 0; i < from.size(); ++i)
      from[i] = static_cast<unsigned char>(1 + (i + c.extra()) % 255);
    const std::size_t end = static_cast<std::size_t>(c.value()) * 64 + c.other_value() % 64u;
    if (end < from.size()) from[end] = 0;
    const std::size_t wanted = std::min(end < r.length ? end + 1 : r.length, r.length);
    const auto write = space().expected<E>({r.offset, wanted}, access_kind::write);
    std::copy(from.begin(), from.end(), memory().data());
    const auto met =
        surefoot::try_copy_string(reinterpret_cast<char*>(space().data() + r.offset),
                                  reinterpret_cast<const char*>(memory().data()), r.length, e);
    expect(std::equal(from.begin(), from.end(), memory().data()), "copy a string in: the source");
    memory().expect_rest(0, from.size(), "copy a string in: outside of the source");
    const progress exact = write.all()
                               ? progress{wanted, 0}
                               : progress{write.done, r.length - write.done, write.stopped_by};
    expect_same(met.copied, exact, "copy a string in");
    expect(met.terminated == (write.all() && wanted > 0 && from[wanted - 1] == 0),
           "copy a string in: terminated");
    space().wrote(r.offset, from.data(), met.copied.done);
    expect_content(around(r));
  });
}

void of_wild(kit::fuzzed_call& c) {
  unsigned char* const p = wild(c.extra());
  const auto* const s = reinterpret_cast<const char*>(p);
  const std::size_t n = c.part().length;
  on_each_engine([&](auto e) {
    const auto length = surefoot::try_length(s, n, e);
    if (n == 0)
      expect(length.ok() && length.value() == 0, "length of nothing");
    else
      expect(!length.ok() && is_wild(length.stopped_by.kind) && length.stopped_by.address == p,
             "length at a wild address");
    const auto found = surefoot::try_find(p, c.value(), n, e);
    expect_wild({0, n, found.stopped_by}, p, n, "find at a wild address");
    const auto one = surefoot::try_compare(p, memory().data(), n, e);
    expect_wild({0, n, one.stopped_by}, p, n, "compare at a wild address");
    const auto two = surefoot::try_compare(memory().data(), p, n, e);
    expect_wild({0, n, two.stopped_by}, p, n, "compare with a wild address");
    const auto out = surefoot::try_copy_string(reinterpret_cast<char*>(memory().data()), s, n, e);
    expect(out.copied.done == 0 && out.copied.left == n && !out.terminated, "copy a wild string");
    const std::size_t some = std::min<std::size_t>(n, 5);
    const auto in = surefoot::try_copy_string(reinterpret_cast<char*>(p), "text", some, e);
    expect(in.copied.done == 0 && in.copied.left == some && !in.terminated,
           "copy a string to nowhere");
  });
  memory().expect_all("a string at a wild address: written");
}

// So that there are ends, and other bytes, where a mutation wants them.
void put_byte(kit::fuzzed_call& c) {
  (void)space().make({.what = kit::change_kind::write,
                      .part = {c.begin(), c.begin() < kit::space_size ? 1u : 0u},
                      .seed = static_cast<unsigned char>(c.value() & ~1)});
}

void not_ready(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  if (r.length == 0) return;
  unsigned char* const p = space().data() + r.offset;
  on_each_engine([&]<class E>(E) {
    const unready<E> e;
    const auto read = access_kind::read;
    expect_unready(surefoot::try_length(text(r.offset), r.length, e).stopped_by, p, read);
    expect_unready(surefoot::try_find(p, c.value(), r.length, e).stopped_by, p, read);
    expect_unready(surefoot::try_compare(p, memory().data(), r.length, e).stopped_by, p, read);
    const auto copied = surefoot::try_copy_string(reinterpret_cast<char*>(memory().data()),
                                                  text(r.offset), r.length, e);
    expect_unready(copied.copied, r.length, p, read);
    expect(!copied.terminated, "an engine that is not ready: terminated");
  });
}

constexpr call table[] = {
    {"length", length},
    {"find", find},
    {"compare", compare},
    {"compare with good memory", compare_good},
    {"copy a string out", copy_out},
    {"copy a string in", copy_in},
    {"a string at a wild address", of_wild},
    {"put a byte", put_byte},
    {"with an engine that is not ready", not_ready},
    ask_kernel,
};

}  // namespace

const char* const target_name = "try_string";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() { memory().expect_all("good memory was written"); }

}  // namespace fuzz
