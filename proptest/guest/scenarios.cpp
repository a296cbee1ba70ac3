// None steals another's fault, whoever came first, whoever guards, whoever accesses.
//
// Played by each company of images (cast.hpp), each scenario in a process of its own.
#include <sched.h>
#include <setjmp.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cast.hpp"
#include "child.hpp"
#include "meanwhile.hpp"
#include "stage.hpp"
#include "surefoot/fault.hpp"

namespace {

using images = std::vector<const guest::image*>;
using order = std::vector<int>;

constexpr int unmapped_or_denied = static_cast<int>(surefoot::cause::denied);
constexpr int no_backing = static_cast<int>(surefoot::cause::no_backing);

const guest::image& pick(const images& all, int i) { return *all[static_cast<std::size_t>(i)]; }

std::string text(const order& o) {
  std::string s;
  for (const int i : o) s += std::to_string(i);
  return s;
}

enum class first { by_install, by_use };

// Each image takes the signals, in this order.
void take_the_signals(const images& all, const order& o, first how) {
  static const long good = 42;
  for (const int i : o) {
    if (how == first::by_install) {
      EXPECT(pick(all, i).install());
    } else {
      const guest::answer a = pick(all, i).load(&good);
      EXPECT(a.ok && a.value == 42);
    }
    EXPECT(pick(all, i).installed() == 2);
  }
}

// Plays the scenario once for each company, and each order in which its images take the signals.
using scenario = std::function<void(const images&, const order&)>;
void for_each_order(const scenario& play,
                    std::vector<first> ways = {first::by_install, first::by_use}) {
  for (const cast::company& c : cast::companies())
    for (const first how : ways)
      for (const order& o : stage::orders(static_cast<int>(c.size))) {
        const std::string said = child::trouble_in([&] {
          const images all = c.enter();
          EXPECT(all.size() == c.size);
          stage::previous::own_both_signals();
          child::at = (how == first::by_install ? "installed " : "used ") + text(o);
          take_the_signals(all, o, how);
          play(all, o);
        });
        INFO(c.name << ", in the order " << text(o));
        CHECK(said == "");
      }
}

// The same, but for the taking.
void for_each_order_before_any_takes(const scenario& play) {
  for (const cast::company& c : cast::companies())
    for (const order& o : stage::orders(static_cast<int>(c.size))) {
      const std::string said = child::trouble_in([&] {
        const images all = c.enter();
        stage::previous::own_both_signals();
        play(all, o);
      });
      INFO(c.name << ", in the order " << text(o));
      CHECK(said == "");
    }
}

// Each sequence of `length` numbers below n.
void for_each_sequence(int n, std::size_t length, const std::function<void(const order&)>& f) {
  order o(length, 0);
  for (;;) {
    f(o);
    std::size_t i = 0;
    while (i < length && ++o[i] == n) o[i++] = 0;
    if (i == length) return;
  }
}

stage::nest nest_of(const images& all, const order& guards, guest::callback f, void* argument) {
  stage::nest n(f, argument);
  for (const int g : guards) n.guards.push_back({&pick(all, g)});
  return n;
}

// What guarded code does with the access of an image.
struct access_in_guards {
  const guest::image* by;
  const stage::bad_memory* bad;
  bool came_to_its_end;
};

void try_each_access(void* p) noexcept {
  auto& a = *static_cast<access_in_guards*>(p);
  for (const long* const bad : a.bad->both) {
    const int kind = bad == a.bad->denied ? unmapped_or_denied : no_backing;
    for (const auto load : {a.by->load, a.by->load_by_table, a.by->load_by_jump}) {
      const guest::answer said = load(bad + 3);
      EXPECT(!said.ok && said.kind == kind && said.address == bad + 3);
    }
    long to[4] = {};
    const guest::answer said = a.by->copy(to, bad + 3, sizeof to);
    EXPECT(!said.ok && said.kind == kind && said.address == bad + 3 && said.done == 0);
  }
  a.came_to_its_end = true;
}

// A guard of each image takes a fault of its own, alone, and nobody else's.
void expect_that_every_image_still_guards(const images& all, stage::bad_memory& bad) {
  for (const guest::image* const i : all)
    for (long* const p : bad.both) {
      const guest::answer a = i->run(stage::read_there, p);
      EXPECT(!a.ok && a.address == p);
      const guest::answer within = i->run_within(p, 8, stage::read_there, p);
      EXPECT(!within.ok && within.address == p);
      const guest::answer load = i->load(p);
      EXPECT(!load.ok && load.address == p);
    }
  stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
}

}  // namespace

