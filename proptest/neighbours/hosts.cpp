// A host with handlers of its own for SIGSEGV and SIGBUS, of each flag, mask and kind, before us,
// after us and in our place: it gets whatever is not ours as it would without us.
//
// Each thing happens twice, in a process without us and in one with us, and what was seen there is
// compared: each call of the host's handlers, how the thread was afterwards, and how the process
// ended.
#include <setjmp.h>

#include <array>
#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <surefoot/surefoot.hpp>

#include "../unit/engines.hpp"
#include "../unit/process.hpp"

namespace {

using memory::kind;
using surefoot::for_each_signal;

// --- hosts

enum class disposition { handler, ignored, standard };

struct host {
  const char* name;
  unsigned flags;
  std::initializer_list<int> blocked = {};
  disposition is = disposition::handler;

  bool gets_info() const { return (flags & SA_SIGINFO) != 0; }
};

const host hosts[] = {
    {"a handler", SA_SIGINFO},
    {"a handler of one argument", 0},
    {"SA_RESETHAND", SA_SIGINFO | SA_RESETHAND},
    {"SA_RESETHAND, one argument", SA_RESETHAND},
    {"SA_NODEFER", SA_SIGINFO | SA_NODEFER},
    {"SA_NODEFER, one argument", SA_NODEFER},
    {"SA_NODEFER and SA_RESETHAND", SA_SIGINFO | SA_NODEFER | SA_RESETHAND},
    {"SA_ONSTACK", SA_SIGINFO | SA_ONSTACK},
    {"SA_ONSTACK and SA_RESTART, one argument", SA_ONSTACK | SA_RESTART},
    {"a mask", SA_SIGINFO, {SIGUSR1, SIGTERM}},
    {"a mask, one argument", 0, {SIGUSR1, SIGTERM}},
    {"a mask with both signals", SA_SIGINFO, {SIGSEGV, SIGBUS}},
    {"a mask with both signals, SA_NODEFER", SA_SIGINFO | SA_NODEFER, {SIGSEGV, SIGBUS}},
    {"SIG_IGN", 0, {}, disposition::ignored},
    {"SIG_DFL", 0, {}, disposition::standard},
};

// --- what is seen of a host

// A call of one of its handlers.
struct call {
  int signal = 0;
  bool nested = false;             // in another one
  siginfo_t info{};                // this and the next three only where the handler gets them
  const void* ucontext = nullptr;  // not where nested: there our own frame may lie between them
  std::uintptr_t pc = 0;
  surefoot::os::signal_mask interrupted = 0;
  surefoot::os::signal_mask blocked = 0;
  int error = 0;
  bool on_alternate_stack = false;
};
struct observation {
  process::ending end;
  int calls = 0;
  std::array<call, 8> call_of{};
  int survived = 0;  // of two times
  surefoot::os::signal_mask blocked[2] = {};
  int error[2] = {};

  // Of us: how often we were asked, how many answers were wrong, who had the signals.
  int asked = 0;
  int wrong = 0;
  for_each_signal taken_over, taken_back, at_end;
};
const process::shared<observation> seen;

// --- what happens

struct event {
  const char* name;
  kind of;  // the page
  void (*happens)(std::uint8_t* page);
};
enum class way_out { mends_the_page, jumps, puts_back, puts_back_and_raises };
struct act {
  const char* name;
  way_out ends;
  void (*inside)();     // first, in the first call
  const event* events;  // those after which it is tried
  std::size_t count;

