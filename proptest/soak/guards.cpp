// guarded, find_holes, heal, and calls that name no engine or the one that install() returned: in the form of a
// fuzz target, for the soak. (fuzz/handler.cpp has guards too, in a process that is its alone.)
#include "heals.hpp"
#include "target.hpp"

namespace fuzz {

namespace {

using surefoot::engine::jump;
using surefoot::engine::standard;

// A byte of the layout, and what is met there.
struct place {
  std::size_t offset;
  unsigned char* p;
  fault met;

  place(std::size_t at, access_kind during)
      : offset(std::min(at, kit::space_size - 1)),
        p(space().data() + offset),
        met(space().model().ask<jump>(offset, during).at(p, during)) {}
  bool is_good() const { return met.kind == cause::none; }
};

void read_guarded(kit::fuzzed_call& c) {
  const place at(c.begin(), access_kind::read);
  const volatile unsigned char* const p = at.p;
  const auto got = surefoot::guarded([=]() noexcept { return *p; });
  expect_same(got.stopped_by, at.met, "a guarded load");
  if (got.ok()) expect(got.value() == space().model().byte(at.offset), "a guarded load: value");
}

void write_guarded(kit::fuzzed_call& c) {
  const place at(c.begin(), access_kind::write);
  volatile unsigned char* const p = at.p;
  const unsigned char byte = c.value();
  const auto got = surefoot::guarded([=]() noexcept { *p = byte; });
  expect_same(got.stopped_by, at.met, "a guarded store");
  if (got.ok()) space().wrote(at.offset, &byte, 1);
  expect_content(around({at.offset, 1}));
}

// The inner guard has a range: what is outside of it goes to the outer one.
void guards_in_guards(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const place at(c.next_part().offset, access_kind::read);
  const bool is_inside = at.offset - r.offset < r.length;
  const volatile unsigned char *const p = at.p, *const first = space().data() + r.offset;
  const std::size_t n = r.length;
  fault inner_met{};
  fault* const told = &inner_met;
  const auto outer = surefoot::guarded([=]() noexcept {
    *told = surefoot::guarded(first, n, [=]() noexcept { return *p; }).stopped_by;
  });
  expect_same(outer.stopped_by, is_inside ? fault{} : at.met, "the outer one of two guards");
  if (outer.ok())
    expect_same(inner_met, is_inside ? at.met : fault{}, "the inner one of two guards");
}

// What a primitive meets inside of a guard is its own answer, and the guarded code goes on.
void primitive_in_guard(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  on_signal_engines([&]<class E>(E e) {
    progress met{};
    progress* const told = &met;
    unsigned char* const to = memory().data();
    const unsigned char* const from = space().data() + r.offset;
    const std::size_t n = r.length;
    const auto got =
        surefoot::guarded([=]() noexcept { *told = surefoot::try_copy(to, from, n, e); });
    expect(got.ok(), "a guard took what a copy met in it");
    expect_same(met, space().expected<E>(r, access_kind::read), "a copy in a guard");
    expect(space().model().holds(r.offset, to, met.done), "a copy in a guard: content");
    memory().expect_rest(0, met.done, "a copy in a guard: outside of the prefix");
  });
}

struct hole {
  fault why;
  std::size_t offset, bytes;
  friend bool operator==(const hole&, const hole&) = default;
};

void holes(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  on_each_engine([&]<class E>(E e) {
    std::vector<hole> should, met;
    std::size_t bad = 0;
    for (std::size_t at = r.offset, n; at < r.end(); at += n) {
      n = std::min(kit::tile_size - at % kit::tile_size, r.end() - at);
      const fault why =
          space().model().ask<E>(at, access_kind::read).at(space().data() + at, access_kind::read);
      if (why.kind == cause::none) continue;
      bad += n;
      const bool goes_on =
          !should.empty() && should.back().offset + should.back().bytes == at - r.offset &&
          should.back().why.kind == why.kind && should.back().why.code == why.code &&
          should.back().why.signal == why.signal;
      if (goes_on)
        should.back().bytes += n;
      else
        should.push_back({why, at - r.offset, n});
    }
    const auto got = surefoot::find_holes(
        space().data() + r.offset, r.length,
        [&](const fault& why, std::size_t offset, std::size_t bytes) {
          survived(why);
          met.push_back({why, offset, bytes});
        },
        e);
    expect(met == should, "find_holes: holes");
    expect(got == surefoot::holes_found{.good = r.length - bad, .bad = bad, .holes = should.size()},
           "find_holes: counts");
  });
  expect_content();
}

// Without an engine, and with the one that proves that all is installed.
void engine_of_nobody(kit::fuzzed_call& c) {
  static const auto proof = surefoot::install();
  const kit::reach r = c.part();
  const unsigned char* const p = space().data() + r.offset;
  const auto should = space().expected<standard>(r, access_kind::read);
  const auto is_right = [&](const progress& met) {
    expect_same(met, should, "a copy with the default engine");
    expect(space().model().holds(r.offset, memory().data(), met.done), "a copy: content");
    memory().expect_rest(0, met.done, "a copy with the default engine: outside of the prefix");
  };
  is_right(surefoot::try_copy(memory().data(), p, r.length));
  is_right(surefoot::try_copy(memory().data(), p, r.length, proof));
  const place at(c.end(), access_kind::read);
  expect_same(surefoot::try_load<unsigned char>(at.p).stopped_by, at.met, "a load");
  expect_same(surefoot::try_load<unsigned char>(at.p, proof).stopped_by, at.met, "a load");
}

constexpr call table[] = {
    {"guarded load", read_guarded},
    {"guarded store", write_guarded},
    {"a guard in a guard", guards_in_guards},
    {"a copy in a guard", primitive_in_guard},
    {"find_holes", holes},
    {"heal", heals},
    {"with the default engine", engine_of_nobody},
    ask_kernel,
};

}  // namespace

const char* const target_name = "guards";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() { memory().expect_all("good memory was written"); }

}  // namespace fuzz
