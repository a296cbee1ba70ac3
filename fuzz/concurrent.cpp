// While another thread changes some tiles: what can be said of any answer, whatever moment it is of. The
// tiles that stay are as exact as ever, nothing is written that was not counted, and no update is lost.
#include <algorithm>
#include <atomic>
#include <surefoot/testing/minefield.hpp>
#include <thread>
#include <vector>

#include "target.hpp"

namespace fuzz {

namespace {

kit::space_layout wanted{};
unsigned made = 0;  // calls of this program; more than two say no more

// The tiles of the program, laid for one call, and a thread that changes some of them again and again.
class changing {
 public:
  explicit changing(kit::fuzzed_call& c) : field_({wanted.begin(), wanted.end()}) {
    for (unsigned n = 1 + c.extra() % 4u; n > 0; --n) {
      const kit::change next = c.next_mapping();
      script_.push_back({next.first, kit::is_here(next.to) ? next.to : kit::tile::hole});
      moves_[next.first] = true;
    }
  }

  kit::minefield& field() { return field_; }
  bool is_fixed(std::size_t offset) const { return !moves_[offset / kit::tile_size]; }
  bool may_be_zero(std::size_t offset) const {
    return !is_fixed(offset) ||
           offset % kit::tile_size >= kit::filled(wanted[offset / kit::tile_size]);
  }

  // What stands in the tiles that stay; zeros elsewhere.
  std::vector<unsigned char> content() {
    std::vector<unsigned char> all(kit::space_size);
    for (std::size_t at = 0, one; at < all.size(); at += one) {
      one = kit::granule(wanted[at / kit::tile_size]);
      if (is_fixed(at) && field_.ask(at, access_kind::read).accessible())
        std::memcpy(all.data() + at, field_.data() + at, one);
    }
    return all;
  }

  // Runs f, again and again, while the tiles change so often.
  template <class F>
  void meanwhile(unsigned changes, F f) {
    std::atomic<bool> over{false};
    std::thread other([&] {
      for (unsigned i = 0; i < changes; ++i) {
        const step& s = script_[i % script_.size()];
        // In turn what the script says, and what was laid.
        field_.change(s.where, i / script_.size() % 2 == 0 ? s.to : wanted[s.where]);
      }
      over = true;
    });
    // Bounded: on a busy machine the other thread may wait for long.
    for (unsigned i = 0; i == 0 || (!over && i < 2 * changes); ++i) f();
    other.join();
  }

 private:
  struct step {
    std::size_t where;
    kit::tile to;
  };