  // For hosts that came after us: what they put back is ours.
  bool puts_back() const { return ends >= way_out::puts_back; }
};

void load_there(std::uint8_t* page) { process::stray_load(page + 5); }
void store_there(std::uint8_t* page) { process::stray_store(page + 5); }
template <int Signal>
void raise_it(std::uint8_t*) {
  ::raise(Signal);
}
void kill_it(std::uint8_t*) { ::kill(::getpid(), SIGSEGV); }
void queue_it(std::uint8_t* page) {
  sigval value{};
  value.sival_ptr = page;
  ::sigqueue(::getpid(), SIGBUS, value);
}

const event events[] = {
    {"a load from a hole", kind::hole, load_there},
    {"a store to a read-only page", kind::read_only, store_there},
    {"a load past the end of a file", kind::past_end_of_file, load_there},
    {"raise(SIGSEGV)", kind::hole, raise_it<SIGSEGV>},
    {"raise(SIGBUS)", kind::hole, raise_it<SIGBUS>},
    {"kill()", kind::hole, kill_it},
    {"sigqueue()", kind::hole, queue_it},
};

// Good pages around those of the event, of the first act's inside, and of ours.
struct land {
  explicit land(kind of_event)
      : of(of_event), all{kind::good, of_event, kind::good, kind::hole, kind::past_end_of_file} {}

  std::uint8_t* page() const { return all.page(1); }
  void spoil() { all.become(1, of); }
  void mend() { all.become(1, kind::good); }
  static constexpr std::size_t segv = 3, bus = 4;  // these stay bad

  const kind of;
  memory::pages all;
};
land* now = nullptr;
const act* acting = nullptr;
sigjmp_buf back;

void fault_inside_by_segv() { process::stray_load(now->all.page(land::segv)); }
void fault_inside_by_bus() { process::stray_load(now->all.page(land::bus)); }
void send_inside() {
  ::raise(SIGTERM);
  ::raise(SIGUSR1);
}

const act acts[] = {
    {"the page is mended", way_out::mends_the_page, nullptr, events, std::size(events)},
    {"it is left by a jump", way_out::jumps, nullptr, events, std::size(events)},
    {"a fault in it that is a SIGSEGV", way_out::jumps, fault_inside_by_segv, events, 3},
    {"a fault in it that is a SIGBUS", way_out::jumps, fault_inside_by_bus, events, 3},
    {"signals that come to it", way_out::mends_the_page, send_inside, events, 4},
    {"it puts back what it displaced", way_out::puts_back, nullptr, events, std::size(events)},
    {"it puts back what it displaced, and raises the signal again", way_out::puts_back_and_raises,
     nullptr, events, std::size(events)},
};

// --- the host's handlers

bool is_inside = false;
struct sigaction displaced[2];

call& begin_call(int signal) {
  const auto which = static_cast<std::size_t>(seen->calls++);
  if (which >= seen->call_of.size()) ::_exit(91);  // ends a circle
  call& c = seen->call_of[which];
  c.error = errno;
  c.signal = signal;
  c.nested = is_inside;
  c.blocked = process::blocked_now();
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  c.on_alternate_stack = (stack.ss_flags & SS_ONSTACK) != 0;
  return c;
}
void end_call(int signal) {
  if (seen->calls == 1 && acting->inside != nullptr) {
    is_inside = true;
    acting->inside();
    is_inside = false;
  }
  switch (acting->ends) {
    case way_out::mends_the_page: return now->mend();
    case way_out::jumps: surefoot::os::surefoot_plain_siglongjmp(back, 1);
    case way_out::puts_back:
    case way_out::puts_back_and_raises: ::sigaction(signal, &displaced[signal == SIGBUS], nullptr);
  }
  if (acting->ends == way_out::puts_back_and_raises) ::raise(signal);
}
void note(int signal) { begin_call(signal); }
void on_signal(int signal) {
  begin_call(signal);
  end_call(signal);
}
void note_info(call& c, siginfo_t* info, void* ucontext) {
  c.info = *info;
  if (!c.nested) c.ucontext = ucontext;
  c.pc = static_cast<std::uintptr_t>(process::pc_of(ucontext));
  c.interrupted = surefoot::os::mask_of(static_cast<ucontext_t*>(ucontext)->uc_sigmask);
}
void on_signal_with_info(int signal, siginfo_t* info, void* ucontext) {
  note_info(begin_call(signal), info, ucontext);
  end_call(signal);
}

// Those who hand on what is not their own: they know their memory.
void on_signal_or_hand_on(int signal, siginfo_t* info, void* ucontext) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto theirs = reinterpret_cast<std::uintptr_t>(now->all.data());
  if (info->si_code <= 0 || at - theirs < now->all.size())
    return on_signal_with_info(signal, info, ucontext);
  displaced[signal == SIGBUS].sa_sigaction(signal, info, ucontext);
}

