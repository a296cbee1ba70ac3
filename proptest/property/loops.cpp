// resume and restart: each byte once and in order, and always an end. What a loop calls asks for the
// end once it was called more often than it may be: a loop that would never end fails, and does not hang.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "property.hpp"

namespace {

using namespace property;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::verdict;

// A step that follows a plan, again and again, and writes down what it was offered.
class planned {
 public:
  planned(std::vector<kit::step_plan> plan, const unsigned char* begin, std::size_t size,
          const surefoot::loop_options& options)
      : plan_(std::move(plan)), begin_(begin), size_(size), options_(options) {}

  progress operator()(const volatile void* p, std::size_t n) {
    if (++calls_ > allowed()) return surefoot::stop(0, n);
    // The rest, from its beginning, and no more than that or than a chunk.
    in_order_ = in_order_ && p == begin_ + done_ && n > 0 && n <= size_ - done_ &&
                (options_.chunk == 0 || n <= options_.chunk);
    const kit::step_plan now =
        plan_.empty() ? kit::step_plan{} : plan_[(calls_ - 1) % plan_.size()];
    last_ = now.kind;
    idle_ = now.kind == kit::step_kind::idle ? idle_ + 1 : 0;
    switch (now.kind) {
      case kit::step_kind::whole: return take(n, n);
      case kit::step_kind::brief: return take(std::min(now.amount, n), n);
      case kit::step_kind::idle: return take(0, n);
      case kit::step_kind::greedy: return {n + now.amount, 0, {}};
      case kit::step_kind::ended: {
        const std::size_t some = std::min(now.amount, n);
        done_ += some;
        return surefoot::stop(some, n);
      }
    }
    return {};
  }

  bool in_order() const { return in_order_; }
  std::size_t done() const { return done_; }
  // Before, between and behind those that bring something, `rounds` in a row that do not end it.
  std::size_t allowed() const { return (done_ + 1) * options_.rounds; }
  std::size_t calls() const { return calls_; }
  // How many brought nothing since the last that did.
  std::size_t idle() const { return idle_; }
  kit::step_kind last() const { return last_; }

 private:
  progress take(std::size_t some, std::size_t n) {
    done_ += some;
    return {some, n - some, {}};
  }

  std::vector<kit::step_plan> plan_;
  const unsigned char* begin_;
  std::size_t size_;
  surefoot::loop_options options_;
  std::size_t calls_ = 0;
  std::size_t done_ = 0;
  std::size_t idle_ = 0;
  bool in_order_ = true;
  kit::step_kind last_ = kit::step_kind::whole;
};

template <access_kind K, class E>
void resumes(const kit::layout& l) {
  const kit::minefield field(l.tiles);
  const kit::reach r = *kit::any_reach(field.size());
  const auto steps = *kit::any_steps(false);
  const surefoot::loop_options options{.rounds = *rc::gen::inRange(1u, 20u),
                                       .chunk = *rc::gen::inRange<std::size_t>(0, 9000)};
  unsigned char* const begin = field.data() + r.offset;
  planned step(steps, begin, r.length, options);
  const progress met =
      surefoot::resume<K>(begin, r.length, step, options, surefoot::touch_with<E>{});
  RC_ASSERT(step.in_order());
  RC_ASSERT(step.calls() <= step.allowed());
  RC_ASSERT(met.done == step.done());
  RC_ASSERT(met.done + met.left == r.length);
  RC_ASSERT((met.left == 0) == (met.stopped_by.kind == cause::none));
  RC_ASSERT(field.intact());
  if (met.all()) return;
  RC_ASSERT((met.stopped_by.address == begin + met.done));
  RC_ASSERT(met.stopped_by.during == K);
  switch (step.last()) {
    case kit::step_kind::greedy: RC_ASSERT(met.stopped_by.kind == cause::overrun); break;
    case kit::step_kind::ended: RC_ASSERT(met.stopped_by.kind == cause::stopped); break;
    default: {
      // Only a step that did nothing, on memory that refuses, or again and again.
      RC_ASSERT(step.last() == kit::step_kind::idle);
      const auto here = oracle<E>(field).fault_at(r.offset + met.done, K);
      if (here.kind == cause::none) {
        RC_ASSERT(met.stopped_by.kind == cause::stalled);
        RC_ASSERT(step.idle() == options.rounds);
      } else {
        RC_ASSERT(met.stopped_by == here);
        RC_ASSERT(step.idle() == 1u);
      }
    }
  }
}

TEMPLATE_TEST_CASE("resume hands each byte over once, in order, whatever the step does", "",
                   SUREFOOT_ALL_ENGINES) {
  prop("for reading, over any layout", resumes<access_kind::read, TestType>);
  prop("for writing, over any layout", resumes<access_kind::write, TestType>);
}

// Pages in a model: nothing of them is touched, so that every layout can be visited.
enum class state { fine, bad, comes_when_asked };
constexpr state states[] = {state::fine, state::bad, state::comes_when_asked};

class model {
 public:
  explicit model(std::vector<state> pages) : pages_(std::move(pages)) {}

