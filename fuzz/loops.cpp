// resume and restart: they end, hand each byte over once and in order, and say why they stopped.
#include <algorithm>
#include <vector>

#include "target.hpp"

namespace fuzz {

namespace {

using surefoot::loop_options;

loop_options options_of(const kit::fuzzed_call& c) {
  return {.rounds = 1 + c.value() / 2u % 20, .chunk = std::size_t{c.other_value()} * 37};
}

// What a loop hands to its step: the rest from its beginning, no more than that, and in chunks of which
// the next is known by the last and what came of it.
class watched {
 public:
  watched(const kit::reach& r, const loop_options& options)
      : r_(r), options_(options), largest_(options.chunk == 0 ? r.length : options.chunk) {}

  // Before each step.
  void offers(const volatile void* p, std::size_t n) {
    expect(p == space().data() + r_.offset + done_, "a step is not offered the next byte");
    expect(n > 0 && n <= r_.length - done_, "a step is offered what was not asked for");
    expect(n <= largest_, "a step is offered more than a chunk");
    expect(n <= limit_, "a step is offered too much after a short one");
    // Enough for every step and every round that may come between two that bring something.
    expect(++calls_ <= (r_.length + 2) * (options_.rounds + 2), "resume does not end");
    offered_ = n;
  }
  progress did(std::size_t n, fault why = {}) {
    // After a short step half of the offer, but a page; without the byte that stopped one which did nothing.
    limit_ = n == offered_ ? largest_ : std::max(offered_ / 2, kit::tile_size);
    if (n == 0 && why.kind != cause::none) {
      const unsigned char* const here = space().data() + r_.offset + done_;
      const auto bad = surefoot::detail::address(why.address) - surefoot::detail::address(here);
      if (bad > 0) limit_ = std::min(limit_, bad);
    }
    done_ += n;
    idle_ = n == 0 ? idle_ + 1 : 0;
    return {n, offered_ - n, why};
  }
  std::size_t done() const { return done_; }
  unsigned idle() const { return idle_; }