#define NAMED(name) GUEST_HOW ": " name

TEST_CASE(NAMED("a table access inside guards of any images has its own answer, and they go on")) {
  for_each_order([](const images& all, const order&) {
    const auto n = static_cast<int>(all.size());
    stage::bad_memory bad;
    for (std::size_t depth = 0; depth <= 3; ++depth)
      for_each_sequence(n, depth, [&](const order& guards) {
        for (const guest::image* const by : all) {
          child::at = "guards " + text(guards) + ", access by " + by->name;
          access_in_guards a{by, &bad, false};
          stage::nest nest = nest_of(all, guards, try_each_access, &a);
          nest.run();
          EXPECT(a.came_to_its_end);
          for (const guest::answer& said : nest.answers) EXPECT(said.ok);
        }
      });
    child::at = "afterwards";
    expect_that_every_image_still_guards(all, bad);
  });
}

TEST_CASE(NAMED("a fault of guarded code goes to the innermost guard, whichever image made it")) {
  for_each_order([](const images& all, const order&) {
    const auto n = static_cast<int>(all.size());
    stage::bad_memory bad;
    for (std::size_t depth = 1; depth <= 3; ++depth)
      for_each_sequence(n, depth, [&](const order& guards) {
        for (long* const p : bad.both) {
          child::at = "guards " + text(guards);
          stage::nest nest = nest_of(all, guards, stage::read_there, p);
          nest.run();
          for (std::size_t i = 0; i < depth; ++i) EXPECT(nest.answers[i].ok == (i + 1 < depth));
          EXPECT(nest.answers.back().address == p);
        }
        stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      });
    expect_that_every_image_still_guards(all, bad);
  });
}

TEST_CASE(NAMED("a fault goes past guards that do not cover it, and leaves none of them behind")) {
  for_each_order([](const images& all, const order&) {
    const auto n = static_cast<int>(all.size());
    stage::bad_memory bad;
    // Which of the three covers the fault; 3: none, so it is the previous handler's.
    for (std::size_t covering = 0; covering <= 3; ++covering)
      for_each_sequence(n, 3, [&](const order& guards) {
        child::at = "guards " + text(guards) + ", only the one at " + std::to_string(covering);
        stage::nest nest = nest_of(all, guards, stage::read_there, bad.denied);
        for (std::size_t i = 0; i < 3; ++i) {
          nest.guards[i].range = i == covering ? bad.denied : bad.past_end;
          nest.guards[i].bytes = 8;
        }
        stage::previous::calls = 0;
        nest.run();
        EXPECT(stage::previous::calls == (covering == 3 ? 1 : 0));
        for (std::size_t i = 0; i < 3; ++i) {
          EXPECT(nest.answers[i].ok == (covering == 3 || i < covering));
          if (covering != 3)
            EXPECT((nest.answers[i].kind == stage::nest::not_ended) == (i > covering));
        }
        // A guard that was left behind would take one of these, and jump into a frame that is gone.
        stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      });
    expect_that_every_image_still_guards(all, bad);
  });
}

TEST_CASE(NAMED("the first use of an image may come inside the guard of another")) {
  for (const cast::company& c : cast::companies()) {
    for (const order& o : stage::orders(static_cast<int>(c.size))) {
      const std::string said = child::trouble_in([&] {
        const images all = c.enter();
        stage::previous::own_both_signals();
        child::at = "in the order " + text(o);
        stage::bad_memory bad;
        // Each image guards, and the access is by one that nobody has used yet.
        for (std::size_t i = 0; i + 1 < o.size(); ++i) {
          access_in_guards a{&pick(all, o[i + 1]), &bad, false};
          const order guards(o.begin(), o.begin() + static_cast<std::ptrdiff_t>(i) + 1);
          stage::nest nest = nest_of(all, guards, try_each_access, &a);
          nest.run();
          EXPECT(a.came_to_its_end);
          for (const guest::answer& told : nest.answers) EXPECT(told.ok);
        }
        expect_that_every_image_still_guards(all, bad);
        // One chain from the first moment on.
        void* const chain = pick(all, o[0]).exchange_guard(nullptr);
        EXPECT(chain == nullptr);
      });
      INFO(c.name);
      CHECK(said == "");
    }
  }
}