  static const unsigned char* at(std::size_t offset) {
    return reinterpret_cast<const unsigned char*>(std::uintptr_t{0x5000'0000'0000} + offset);
  }

  // The first byte of the range that cannot be accessed now.
  fault first_bad(const volatile void* p, std::size_t n, access_kind during) const {
    const std::size_t begin = offset_of(p);
    for (std::size_t i = begin; i < begin + n; i += kit::tile_size - i % kit::tile_size)
      if (pages_[i / kit::tile_size] != state::fine)
        return {.address = at(i), .kind = cause::denied, .during = during};
    return {};
  }
  // A pager: brings one page.
  progress bring(const volatile void* p, std::size_t n, access_kind during) {
    state& page = pages_[offset_of(p) / kit::tile_size];
    if (page == state::bad) return {0, n, {.address = p, .kind = cause::denied, .during = during}};
    page = state::fine;
    const std::size_t done = std::min(n, kit::tile_size - offset_of(p) % kit::tile_size);
    if (done == n) return {n, 0, {}};
    return {done,
            n - done,
            {.address = at(offset_of(p) + done), .kind = cause::unknown, .during = during}};
  }
  bool has_bad(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; i += kit::tile_size - i % kit::tile_size)
      if (pages_[i / kit::tile_size] == state::bad) return true;
    return false;
  }

 private:
  static std::size_t offset_of(const volatile void* p) {
    return reinterpret_cast<std::uintptr_t>(p) - 0x5000'0000'0000;
  }
  std::vector<state> pages_;
};

enum class operation {
  answers_verdict,
  answers_progress,
  touches_less,
  asks_for_the_end,
  never_works
};
constexpr operation operations[] = {operation::answers_verdict, operation::answers_progress,
                                    operation::touches_less, operation::asks_for_the_end,
                                    operation::never_works};

// One run of restart over [begin, end) of a layout; how often the operation was run is bounded.
void restarts_and_ends(const std::vector<state>& layout, std::size_t begin, std::size_t end,
                       operation how) {
  model pages(layout);
  constexpr surefoot::loop_options options{.rounds = 5};
  // A pager brings each page once; before, between and behind that, `rounds` runs that end in nothing.
  const std::size_t allowed = (layout.size() + 1) * options.rounds;
  std::size_t runs = 0;
  const auto probe = [&](access_kind kind, const volatile void* p, std::size_t n) {
    return verdict{pages.first_bad(p, n, kind)};
  };
  const auto pager = [&](access_kind kind, const volatile void* p, std::size_t n) {
    return pages.bring(p, n, kind);
  };
  const auto op_verdict = [&]() -> verdict {
    if (++runs > allowed) return {surefoot::stop(0, 1).stopped_by};
    const std::size_t n = how == operation::touches_less ? (end - begin) / 2 : end - begin;
    if (how == operation::never_works) return {{.kind = cause::unknown}};
    return {pages.first_bad(model::at(begin), n, access_kind::read)};
  };
  const auto op_progress = [&]() -> progress {
    if (++runs > allowed || how == operation::asks_for_the_end)
      return surefoot::stop(0, end - begin);
    const fault bad = pages.first_bad(model::at(begin), end - begin, access_kind::read);
    if (bad.kind == cause::none) return {end - begin, 0, {}};
    const auto done = static_cast<std::size_t>(
        static_cast<const volatile unsigned char*>(bad.address) - model::at(begin));
    return {done, end - begin - done, bad};
  };
  const auto needs = surefoot::reads(model::at(begin), end - begin);
  const bool counts = how == operation::answers_progress || how == operation::asks_for_the_end;
  const verdict met = counts ? surefoot::restart(needs, op_progress, options, probe, pager)
                             : surefoot::restart(needs, op_verdict, options, probe, pager);
  const std::size_t touched = how == operation::touches_less ? begin + (end - begin) / 2 : end;
  const auto right = [&] {
    if (runs > allowed) return false;
    switch (how) {
      case operation::asks_for_the_end: return met.stopped_by.kind == cause::stopped && runs == 1;
      case operation::never_works:
        return !met && (pages.has_bad(begin, end) ? met.stopped_by.kind == cause::denied
                                                  : met.stopped_by.kind == cause::stalled);
      default:
        // What the operation does not touch cannot stop it, once it has what it touches.
        if (!pages.has_bad(begin, touched)) return bool(met);
        return met.stopped_by.kind == cause::denied &&
               met.stopped_by.address ==
                   model(layout).first_bad(met.stopped_by.address, 1, access_kind::read).address;
    }
  };
  if (!right())
    FAIL(layout.size() << " pages, bytes " << begin << " to " << end << ", operation "
                       << static_cast<int>(how) << ": " << runs << " runs, "
                       << surefoot::name(met.stopped_by.kind));
}