 private:
  kit::reach r_;
  loop_options options_;
  std::size_t largest_, limit_ = largest_;
  std::size_t calls_ = 0, done_ = 0, offered_ = 0;
  unsigned idle_ = 0;
};

void expect_sum(const progress& met, const kit::reach& r, const watched& w) {
  expect(met.done == w.done(), "resume counts other bytes than its steps");
  expect(met.done + met.left == r.length, "resume: the sum");
  expect((met.left == 0) == (met.stopped_by.kind == cause::none), "resume: all, and why not");
}

template <access_kind K, class E>
void resumes_by_plan(const kit::reach& r, const loop_options& options,
                     const std::vector<kit::step_plan>& plan) {
  watched w(r, options);
  std::size_t step = 0;
  kit::step_kind last = kit::step_kind::whole;
  unsigned asked = 0;
  const auto planned = [&](const volatile void* p, std::size_t n) -> progress {
    w.offers(p, n);
    const kit::step_plan now = plan.empty() ? kit::step_plan{} : plan[step++ % plan.size()];
    last = now.kind;
    const std::size_t some = std::min(now.amount, n);
    switch (now.kind) {
      case kit::step_kind::whole: return w.did(n);
      case kit::step_kind::brief: return w.did(some);
      case kit::step_kind::idle:
        if (now.amount % 2 == 0) return w.did(0);
        // A byte of the offer stopped it, whatever the memory is like there.
        return w.did(0, {.address = surefoot::detail::forward(p, some - 1),
                         .kind = cause::unknown,
                         .during = K});
      case kit::step_kind::greedy: return {n + now.amount, 0, {}};
      case kit::step_kind::ended: (void)w.did(some); return surefoot::stop(some, n);
    }
    return {};
  };
  const auto fault_in = [&](access_kind kind, const volatile void* p, std::size_t n) {
    ++asked;
    expect(kind == K, "resume asks for the other kind of access");
    expect(p == space().data() + r.offset + w.done(), "resume faults in somewhere else");
    expect(n <= (options.chunk == 0 ? r.length : options.chunk),
           "resume faults in more than a chunk");
    const progress met = surefoot::touch_with<E>{}(kind, p, n);
    if (kind == access_kind::write) space().probed_for_write({r.offset + w.done(), met.done});
    return met;
  };
  const progress met =
      surefoot::resume<K>(space().data() + r.offset, r.length, planned, options, fault_in);
  expect_sum(met, r, w);
  expect_content();
  if (met.all()) return;
  expect(met.stopped_by.address == space().data() + r.offset + met.done,
         "resume: where it stopped");
  expect(met.stopped_by.during == K, "resume: on which side");
  switch (last) {
    case kit::step_kind::greedy:
      return expect(met.stopped_by.kind == cause::overrun, "resume: not overrun");
    case kit::step_kind::ended:
      return expect(met.stopped_by.kind == cause::stopped, "resume: not stopped");
    default: break;
  }
  // Only a step that did nothing, on memory that refuses, or again and again.
  expect(last == kit::step_kind::idle, "resume ends after a step that did something");
  expect(asked > 0, "resume ends without having asked");
  const fault here = space().expected<E>({r.offset + met.done, 1}, K).stopped_by;
  if (here.kind == cause::none) {
    expect(met.stopped_by.kind == cause::stalled, "resume: not stalled");
    expect(w.idle() == options.rounds, "resume: another number of rounds");
  } else {
    expect_same(met.stopped_by, here, "resume: why it stopped");
    expect(w.idle() == 1, "resume asks again where it was refused");
  }
}

std::vector<kit::step_plan> plan_of(kit::fuzzed_call& c, bool safe) {
  std::vector<kit::step_plan> plan;
  for (unsigned n = c.extra() % 6u; n > 0; --n) plan.push_back(c.next_step(safe));
  return plan;
}

void by_plan(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const auto plan = plan_of(c, false);
  on_each_engine([&]<class E>(E) {
    if (kind_of(c) == access_kind::read)
      resumes_by_plan<access_kind::read, E>(r, options_of(c), plan);
    else
      resumes_by_plan<access_kind::write, E>(r, options_of(c), plan);
  });
}

// Copies out of the layout, some bytes at a time; between two steps the layout may change.
void real_copies(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const auto plan = plan_of(c, true);
  std::vector<kit::change> changes;
  for (unsigned n = c.extra() / 6u % 4; n > 0; --n) changes.push_back(c.next_change());
  const loop_options options = options_of(c);
  on_each_engine([&]<class E>(E e) {
    watched w(r, options);
    std::size_t step = 0;
    const auto copy = [&](const volatile void* p, std::size_t n) -> progress {
      w.offers(p, n);
      if (step < changes.size()) (void)space().make(changes[step]);
      const kit::step_plan now = plan.empty() ? kit::step_plan{} : plan[step % plan.size()];
      ++step;
      if (now.kind == kit::step_kind::idle) return w.did(0);
      const std::size_t some = now.kind == kit::step_kind::whole ? n : std::min(now.amount, n);
      const kit::reach here{r.offset + w.done(), some};
      const progress met = surefoot::try_copy(memory().data() + w.done(), p, some, e);
      expect_same(met, space().expected<E>(here, access_kind::read), "a step's copy");
      expect(space().model().holds(here.offset, memory().data() + w.done(), met.done),
             "a step's copy: content");
      return w.did(met.done, met.stopped_by);
    };
    const progress met = surefoot::resume<access_kind::read>(
        space().data() + r.offset, r.length, copy, options, surefoot::touch_with<E>{});
    expect_sum(met, r, w);
    memory().expect_rest(0, met.done, "resume: outside of what was done");
    if (!changes.empty() || !plan.empty()) return;
    expect_same(met, space().expected<E>(r, access_kind::read), "resume of whole copies");
  });
}

// Steps that take all that they are offered, or nothing and say which byte stopped them.
void all_or_nothing(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  loop_options options = options_of(c);
  options.rounds += 1;
  on_each_engine([&]<class E>(E) {
    watched w(r, options);
    const auto step = [&](const volatile void* p, std::size_t n) -> progress {
      w.offers(p, n);
      const auto here = space().expected<E>({r.offset + w.done(), n}, access_kind::read);
      return here.all() ? w.did(n) : w.did(0, here.stopped_by);
    };
    const progress met = surefoot::resume<access_kind::read>(
        space().data() + r.offset, r.length, step, options, surefoot::touch_with<E>{});
    expect_sum(met, r, w);
    expect_same(met, space().expected<E>(r, access_kind::read), "resume, all or nothing");
  });
}

void at_wild(kit::fuzzed_call& c) {
  unsigned char* const p = wild(c.extra());
  const std::size_t n = c.part().length;
  on_each_engine([&]<class E>(E e) {
    unsigned steps = 0;
    const auto copy = [&](const volatile void* from, std::size_t some) {
      ++steps;
      return surefoot::try_copy(memory().data(), from, some, e);
    };
    const progress met =
        surefoot::resume<access_kind::read>(p, n, copy, {}, surefoot::touch_with<E>{});
    expect_wild(met, p, n, "resume at a wild address");
    expect(steps <= 1 && (steps == 0 || !wraps(p, n)), "resume at a wild address: steps");
    const auto op = [&] { return surefoot::try_copy(memory().data(), p, n, e); };
    const verdict again = surefoot::restart(surefoot::reads(p, n), op, {},
                                            surefoot::ensure_with<E>{}, surefoot::touch_with<E>{});
    if (n == 0) return expect(bool(again), "restart of nothing");
    expect_wild({0, n, again.stopped_by}, p, n, "restart at a wild address");
  });
}

// A pager: it brings pages without access, one a call, and nothing else.
class pager {
 public:
  static bool comes(std::size_t offset) {
    return space().model().pages[offset / kit::tile_size].laid == kit::tile::no_access;
  }
  progress operator()(access_kind kind, const volatile void* p, std::size_t n) {
    const auto offset =
        static_cast<std::size_t>(static_cast<const volatile unsigned char*>(p) - space().data());
    expect(offset < kit::space_size && n <= kit::space_size - offset,
           "the pager is asked for something else");
    if (!comes(offset)) return {0, n, {.address = p, .kind = cause::denied, .during = kind}};
    (void)space().make({.what = kit::change_kind::map,
                        .first = offset / kit::tile_size,
                        .to = kit::tile::read_write,
                        .file = offset / kit::tile_size});
    const std::size_t done = std::min(n, kit::tile_size - offset % kit::tile_size);
    if (done == n) return {n, 0};
    return {done,
            n - done,
            {.address = space().data() + offset + done, .kind = cause::unknown, .during = kind}};
  }
};

// The first byte of the part that no pager will bring, and the fault there.
template <class E>
fault first_lost(const kit::reach& r) {
  for (std::size_t at = r.offset; at < r.end();) {
    const auto met = space().expected<E>({at, r.end() - at}, access_kind::read);
    at += met.done;
    if (met.all()) return {};
    if (!pager::comes(at)) return met.stopped_by;
    at += kit::tile_size - at % kit::tile_size;
  }
  return {};
}

void lay_again(const kit::space_model& before) {
  // Pages that a pager brought are gone again, for the next engine.
  for (std::size_t i = 0; i < kit::space_pages; ++i)
    if (before.pages[i].laid == kit::tile::no_access &&
        space().model().pages[i].laid != kit::tile::no_access) {
      (void)space().make(
          {.what = kit::change_kind::map, .first = i, .to = kit::tile::no_access, .file = i});
      (void)space().make({.what = kit::change_kind::protect,
                          .first = i,
                          .protection = before.pages[i].protection});
    }
}

void restarts(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  enum class operation { verdict, progress, touches_less, ends, never_works };
  const auto how = static_cast<operation>(c.extra() % 5);
  const loop_options options = options_of(c);
  on_each_engine([&]<class E>(E e) {
    const kit::space_model before = space().model();
    const kit::reach touched{r.offset, how == operation::touches_less ? r.length / 2 : r.length};
    const fault lost = first_lost<E>(r);
    const bool lost_touched = first_lost<E>(touched).kind != cause::none;
    // The pager brings each page once; before, between and behind that, `rounds` runs that end in nothing.
    const std::size_t allowed = (kit::space_pages + 1) * options.rounds;
    std::size_t runs = 0;
    const auto copy = [&]() -> progress {
      expect(++runs <= allowed, "restart does not end");
      if (how == operation::ends) return surefoot::stop(0, r.length);
      return surefoot::try_copy(memory().data(), space().data() + touched.offset, touched.length,
                                e);
    };
    const auto judge = [&]() -> verdict {
      const progress met = copy();
      if (how == operation::never_works) return {{.kind = cause::unknown}};
      return {met.stopped_by};
    };
    const auto needs = surefoot::reads(space().data() + r.offset, r.length);
    const bool counts = how == operation::progress || how == operation::ends;
    const verdict met =
        counts ? surefoot::restart(needs, copy, options, surefoot::ensure_with<E>{}, pager{})
               : surefoot::restart(needs, judge, options, surefoot::ensure_with<E>{}, pager{});
    memory().expect_rest(0, touched.length, "restart: outside");
    switch (how) {
      case operation::ends:
        // Nothing of nothing is all of it.
        if (r.length == 0) {
          expect(bool(met), "restart of nothing");
        } else {
          expect(met.stopped_by.kind == cause::stopped && runs == 1,
                 "restart does not stop when told");
        }
        break;
      case operation::never_works:
        if (lost.kind == cause::none)
          expect(met.stopped_by.kind == cause::stalled, "restart: not stalled");
        else
          expect_same(met.stopped_by, lost, "restart: why it gave up");
        break;
      default:
        // What the operation does not touch cannot stop it, once it has what it touches.
        expect_same(met.stopped_by, lost_touched ? lost : fault{}, "restart");
    }
    expect_content();
    lay_again(before);
  });
}

// An operation on several ranges, as buffers and alone: done only where all can be done.
void several(kit::fuzzed_call& c) {
  const buffers b(c, 3);
  const kit::reach into = c.part();
  if (space().model().has_aliases(into)) return;
  on_each_engine([&]<class E>(E e) {
    const progress sources = b.expected<E>(access_kind::read);
    fault should = sources.stopped_by;
    const bool readable = should.kind == cause::none;
    const auto read = space().expected<E>(into, access_kind::read);
    const auto write = space().expected<E>(into, access_kind::write);
    if (readable) should = kit::refused_for_writing(read, write);
    unsigned runs = 0;
    bool filled = false;
    const auto op = [&]() -> progress {
      expect(++runs <= 20, "restart does not end");
      const progress gathered = surefoot::try_gather(memory().data(), b.all, e);
      if (!gathered.all()) return gathered;
      const progress done = surefoot::try_fill(space().data() + into.offset, 0x77, into.length, e);
      filled = true;
      return done;
    };
    const verdict met = surefoot::restart(
        surefoot::needs(surefoot::reads(b.all),
                        surefoot::writes(space().data() + into.offset, into.length)),
        op, {}, surefoot::ensure_with<E>{}, surefoot::touch_with<E>{});
    memory().expect_rest(0, sources.done, "restart of several ranges: outside");
    // A fault-in of a part of a page that the operation needs whole may say "fine": then it stalls.
    if (met.stopped_by.kind == cause::stalled)
      expect(should.kind != cause::none || !write.all(), "restart of several ranges stalls");
    else if (!(readable && write.all() &&
               !read.all()))  // what can be stored to is filled, read or not
      expect_same(met.stopped_by, should, "restart of several ranges");
    expect(filled == readable, "restart of several ranges: filled");
    if (filled) {
      const std::vector<unsigned char> bytes(write.done, 0x77);
      space().wrote(into.offset, bytes.data(), write.done);
    }
    const std::size_t probed = std::min(read.done, write.done);
    if (readable) space().probed_for_write({into.offset, probed});
    expect_content();
  });
}

// Whatever changes between the rounds, it ends, and its answer is one of a verdict's.
void while_changing(kit::fuzzed_call& c) {
  const kit::reach r = c.part();
  const loop_options options = options_of(c);
  std::vector<kit::change> changes;
  for (unsigned n = c.extra() % 5u; n > 0; --n) changes.push_back(c.next_change());
  on_each_engine([&]<class E>(E e) {
    const std::size_t allowed = (kit::space_pages + 1) * options.rounds;
    std::size_t runs = 0;
    const auto op = [&]() -> progress {
      expect(++runs <= allowed, "restart does not end while the layout changes");
      const progress met =
          surefoot::try_copy(memory().data(), space().data() + r.offset, r.length, e);
      if (!changes.empty()) (void)space().make(changes[runs % changes.size()]);
      return met;
    };
    const verdict met = surefoot::restart(surefoot::reads(space().data() + r.offset, r.length), op,
                                          options, surefoot::ensure_with<E>{}, pager{});
    expect(bool(met) == (met.stopped_by.kind == cause::none), "restart: yes and no");
    memory().expect_rest(0, r.length, "restart while the layout changes: outside");
    expect_content();
  });
}

constexpr call table[] = {
    {"resume, steps by plan", by_plan},
    {"resume, real copies", real_copies},
    {"resume, all or nothing", all_or_nothing},
    {"resume at a wild address", at_wild},
    {"restart", restarts},
    {"restart of several ranges", several},
    {"restart while the layout changes", while_changing},
    ask_kernel,
};

}  // namespace

const char* const target_name = "loops";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() { memory().expect_all("good memory was written"); }

}  // namespace fuzz