TEST_CASE(NAMED("a fault without a guard reaches the handler before us exactly once")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    // Also after every image took the signals again, in turn.
    for (const order& again : stage::orders(static_cast<int>(all.size()))) {
      child::at = "installed " + text(o) + ", again " + text(again);
      for (const int i : again) {
        EXPECT(pick(all, i).install());
        EXPECT(pick(all, i).installed() == 2);
        stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      }
    }
    expect_that_every_image_still_guards(all, bad);
  });
}

namespace {

using handler = void (*)(int, siginfo_t*, void*);
volatile handler handed_on_to;
void hands_on(int signal, siginfo_t* info, void* context) { handed_on_to(signal, info, context); }

}  // namespace

TEST_CASE(
    NAMED("a fault that an owner hands on to an image goes on to the handler before us, "
          "whichever image has the signal")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    for (const int signal : {SIGSEGV, SIGBUS}) {
      struct sigaction owner {};
      ::sigaction(signal, nullptr, &owner);
      handed_on_to = owner.sa_sigaction;
      owner.sa_sigaction = hands_on;
      ::sigaction(signal, &owner, nullptr);
    }
    EXPECT(pick(all, o.front()).install());
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    expect_that_every_image_still_guards(all, bad);
  });
}

namespace {

volatile int resigned = 0;
struct sigaction before_it[2];
void resigns(int signal, siginfo_t*, void*) {
  resigned = resigned + 1;
  if (resigned > 100) ::_exit(94);
  ::sigaction(signal, &before_it[signal == SIGBUS], nullptr);
}

}  // namespace

TEST_CASE(
    NAMED("an owner that puts an image back and returns has been asked once, whichever image had "
          "taken the signals from it")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    for (const int i : o) {
      struct sigaction owner {};
      owner.sa_sigaction = resigns;
      owner.sa_flags = SA_SIGINFO | SA_ONSTACK;
      for (const int signal : {SIGSEGV, SIGBUS})
        ::sigaction(signal, &owner, &before_it[signal == SIGBUS]);
      EXPECT(pick(all, i).install());
      for (const int times : {2, 0}) {  // once for each signal
        resigned = 0;
        stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
        EXPECT(resigned == times);
        expect_that_every_image_still_guards(all, bad);
      }
    }
  });
}

TEST_CASE(NAMED("an owner that has gone is not asked when another image takes the signals")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    struct sigaction owner {};
    owner.sa_sigaction = resigns;
    owner.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (const int signal : {SIGSEGV, SIGBUS})
      ::sigaction(signal, &owner, &before_it[signal == SIGBUS]);
    EXPECT(pick(all, o.back()).install());
    for (const int signal : {SIGSEGV, SIGBUS})
      ::sigaction(signal, &before_it[signal == SIGBUS], nullptr);
    EXPECT(pick(all, o.back()).installed() == 2);
    EXPECT(pick(all, o.front()).install());
    resigned = 0;
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(resigned == 0);
  });
}

TEST_CASE(NAMED("a handler before us that leaves by a jump is reached each time")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    stage::previous::jumps = true;
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    for (const order& again : stage::orders(static_cast<int>(all.size()))) {
      child::at = "installed " + text(o) + ", again " + text(again);
      for (const int i : again) {
        EXPECT(pick(all, i).install());
        stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      }
    }
  });
}

namespace {

// Each image gives back, in this order, again and again until the first owner is back.
void give_all_back(const images& all, const order& o, stage::bad_memory& bad) {
  std::size_t rounds = 0;
  while (!(stage::previous::owns(SIGSEGV) && stage::previous::owns(SIGBUS))) {
    if (++rounds > all.size()) {
      const bool the_first_owner_comes_back = false;
      EXPECT(the_first_owner_comes_back);
      return;
    }
    for (const int i : o) {
      // Those that are not current say so.
      const int owned = pick(all, i).installed();
      EXPECT(pick(all, i).uninstall() == owned);
      EXPECT(pick(all, i).installed() == 0);
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    }
  }
  for (const guest::image* const i : all) EXPECT(i->uninstall() == 0);
}

}  // namespace

TEST_CASE(
    NAMED("uninstalled from the last to the first, the last one restores what was before us")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    const order reverse(o.rbegin(), o.rend());
    for (const int i : reverse) {
      EXPECT(!stage::previous::owns(SIGSEGV) && !stage::previous::owns(SIGBUS));
      EXPECT(pick(all, i).uninstall() == 2);
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    }
    EXPECT(stage::previous::owns(SIGSEGV) && stage::previous::owns(SIGBUS));
    // And all of it once more.
    take_the_signals(all, reverse, first::by_use);
    expect_that_every_image_still_guards(all, bad);
    give_all_back(all, o, bad);
  });
}