void take_with(const host& h, void (*with_info)(int, siginfo_t*, void*)) {
  struct sigaction a {};
  a.sa_flags = static_cast<int>(h.flags);
  a.sa_mask = process::set_of(h.blocked);
  if (h.is == disposition::ignored)
    a.sa_handler = SIG_IGN;
  else if (h.is == disposition::standard)
    a.sa_handler = SIG_DFL;
  else if (h.gets_info())
    a.sa_sigaction = with_info;
  else
    a.sa_handler = on_signal;
  for (const int signal : process::signals_taken)
    ::sigaction(signal, &a, &displaced[signal == SIGBUS]);
}
void take(const host& h) { take_with(h, on_signal_with_info); }
void take_and_hand_on(const host& h) { take_with(h, on_signal_or_hand_on); }

// --- the course of events

// Before, between and behind the events.
const memory::pages& pages_of_ours() {
  static const memory::pages all{kind::good, kind::no_access, kind::good, kind::past_end_of_file};
  return all;
}
template <class E>
void ask_ours() {
  const memory::pages& ours = pages_of_ours();
  using surefoot::access_kind;
  const int before = errno;
  ++seen->asked;
  for (const std::size_t bad : {1u, 3u}) {
    const kind k = bad == 1 ? kind::no_access : kind::past_end_of_file;
    std::uint8_t* const p = ours.page(bad);
    if (surefoot::try_load<std::uint64_t>(p, E{}).stopped_by !=
        memory::fault_of(k, access_kind::read, p))
      ++seen->wrong;
    std::uint8_t to[32];
    if (surefoot::try_copy(to, p - 7, sizeof to, E{}) !=
        memory::stopped(7, sizeof to, k, access_kind::read, p))
      ++seen->wrong;
  }
  if (errno != before) ++seen->wrong;
}

void ask_nothing() {}

// In a child: arrange(host), then the event twice, with ask() before, between and behind. One
// function for all, so that their stacks are alike.
[[gnu::noinline]] observation course(const host& h, const act& a, const event& e, land& here,
                                     void (*arrange)(const host&), void (*ask)()) {
  now = &here;
  acting = &a;
  *seen = {};
  const process::stack alternate(64 * 1024);
  const process::ending end = process::run([&] {
    // Where ours would run on such a stack, and theirs not, there is none (README).
    const stack_t s = process::alternate(alternate.begin(), alternate.size());
    if ((h.flags & SA_ONSTACK) != 0) ::sigaltstack(&s, nullptr);
    for (const int signal : {SIGUSR1, SIGTERM}) ::signal(signal, note);
    surefoot::os::set_mask(surefoot::os::only(SIGUSR2));
    arrange(h);
    ask();
    for (int i = 0; i < 2; ++i) {
      here.spoil();
      errno = 4711;
      if (sigsetjmp(back, 1) == 0) e.happens(here.page());
      is_inside = false;
      seen->error[i] = errno;
      seen->blocked[i] = process::blocked_now();
      ++seen->survived;
      ask();
    }
    seen->at_end = surefoot::installed();
  });
  observation o = *seen;
  o.end = end;
  return o;
}

void check_same(const observation& with, const observation& without) {
  CHECK(with.end.signal == without.end.signal);
  CHECK(with.end.status == without.end.status);
  CHECK(with.end.dumped == without.end.dumped);
  CHECK(with.survived == without.survived);
  CHECK(with.calls == without.calls);
  if (with.calls != without.calls) return;
  for (std::size_t i = 0; i < static_cast<std::size_t>(with.calls); ++i) {
    INFO("call " << i);
    const call &a = with.call_of[i], &b = without.call_of[i];
    CHECK(a.signal == b.signal);
    CHECK(a.nested == b.nested);
    CHECK(process::same(a.info, b.info));
    CHECK(a.ucontext == b.ucontext);
    CHECK(a.pc == b.pc);
    CHECK(a.interrupted == b.interrupted);
    CHECK(a.blocked == b.blocked);
    CHECK(a.error == b.error);
    CHECK(a.on_alternate_stack == b.on_alternate_stack);
  }
  for (int i = 0; i < 2; ++i) {
    CHECK(with.blocked[i] == without.blocked[i]);
    CHECK(with.error[i] == without.error[i]);
  }
}