  kit::minefield field_;
  std::vector<step> script_;
  bool moves_[kit::space_pages] = {};
};

kit::reach within(const kit::fuzzed_call& c) {
  kit::reach r = c.part();
  r.length = std::min<std::size_t>(r.length, 9000);
  return r;
}

// What holds of any answer about r, whenever the tiles that move had changed.
template <class E>
void expect_possible(changing& now, const kit::reach& r, access_kind during, const progress& met,
                     bool loads_too = false) {
  expect(met.done + met.left == r.length, "concurrent: the sum");
  expect((met.left == 0) == (met.stopped_by.kind == cause::none), "concurrent: all, and why not");
  const auto met_at = [&](std::size_t offset, access_kind k) {
    return kit::said_by<E>(wanted[offset / kit::tile_size], now.field().ask(offset, k), k);
  };
  // Nothing of a tile that stays and refuses was done.
  for (std::size_t at = r.offset; at < r.offset + met.done;
       at += kit::tile_size - at % kit::tile_size)
    if (now.is_fixed(at))
      expect(met_at(at, during).accessible(), "concurrent: a tile that refuses was done");
  if (met.all()) return;
  const auto at = static_cast<std::size_t>(
      static_cast<const volatile unsigned char*>(met.stopped_by.address) - now.field().data());
  expect(at >= r.offset && at < r.end(), "concurrent: a fault outside of the range");
  if (!now.is_fixed(at)) return;
  const auto said = met_at(at, during);
  const bool by_load = loads_too && !met_at(at, access_kind::read).accessible();
  expect(!said.accessible() || by_load, "concurrent: a tile that stays and is good refuses");
  if (!by_load)
    expect(met.stopped_by.kind == said.kind, "concurrent: the cause of a tile that stays");
}

// Zeros where a tile was being made or has none, else what is laid there.
void expect_bytes(const changing& now, std::size_t offset, const unsigned char* bytes,
                  std::size_t n, const unsigned char* field) {
  for (std::size_t i = 0; i < n; ++i)
    expect(bytes[i] == kit::pattern(field + offset + i) ||
               (bytes[i] == 0 && now.may_be_zero(offset + i)),
           "concurrent: a byte that was never there");
}

// The answer of a verdict, as of something that stopped there.
progress as_progress(changing& now, const kit::reach& r, const verdict& v) {
  if (v) return {r.length, 0};
  const auto at =
      static_cast<const volatile unsigned char*>(v.stopped_by.address) - now.field().data();
  const std::size_t done = static_cast<std::size_t>(at) - r.offset;
  return {std::min(done, r.length), r.length - std::min(done, r.length), v.stopped_by};
}

// On one engine, which the call chooses: a thread for each would be slow.
template <class F>
void on_one_engine(const kit::fuzzed_call& c, F f) {
  unsigned count = 0;
  on_each_engine([&](auto) { ++count; });
  unsigned which = c.extra() / 4u % count;
  on_each_engine([&](auto e) {
    if (which-- == 0) f(e);
  });
}
template <class Once>
void while_changing(kit::fuzzed_call& c, Once once) {
  changing now(c);
  on_one_engine(c, [&](auto e) { now.meanwhile(2 + c.value() % 8u, [&] { once(now, e); }); });
}

void copy_out(kit::fuzzed_call& c) {
  const kit::reach r = within(c);
  while_changing(c, [&]<class E>(changing& now, E e) {
    const unsigned char* const p = now.field().data() + r.offset;
    const auto met = surefoot::try_copy(memory().data(), p, r.length, e);
    expect_possible<E>(now, r, access_kind::read, met);
    expect_bytes(now, r.offset, memory().data(), met.done, now.field().data());
    memory().expect_rest(0, met.done, "concurrent: outside of the prefix");
  });
}

void copy_in(kit::fuzzed_call& c) {
  const kit::reach r = within(c);
  std::uint8_t other = 0;
  while_changing(c, [&]<class E>(changing& now, E e) {
    unsigned char* const p = now.field().data() + r.offset;
    // Where a tile stays, bytes that did not stand there: there they are then, as far as it came.
    ++other;
    std::vector<unsigned char> bytes(r.length), should = now.content();
    for (std::size_t i = 0; i < r.length; ++i)
      bytes[i] = static_cast<unsigned char>(kit::pattern(p + i) +
                                            (now.is_fixed(r.offset + i) ? other : 0));
    const auto met = surefoot::try_copy(p, bytes.data(), r.length, e);
    expect_possible<E>(now, r, access_kind::write, met);
    for (std::size_t i = 0; i < met.done; ++i)
      if (now.is_fixed(r.offset + i)) should[r.offset + i] = bytes[i];
    expect(now.content() == should, "concurrent: the tiles that stay hold something else");
  });
}

void fault_in(kit::fuzzed_call& c) {
  const kit::reach r = within(c);
  const access_kind during = c.other_value() % 2 == 0 ? access_kind::read : access_kind::write;
  while_changing(c, [&]<class E>(changing& now, E e) {
    unsigned char* const p = now.field().data() + r.offset;
    expect_possible<E>(now, r, during,
                       during == access_kind::read ? surefoot::fault_in_readable(p, r.length, e)
                                                   : surefoot::fault_in_writeable(p, r.length, e));
  });
}

void ensure(kit::fuzzed_call& c) {
  const kit::reach r = within(c);
  const access_kind during = c.other_value() % 2 == 0 ? access_kind::read : access_kind::write;
  while_changing(c, [&]<class E>(changing& now, E e) {
    unsigned char* const p = now.field().data() + r.offset;
    const verdict met = during == access_kind::read ? surefoot::ensure_readable(p, r.length, e)
                                                    : surefoot::ensure_writeable(p, r.length, e);
    expect_possible<E>(now, r, during, as_progress(now, r, met), true);
  });
}

void resume(kit::fuzzed_call& c) {
  const kit::reach r = within(c);
  while_changing(c, [&]<class E>(changing& now, E e) {
    unsigned char* const p = now.field().data() + r.offset;
    const auto copy = [&](const volatile void* from, std::size_t n) {
      const auto at = static_cast<const volatile unsigned char*>(from) - p;
      return surefoot::try_copy(memory().data() + at, from, n, e);
    };
    const progress met =
        surefoot::resume<access_kind::read>(p, r.length, copy, {}, surefoot::touch_with<E>{});
    if (met.stopped_by.kind != cause::stalled) expect_possible<E>(now, r, access_kind::read, met);
    expect_bytes(now, r.offset, memory().data(), met.done, now.field().data());
    memory().expect_rest(0, met.done, "concurrent: resume: outside of what was done");
  });
}

// A write probe stores what is there: under another thread's atomic updates none may be lost.
void count_up(kit::fuzzed_call& c) {
  static std::atomic<std::uint32_t> word{0};
  on_one_engine(c, [&](auto e) {
    word = 0;
    const std::uint32_t updates = 100 + 8u * c.value();
    std::atomic<bool> over{false};
    std::thread other([&] {
      for (std::uint32_t i = 0; i < updates; ++i) word.fetch_add(1, std::memory_order_relaxed);
      over = true;
    });
    auto* const p = reinterpret_cast<unsigned char*>(&word) + c.other_value() % 4u;
    do {
      expect(surefoot::fault_in_writeable(p, 1, e).all(), "a probe of good memory");
      expect(bool(surefoot::ensure_writeable(p, 1, e)), "a probe of good memory");
    } while (!over);
    other.join();
    expect_same(word.load(), updates, "an update was lost under a probe");
  });
}

// The atomics that are loops, on one word from two threads: each change is there in the end.
void combine(kit::fuzzed_call& c) {
  static std::uint32_t word = 0;
  const std::uint32_t times = 100 + 8u * c.value(), mine = 1, theirs = 2;
  const auto flip = [](std::uint32_t bit, std::uint32_t n, auto e) {
    for (std::uint32_t i = 0; i < n; ++i)
      expect(surefoot::try_fetch_xor(&word, bit, e).ok(), "fetch_xor of good memory");
  };
  on_signal_engines([&](auto e) {
    word = 0;
    std::thread other([&] { flip(theirs, times, e); });
    flip(mine, times + 1, e);
    other.join();
    const std::uint32_t should = (times % 2 == 1 ? theirs : 0) | (times % 2 == 0 ? mine : 0);
    expect_same(word, should, "a fetch_xor was lost");
  });
}

template <void (*run)(kit::fuzzed_call&)>
void few(kit::fuzzed_call& c) {
  if (++made <= 2 || is_warming_up()) run(c);
}

constexpr call table[] = {
    {"copy out while tiles change", few<copy_out>},
    {"copy in while tiles change", few<copy_in>},
    {"fault_in while tiles change", few<fault_in>},
    {"ensure while tiles change", few<ensure>},
    {"resume while tiles change", few<resume>},
    {"probe while bytes are counted up", few<count_up>},
    {"fetch_xor from two threads", few<combine>},
};

}  // namespace

const char* const target_name = "concurrent";
const std::span<const call> calls = table;

void begin(const kit::fuzzed& program) {
  wanted = program.layout();
  for (kit::tile& t : wanted)
    if (!kit::is_here(t)) t = kit::tile::read_write;
  made = 0;
}
void end() { memory().expect_all("good memory was written"); }

}  // namespace fuzz