TEST_CASE(NAMED("uninstalled in any order, the handler before us is never lost")) {
  for (const order& back : stage::orders(3))
    for_each_order(
        [&](const images& all, const order& o) {
          stage::bad_memory bad;
          order complete = back;
          for (int i = 3; i < static_cast<int>(all.size()); ++i) complete.push_back(i);
          child::at = "installed " + text(o) + ", given back " + text(complete);
          give_all_back(all, complete, bad);
        },
        {first::by_install});
}

TEST_CASE(
    NAMED("uninstalled after each took the signals again, the handler before us is not lost")) {
  for (const order& again : stage::orders(3))
    for_each_order(
        [&](const images& all, const order& o) {
          stage::bad_memory bad;
          for (const int i : again) EXPECT(pick(all, i).install());
          child::at = "installed " + text(o) + ", again " + text(again) + ", given back " + text(o);
          give_all_back(all, o, bad);
        },
        {first::by_install});
}

namespace {

struct exchange {
  const guest::image* by;
  stage::bad_memory* bad;
  bool came_to_its_end;
};

void hide_and_show(void* p) noexcept {
  auto& e = *static_cast<exchange*>(p);
  void* const chain = e.by->exchange_guard(nullptr);
  EXPECT(chain != nullptr);
  stage::expect_that_unguarded_faults_reach_the_previous_handler(*e.bad);
  EXPECT(e.by->exchange_guard(chain) == nullptr);
  e.came_to_its_end = true;
  stage::read_directly(e.bad->denied);
  const bool the_guard_took_it = false;
  EXPECT(the_guard_took_it);
}

}  // namespace

TEST_CASE(NAMED("an exchange of the guards by one image hides and shows those of all images")) {
  for_each_order([](const images& all, const order&) {
    stage::bad_memory bad;
    const auto n = static_cast<int>(all.size());
    for_each_sequence(n, 2, [&](const order& guards) {
      for (const guest::image* const by : all) {
        child::at = "guards " + text(guards) + ", exchange by " + by->name;
        exchange e{by, &bad, false};
        stage::nest nest = nest_of(all, guards, hide_and_show, &e);
        nest.run();
        EXPECT(e.came_to_its_end);
        EXPECT(nest.answers[0].ok && !nest.answers[1].ok);
      }
    });
    expect_that_every_image_still_guards(all, bad);
  });
}

namespace {

// A thread that faults in the first images of an order, when it is told.
class faulting {
 public:
  faulting(const images& all, const order& o, const stage::bad_memory& bad)
      : all_(all), order_(o), bad_(bad), thread_([this] { run(); }) {}
  ~faulting() {
    tell(over);
    thread_.join();
  }
  faulting(const faulting&) = delete;
  faulting& operator=(const faulting&) = delete;

  // Returns at once. What it was told before has to be finished.
  void tell(int how_many) { __atomic_store_n(&told_, how_many, __ATOMIC_RELEASE); }
  void finish() {
    while (__atomic_load_n(&told_, __ATOMIC_ACQUIRE) != none) ::sched_yield();
  }

 private:
  static constexpr int none = -1, over = -2;

  void run() {
    for (int n; (n = __atomic_load_n(&told_, __ATOMIC_ACQUIRE)) != over;) {
      if (n == none) ::sched_yield();
      for (int i = 0; i < n; ++i) {
        const guest::image& each = pick(all_, order_[static_cast<std::size_t>(i)]);
        const guest::answer a = each.load_by_table(bad_.denied);
        EXPECT(!a.ok && a.kind == unmapped_or_denied && a.address == bad_.denied);
        const guest::answer g = each.run(stage::read_there, bad_.denied);
        EXPECT(!g.ok && g.address == bad_.denied);
      }
      if (n >= 0) __atomic_store_n(&told_, none, __ATOMIC_RELEASE);
    }
  }