constexpr for_each_signal both{true, true};
constexpr for_each_signal neither{false, false};

// Which hosts and acts.
bool any(const host&, const act&) { return true; }
bool any_before_us(const host&, const act& a) { return !a.puts_back(); }

// One that has been asked about our faults, too, has been called.
bool may_hand_on(const host& h, const act&) {
  return h.is == disposition::handler && h.gets_info() && (h.flags & SA_RESETHAND) == 0;
}

// Where a process is slow to come, each act has other events than the one before.
std::size_t first_of(const act& a) {
  return build::is_slow ? static_cast<std::size_t>(&a - acts) % a.count : 0;
}

// For each host, act and event: without us as alone(host) has it, with us as arrange(host) has it.
void each_course(bool (*which)(const host&, const act&), void (*alone)(const host&),
                 void (*arrange)(const host&), void (*ask)(), void (*check)(const observation&)) {
  (void)pages_of_ours();
  int played = 0;
  for (const host& h : hosts)
    for (const act& a : acts) {
      if (!which(h, a)) continue;
      // Nobody acts where nobody is called.
      if (h.is != disposition::handler && &a != &acts[0]) continue;
      for (std::size_t i = first_of(a); i < a.count; i += build::is_slow ? 4 : 1) {
        const event& e = a.events[i];
        INFO(h.name << ": " << e.name << "; " << a.name);
        land here(e.of);
        const observation without = course(h, a, e, here, alone, ask_nothing);
        const observation with = course(h, a, e, here, arrange, ask);
        check_same(with, without);
        CHECK(with.wrong == 0);
        check(with);
        ++played;
      }
    }
  CHECK(played > 0);
}

// Ours was asked once more than it had to survive, and the signals are still ours where there was no end.
void answered_and_stayed(const observation& with) {
  CHECK(with.asked == with.survived + 1);
  if (with.survived == 2) CHECK(with.at_end == both);
}

}  // namespace

TEMPLATE_TEST_CASE("a host's handlers before us are called as they would be without us", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  each_course(
      any_before_us, take,
      [](const host& h) {
        take(h);
        (void)surefoot::install();
      },
      ask_ours<TestType>, answered_and_stayed);
}

TEMPLATE_TEST_CASE(
    "a host's handlers after us, from which we took the signals back, are called as without us", "",
    SUREFOOT_SIGNAL_ENGINES) {
  each_course(
      any, take,
      [](const host& h) {
        (void)surefoot::install();
        take(h);
        seen->taken_over = surefoot::installed();
        (void)surefoot::install();
        seen->taken_back = surefoot::installed();
      },
      ask_ours<TestType>,
      [](const observation& with) {
        CHECK(with.taken_over == neither);
        CHECK(with.taken_back == both);
        answered_and_stayed(with);
      });
}

TEST_CASE("a host's handlers in our place are called as without us, and installed() says so") {
  each_course(
      any, take,
      [](const host& h) {
        (void)surefoot::install();
        take(h);
        seen->taken_over = surefoot::installed();
      },
      ask_nothing,
      [](const observation& with) {
        CHECK(with.taken_over == neither);
        if (with.survived == 2) CHECK(with.at_end == neither);
      });
}

TEMPLATE_TEST_CASE(
    "a host's handlers after us that hand on what is not their own: theirs is theirs, ours is ours",
    "", SUREFOOT_SIGNAL_ENGINES) {
  each_course(
      may_hand_on, take_and_hand_on,
      [](const host& h) {
        (void)surefoot::install();
        take_and_hand_on(h);
        seen->taken_over = surefoot::installed();
      },
      ask_ours<TestType>,
      [](const observation& with) {
        CHECK(with.taken_over == neither);
        CHECK(with.asked == with.survived + 1);
      });
}