TEST_CASE("restart ends on every layout of up to six pages, for every operation and every end") {
  constexpr std::size_t edges[] = {0, 1, 15, 16, 4095};
  std::size_t visited = 0;
  for (std::size_t k = 1, layouts = 3; k <= 6; ++k, layouts *= 3)
    for (std::size_t number = 0; number < layouts; ++number) {
      std::vector<state> layout;
      for (std::size_t i = 0, rest = number; i < k; ++i, rest /= 3)
        layout.push_back(states[rest % 3]);
      for (const std::size_t first : edges)
        for (const std::size_t last : edges) {
          const std::size_t begin = first, end = (k - 1) * kit::tile_size + last;
          if (end <= begin) continue;
          for (const operation how : operations) restarts_and_ends(layout, begin, end, how);
          ++visited;
        }
    }
  CHECK(visited > 20'000);
}

TEST_CASE("restart ends although an adversary changes the layout between the rounds") {
  prop("any changes", [] {
    const auto script = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::vector<state>>>(rc::gen::container<std::vector<state>>(
            4, rc::gen::element(state::fine, state::bad, state::comes_when_asked))));
    const unsigned rounds = *rc::gen::inRange(1u, 20u);
    // Four pages can each be met for the first time; in between, `rounds` rounds at most.
    const std::size_t allowed = 5 * rounds;
    std::size_t runs = 0;
    model pages(script[0]);
    const auto disturb = [&] { pages = model(script[++runs % script.size()]); };
    const auto met = surefoot::restart(
        surefoot::reads(model::at(0), 4 * kit::tile_size),
        [&]() -> verdict {
          const fault bad = pages.first_bad(model::at(0), 4 * kit::tile_size, access_kind::read);
          disturb();
          return {runs > allowed ? surefoot::stop(0, 1).stopped_by : bad};
        },
        {.rounds = rounds},
        [&](access_kind kind, const volatile void* p, std::size_t n) {
          return verdict{pages.first_bad(p, n, kind)};
        },
        [&](access_kind kind, const volatile void* p, std::size_t n) {
          return pages.bring(p, n, kind);
        });
    RC_ASSERT(runs <= allowed);
    RC_ASSERT(bool(met) == (met.stopped_by.kind == cause::none));
  });
}

// Why there are two primitives. Granules of 16 bytes, as arm64's memory tags have them: one of them
// in the midst of the page refuses.
TEST_CASE(
    "a restarting loop with a page-wise probe spins on a fault within a page, and restart ends") {
  static constexpr std::size_t size = 2 * kit::tile_size, bad_granule = kit::tile_size + 160;
  const auto first_bad = [](const volatile void* p, std::size_t n, access_kind during) -> fault {
    const auto begin =
        reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(model::at(0));
    const std::size_t bad = std::max<std::size_t>(begin, bad_granule);
    if (bad >= begin + n || bad >= bad_granule + 16) return {};
    return {.address = model::at(bad), .kind = cause::tag_mismatch, .during = during};
  };
  const auto operation = [&]() -> verdict {
    return {first_bad(model::at(0), size, access_kind::write)};
  };

  // By hand, as the kernel's callers did it until 2021: touch one byte of each page, begin again.
  unsigned rounds = 0;
  bool gave_up = false;
  while (!operation()) {
    bool fine = true;
    for (std::size_t page = 0; page < size; page += kit::tile_size)
      fine = fine && first_bad(model::at(page), 1, access_kind::write).kind == cause::none;
    if (!fine) break;  // it never is: the probe says "fine", the operation fails
    if (++rounds == 1000) {
      gave_up = true;
      break;
    }
  }
  CHECK(gave_up);

  unsigned probes = 0;
  const verdict met = surefoot::restart(
      surefoot::writes(const_cast<unsigned char*>(model::at(0)), size), operation, {},
      [&](access_kind kind, const volatile void* p, std::size_t n) {
        ++probes;
        return verdict{first_bad(p, n, kind)};
      },
      [&](access_kind kind, const volatile void* p, std::size_t n) {
        const fault bad = first_bad(p, n, kind);
        return bad.address == p ? progress{0, n, bad} : progress{n, 0, {}};
      });
  CHECK(met.stopped_by.kind == cause::tag_mismatch);
  CHECK(met.stopped_by.address == model::at(bad_granule));
  CHECK(probes == 1);
}

}  // namespace