  const images& all_;
  const order& order_;
  const stage::bad_memory& bad_;
  int told_ = none;
  std::thread thread_;
};

// The image takes SIGSEGV in two steps. Behind the first one, when it has seen who owns the signal,
// those before it in the order come and take it; behind the second one, when it owns the signal, it
// is held up while those fault.
void take_late(const images& all, const order& o, std::size_t i, faulting& others) {
  bool looked = false;
  const meanwhile::during_sigaction hook([&](int signal, bool set) {
    if (signal != SIGSEGV) return;
    if (!set && i > 0 && !std::exchange(looked, true)) take_late(all, o, i - 1, others);
    if (!set || i == 0) return;
    others.tell(static_cast<int>(i));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  EXPECT(pick(all, o[i]).install());
  others.finish();
}

}  // namespace

TEST_CASE(
    NAMED("while an image takes the signals from another one, that one's faults are its own")) {
  for_each_order_before_any_takes([](const images& all, const order& o) {
    stage::bad_memory bad;
    {
      faulting others(all, o, bad);
      take_late(all, o, o.size() - 1, others);
    }
    EXPECT(stage::previous::calls == 0);
    expect_that_every_image_still_guards(all, bad);
  });
}

TEST_CASE(NAMED("images that come to be used at once, by threads, know each other")) {
  for (const cast::company& c : cast::companies())
    for (int round = 0; round < (build::is_sanitized ? 8 : 30); ++round) {
      const std::string said = child::trouble_in([&] {
        const images all = c.enter();
        stage::previous::own_both_signals();
        stage::bad_memory bad;
        // Two threads for each image.
        int waiting = 2 * static_cast<int>(all.size());
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < 2 * all.size(); ++t)
          threads.emplace_back([&, t, i = t % all.size()] {
            std::minstd_rand chance(static_cast<unsigned>(round) * 100 + static_cast<unsigned>(t));
            const meanwhile::during_sigaction held_up([&](int, bool) {
              if (chance() % 2 == 0)
                std::this_thread::sleep_for(std::chrono::microseconds(chance() % 500));
            });
            __atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
            // Two cores may hold three threads: who waits lets go of his.
            while (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) > 0) ::sched_yield();
            for (int k = 0; k < 3; ++k) {
              const guest::answer a = all[i]->load_by_table(bad.denied);
              EXPECT(!a.ok && a.kind == unmapped_or_denied && a.address == bad.denied);
              const guest::answer g = all[i]->run(stage::read_there, bad.denied);
              EXPECT(!g.ok && g.address == bad.denied);
            }
          });
        for (std::thread& t : threads) t.join();

        for_each_sequence(static_cast<int>(all.size()), 2, [&](const order& guards) {
          for (const guest::image* const by : all) {
            child::at = "round " + std::to_string(round) + ", guards " + text(guards);
            access_in_guards a{by, &bad, false};
            stage::nest nest = nest_of(all, guards, try_each_access, &a);
            nest.run();
            EXPECT(a.came_to_its_end);
            nest = nest_of(all, guards, stage::read_there, bad.denied);
            nest.run();
            EXPECT(nest.answers[0].ok && !nest.answers[1].ok);
          }
        });
        expect_that_every_image_still_guards(all, bad);
      });
      INFO(c.name << ", round " << round);
      CHECK(said == "");
    }
}

// A handler that is not ours and comes between two images. It passes on what it gets to the one
// that it displaced.
namespace between {
namespace {

volatile int calls = 0;
struct sigaction displaced[2];

void on_fault(int signal, siginfo_t* info, void* ucontext) {
  calls = calls + 1;
  if (calls > 100) ::_exit(93);
  displaced[signal == SIGBUS ? 1 : 0].sa_sigaction(signal, info, ucontext);
}

void own_both_signals(handler with = on_fault) {
  struct sigaction a {};
  a.sa_sigaction = with;
  a.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  ::sigaction(SIGSEGV, &a, &displaced[0]);
  ::sigaction(SIGBUS, &a, &displaced[1]);
}

// Images take the signals with that handler between the first two of them. By then each has used
// its own chain of guards. Then the first one takes them again, and meets the second.
void take_with_it_between(const images& all, const order& o, stage::bad_memory& bad) {
  stage::previous::own_both_signals();
  const auto use = [&](const guest::image& i) {
    EXPECT(i.install());
    EXPECT(!i.run(stage::read_there, bad.denied).ok);
  };
  use(pick(all, o[0]));
  own_both_signals();
  for (std::size_t k = 1; k < o.size(); ++k) use(pick(all, o[k]));
  EXPECT(pick(all, o[0]).install());
}

void for_each_order_with_it(const scenario& play) {
  for (const cast::company& c : cast::companies()) {
    for (const order& o : stage::orders(static_cast<int>(c.size))) {
      const std::string said = child::trouble_in([&] {
        const images all = c.enter();
        stage::bad_memory bad;
        take_with_it_between(all, o, bad);
        play(all, o);
      });
      INFO(c.name << ", in the order " << text(o));
      // No further: a guard that dangles may take the whole time of each.
      REQUIRE(said == "");
    }
  }
}

}  // namespace
}  // namespace between

TEST_CASE(
    NAMED("images with a foreign handler between them know each other after one more install")) {
  between::for_each_order_with_it([](const images& all, const order&) {
    stage::bad_memory bad;
    for_each_sequence(static_cast<int>(all.size()), 3, [&](const order& guards) {
      child::at = "guards " + text(guards);
      for (const guest::image* const by : all) {
        access_in_guards a{by, &bad, false};
        stage::nest nest = nest_of(all, guards, try_each_access, &a);
        nest.run();
        EXPECT(a.came_to_its_end);
      }
      stage::nest nest = nest_of(all, guards, stage::read_there, bad.denied);
      nest.run();
      EXPECT(nest.answers[0].ok && nest.answers[1].ok && !nest.answers[2].ok);
    });
    expect_that_every_image_still_guards(all, bad);
  });
}

TEST_CASE(NAMED("with a foreign handler between images it is asked once, and so is the first")) {
  between::for_each_order_with_it([](const images& all, const order&) {
    stage::bad_memory bad;
    for (long* const p : bad.both) {
      between::calls = 0;
      stage::previous::calls = 0;
      stage::read_directly(p);
      EXPECT(between::calls == 1);
      EXPECT(stage::previous::calls == 1);
    }
    bad.spoil();
    for (const guest::image* const i : all) {
      EXPECT(i->install());
      between::calls = 0;
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      EXPECT(between::calls == 2);
    }
  });
}

TEST_CASE(NAMED("a foreign handler that each image displaced is asked once")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    for (const int i : o) {
      between::own_both_signals();
      EXPECT(pick(all, i).install());
    }
    between::calls = 0;
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(between::calls == 2);  // once for each signal
  });
}

TEST_CASE(NAMED("an image that gets the signals back asks whom it asked before")) {
  for_each_order([](const images& all, const order& o) {
    stage::bad_memory bad;
    between::own_both_signals();
    EXPECT(pick(all, o.front()).install());
    EXPECT(pick(all, o.back()).install());
    EXPECT(pick(all, o.back()).uninstall() == 2);
    EXPECT(pick(all, o.front()).installed() == 2);
    between::calls = 0;
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(between::calls == 2);
  });
}

namespace between {
namespace {

const guest::image* made_known = nullptr;
void makes_an_image_known(int signal, siginfo_t* info, void* ucontext) {
  EXPECT(made_known->install());
  on_fault(signal, info, ucontext);
}

}  // namespace
}  // namespace between

TEST_CASE(NAMED("behind an owner that makes another image known comes whom that one displaced")) {
  for_each_order_before_any_takes([](const images& all, const order& o) {
    stage::bad_memory bad;
    between::made_known = &pick(all, o[0]);
    EXPECT(between::made_known->install());
    between::own_both_signals(between::makes_an_image_known);
    EXPECT(pick(all, o[1]).install());
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
  });
}

// It comes when the image has looked who has the signal; and when the image has set its handler another one does.
TEST_CASE(NAMED("a foreign handler that comes while two images take the signals is asked")) {
  for_each_order_before_any_takes([](const images& all, const order& o) {
    stage::bad_memory bad;
    int step = 0;
    {
      const meanwhile::during_sigaction hook([&](int signal, bool set) {
        if (signal != SIGSEGV) return;
        if (!set && step == 0) {
          step = 1;
          between::own_both_signals();
          step = 2;
        } else if (set && step == 2) {
          step = 3;
          EXPECT(pick(all, o[1]).install());
        }
      });
      (void)pick(all, o[0]).install();  // the other one has a signal afterwards
    }
    EXPECT(step == 3);
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(between::calls == 2);
  });
}

namespace between {
namespace {

// It is displaced by one image, and gets the signals again from another one.
void displaced_and_again(const guest::image& a, const guest::image& b) {
  EXPECT(a.install());
  own_both_signals();
  EXPECT(a.install());
  EXPECT(b.install());
  EXPECT(a.uninstall() == 0);
  EXPECT(b.uninstall() == 2);
}

}  // namespace
}  // namespace between

TEST_CASE(NAMED("an owner that has the signals again is asked by nobody who had displaced it")) {
  for_each_order_before_any_takes([](const images& all, const order& o) {
    stage::bad_memory bad;
    between::displaced_and_again(pick(all, o[0]), pick(all, o[1]));
    // Another one comes, and hands on to it.
    handed_on_to = between::on_fault;
    struct sigaction owner {};
    owner.sa_sigaction = hands_on;
    owner.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    for (const int signal : {SIGSEGV, SIGBUS}) ::sigaction(signal, &owner, nullptr);
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(between::calls == 2);
    // And the first one takes the signals from that.
    EXPECT(pick(all, o[0]).install());
    between::calls = 0;
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(between::calls == 2);
  });
}

namespace between {
namespace {

// It goes, as it should: what it had displaced is there again.
void go() {
  ::sigaction(SIGSEGV, &displaced[0], nullptr);
  ::sigaction(SIGBUS, &displaced[1], nullptr);
}
// It goes, and of what it had displaced signal() leaves the handler's address.
void go_carelessly() {
  ::signal(SIGSEGV, displaced[0].sa_handler);
  ::signal(SIGBUS, displaced[1].sa_handler);
}

// Once this thread has looked who has SIGSEGV, before it sets anything.
meanwhile::hook once_it_has_looked(std::function<void()> f) {
  return [f = std::move(f), done = false](int signal, bool set) mutable {
    if (signal == SIGSEGV && !set && !std::exchange(done, true)) f();
  };
}

// The first two images of each order, before any takes the signals.
void for_each_two(
    const std::function<void(const guest::image&, const guest::image&, stage::bad_memory&)>& play) {
  for_each_order_before_any_takes([&](const images& all, const order& o) {
    stage::bad_memory bad;
    play(pick(all, o[0]), pick(all, o[1]), bad);
  });
}
// The first image of each order, once it has taken the signals and the handler has come over it.
void for_each_over_which_it_came(
    const std::function<void(const guest::image&, stage::bad_memory&)>& play) {
  for_each_two([&](const guest::image& a, const guest::image&, stage::bad_memory& bad) {
    EXPECT(a.install());
    own_both_signals();
    play(a, bad);
  });
}

void expect_that_it_has_gone(stage::bad_memory& bad) {
  stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
  EXPECT(calls == 0);
}

}  // namespace
}  // namespace between

TEST_CASE(NAMED(
    "an owner that had the signals again and has gone is asked by nobody who had displaced it")) {
  between::for_each_two([](const guest::image& a, const guest::image& b, stage::bad_memory& bad) {
    between::displaced_and_again(a, b);
    between::go();
    // Another one is displaced by the first image, and comes again: it hands on to the image what it gets.
    const auto another_comes = [] {
      between::own_both_signals([](int signal, siginfo_t* info, void* ucontext) {
        between::displaced[signal == SIGBUS ? 1 : 0].sa_sigaction(signal, info, ucontext);
      });
    };
    another_comes();
    EXPECT(a.install());
    another_comes();
    stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
    EXPECT(between::calls == 0);
  });
}

TEST_CASE(NAMED("of an image each registration is known that another one displaced")) {
  between::for_each_two([](const guest::image& a, const guest::image& b, stage::bad_memory& bad) {
    EXPECT(b.install());
    between::own_both_signals();
    EXPECT(b.install());
    between::go();
    EXPECT(a.install());  // displaces the first one of b
    EXPECT(b.install());
    EXPECT(a.install());  // displaces the third one
    between::expect_that_it_has_gone(bad);
  });
}

TEST_CASE(NAMED("of an image that gets the signals back another registration stays displaced")) {
  between::for_each_two([](const guest::image& a, const guest::image& b, stage::bad_memory& bad) {
    EXPECT(b.install());
    between::own_both_signals();
    EXPECT(b.install());
    between::go();
    EXPECT(a.install());
    EXPECT(b.install());
    EXPECT(a.install());
    EXPECT(a.uninstall() == 2);
    EXPECT(b.installed() == 2);
    between::expect_that_it_has_gone(bad);
  });
}

TEST_CASE(NAMED("an image gives back that registration of another one which it had displaced")) {
  between::for_each_two([](const guest::image& a, const guest::image& b, stage::bad_memory& bad) {
    EXPECT(a.install());
    EXPECT(b.install());
    between::own_both_signals();
    EXPECT(a.install());
    EXPECT(b.install());
    between::go();
    EXPECT(b.uninstall() == 2);
    EXPECT(a.installed() == 2);
    between::expect_that_it_has_gone(bad);
  });
}

TEST_CASE(NAMED("behind an image that has gone comes whom its displaced registration had")) {
  between::for_each_two([](const guest::image& a, const guest::image& b, stage::bad_memory&) {
    EXPECT(a.install());
    between::own_both_signals();
    EXPECT(a.install());
    between::go();
    EXPECT(b.install());
    EXPECT(a.uninstall() == 0);
    EXPECT(b.uninstall() == 2);
    for (const int signal : {SIGSEGV, SIGBUS}) EXPECT(stage::previous::owns(signal));
  });
}

TEST_CASE(
    NAMED("an image that was displaced with little of its registration gets all of it back")) {
  for_each_order_before_any_takes([](const images& all, const order& o) {
    stage::bad_memory bad;
    const guest::image &a = pick(all, o[0]), &b = pick(all, o[1]);
    EXPECT(b.install());
    between::own_both_signals();
    between::go_carelessly();
    EXPECT(a.install());
    EXPECT(b.install());
    EXPECT(a.install());
    EXPECT(a.uninstall() == 2);
    EXPECT(b.installed() == 2);
    expect_that_every_image_still_guards(all, bad);
  });
}

TEST_CASE(NAMED("one that has gone while an image takes the signals is not asked")) {
  between::for_each_over_which_it_came([](const guest::image& a, stage::bad_memory& bad) {
    {
      const meanwhile::during_sigaction hook(between::once_it_has_looked(between::go));
      EXPECT(a.install());
    }
    // SIGBUS was looked at later, when it had gone.
    between::expect_that_it_has_gone(bad);
  });
}

TEST_CASE(NAMED("two threads that make what signal() left of an image whole bring nobody back")) {
  between::for_each_over_which_it_came([](const guest::image& a, stage::bad_memory& bad) {
    EXPECT(a.install());
    between::go_carelessly();
    {
      const meanwhile::during_sigaction hook(
          between::once_it_has_looked([&] { EXPECT(a.install()); }));
      EXPECT(a.install());
    }
    between::expect_that_it_has_gone(bad);
  });
}

TEST_CASE(NAMED("one that comes while an image is made whole is asked, and nobody comes back")) {
  between::for_each_over_which_it_came([](const guest::image& a, stage::bad_memory& bad) {
    EXPECT(a.install());
    between::go_carelessly();
    {
      static struct sigaction its_displaced[2];
      static volatile int its_calls;
      its_calls = 0;
      const meanwhile::during_sigaction hook(between::once_it_has_looked([] {
        struct sigaction it {};
        it.sa_sigaction = [](int signal, siginfo_t* info, void* ucontext) {
          its_calls = its_calls + 1;
          its_displaced[signal == SIGBUS ? 1 : 0].sa_sigaction(signal, info, ucontext);
        };
        it.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
        ::sigaction(SIGSEGV, &it, &its_displaced[0]);
      }));
      EXPECT(a.install());
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      EXPECT(its_calls == 1);
    }
    EXPECT(between::calls == 0);
  });
}

TEST_CASE(NAMED("two chains of guards: none that does not cover a fault is left behind")) {
  between::for_each_order_with_it([](const images& all, const order&) {
    stage::bad_memory bad;
    for_each_sequence(static_cast<int>(all.size()), 3, [&](const order& guards) {
      child::at = "guards " + text(guards);
      between::calls = 0;
      // The inner two guard a range that this fault is not in. A later one is, but their frames are
      // gone.
      stage::nest nest = nest_of(all, guards, stage::read_there, bad.denied);
      for (std::size_t i = 1; i < 3; ++i) {
        nest.guards[i].range = bad.past_end;
        nest.guards[i].bytes = 8;
      }
      nest.run();
      EXPECT(!nest.answers[0].ok && nest.answers[0].address == bad.denied);
      for (std::size_t i = 1; i < 3; ++i) EXPECT(nest.answers[i].kind == stage::nest::not_ended);
      stage::expect_that_unguarded_faults_reach_the_previous_handler(bad);
      // Also where a guard takes it: not one that is dead.
      for (const guest::image* const i : all) {
        const guest::answer a = i->run(stage::read_there, bad.past_end);
        EXPECT(!a.ok && a.address == bad.past_end);
      }
    });
  });
}
