#include "company.hpp"

#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "guest/image.hpp"
#include "passing.hpp"
#include "unit/machine.hpp"

namespace soak {

using surefoot::access_kind;
using surefoot::cause;
using surefoot::guarded;

company_counts counts;

namespace {

constexpr int both_signals[] = {SIGSEGV, SIGBUS};
constexpr std::size_t index_of(int signal) { return signal == SIGBUS ? 1 : 0; }
constexpr std::size_t page = kit::tile_size;

template <class T>
void count(std::atomic<T>& what) {
  what.fetch_add(1, std::memory_order_relaxed);
}

// Good memory, an edge, and memory without access; a mapping behind the end of its file. For all threads,
// none writes it.
struct land {
  long* denied;
  long* past_end;
  const long* good() const { return denied - 1; }
};
land bad{};

void make_land() {
  unsigned char* const at = kit::detail::reserve(4 * page);
  kit::detail::map_anonymous(at);
  bad.denied = reinterpret_cast<long*>(at + page);
  for (long* p = reinterpret_cast<long*>(at); p < bad.denied; ++p) *p = 42;
  kit::detail::protect(at, PROT_READ);
  const auto file = kit::detail::unnamed_file(0);
  kit::detail::map_tile(at + 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file.number());
  bad.past_end = reinterpret_cast<long*>(at + 2 * page);
}

// What a thread waits for that is not ours. `arrived` counts.
struct awaited {
  int signal, code;
  const void* address;  // of a fault
  void* value;          // of a signal that is sent
  void (*mend)(const awaited&);
  int file;
  volatile int arrived;
};
thread_local awaited* volatile coming = nullptr;

[[noreturn]] void crash(int signal, const siginfo_t* info) {
  char text[160];
  std::snprintf(text, sizeof text, "signal %d, code %d, address %p", signal, info->si_code,
                info->si_addr);
  wrong("owner",
        "a fault that nobody waits for came to an owner: the library did not claim its own", text);
}

// Where every signal that is not ours must end.
void arrive(int signal, const siginfo_t* info) {
  awaited* const a = coming;
  if (a == nullptr) crash(signal, info);
  const bool is_sent = a->mend == nullptr;
  const bool is_it = signal == a->signal && info->si_code == a->code &&
                     (is_sent ? info->si_value.sival_ptr == a->value : info->si_addr == a->address);
  if (!is_it) crash(signal, info);
  a->arrived = a->arrived + 1;
  if (!is_sent) a->mend(*a);
}

// --- owners

using handler = void (*)(int, siginfo_t*, void*);

void first_owner(int signal, siginfo_t* info, void*) { arrive(signal, info); }

// Those that stand over us at times. What they displaced is what they hand on to.
constexpr std::size_t others = 3;
std::atomic<handler> displaced[others][2];

template <std::size_t Which>
void hand_on(int signal, siginfo_t* info, void* context) {
  count(counts.passed_on);
  displaced[Which][index_of(signal)].load()(signal, info, context);
}
// Hands on whatever comes.
void passes_all(int signal, siginfo_t* info, void* context) { hand_on<0>(signal, info, context); }
// Takes what is its own; blocks the signal, and one more, meanwhile.
void takes_its_own(int signal, siginfo_t* info, void* context) {
  const awaited* const a = coming;
  const bool is_its_own =
      a != nullptr && signal == a->signal && info->si_code == a->code &&
      (a->mend == nullptr ? info->si_value.sival_ptr == a->value : info->si_addr == a->address);
  if (is_its_own) return arrive(signal, info);
  hand_on<1>(signal, info, context);
}
// Asks the library itself.
void asks_first(int signal, siginfo_t* info, void* context) {
  if (surefoot::try_handle(signal, info, context) == surefoot::handled::yes) {
    count(counts.hosted);
    return;
  }
  arrive(signal, info);
}

struct sigaction action_of(handler h, int flags) {
  struct sigaction a {};
  a.sa_sigaction = h;
  a.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  if (h == takes_its_own) ::sigaddset(&a.sa_mask, SIGUSR2);
  return a;
}

void own(int signal, const struct sigaction& a) {
  struct sigaction before {};
  expect(surefoot::os::exchange(signal, a, before), "owner", "rt_sigaction");
}

// Who changes owners has it: each may stand over us only, never over another one. Two that hand on to each
// other for ever would be their own affair.
std::mutex ownership;

void take_back() {
  expect(bool(surefoot::install()), "owner", "install() fails");
  expect(surefoot::installed().both(), "owner", "install() did not take the signals back");
}

void wait_a_little(chance& random) {
  const timespec some{0, static_cast<long>(random() % 3'000'000)};
  ::nanosleep(&some, nullptr);
}

// --- what a handler, a child or an image may ask at any moment

// Null, or what was not answered right. Async-signal-safe. `which`: one thing of many.
const char* ask_all(std::uint64_t which, bool has_signals) {
  const auto is_denied = [](const surefoot::fault& f) {
    return f.kind == cause::denied && f.address == bad.denied;
  };
  long to[4] = {-1, -1, -1, -1};
  const auto is_prefix = [&] { return to[0] == 42 && to[1] == 42 && to[2] == -1 && to[3] == -1; };
  if (!has_signals || which % 9 == 0) {
    const auto met = surefoot::try_copy(to, bad.denied - 2, sizeof to, surefoot::engine::kernel{});
    return met.done == 2 * sizeof(long) && met.stopped_by.address == bad.denied && is_prefix()
               ? nullptr
               : "engine::kernel";
  }
  switch (which % 9) {
    case 1: return surefoot::try_load<long>(bad.good()).value_or(0) == 42 ? nullptr : "try_load";
    case 2:
      return is_denied(surefoot::try_load<long>(bad.denied).stopped_by) ? nullptr : "try_load, bad";
    case 3: {
      const auto met = surefoot::try_copy(to, bad.denied - 2, sizeof to);
      return met.done == 2 * sizeof(long) && is_denied(met.stopped_by) && is_prefix() ? nullptr
                                                                                      : "try_copy";
    }
    case 4: {
      const auto met = surefoot::try_store(bad.denied, 1L, surefoot::engine::jump{});
      return is_denied(met.stopped_by) ? nullptr : "try_store by a jump";
    }
    case 5: {
      const auto met = surefoot::try_find(bad.denied - 4, 7, 64);
      return is_denied(met.stopped_by) ? nullptr : "try_find";
    }
    case 6: {
      const volatile long* const p = bad.past_end;
      const auto met = guarded([=]() noexcept { return *p; });
      return met.stopped_by.kind == cause::no_backing && met.stopped_by.address == p ? nullptr
                                                                                     : "guarded";
    }
    case 7: {
      const auto met = surefoot::fault_in_readable(bad.denied - 4, 64);
      return met.done == 4 * sizeof(long) && is_denied(met.stopped_by) ? nullptr
                                                                       : "fault_in_readable";
    }
    default: {
      const auto met = surefoot::try_fetch_add(bad.past_end, 1L);
      return met.stopped_by.kind == cause::no_backing && met.stopped_by.address == bad.past_end
                 ? nullptr
                 : "try_fetch_add";
    }
  }
}

// A timer's signal. Where it interrupts the handler of an owner that blocks SIGSEGV nothing but the kernel can be
// asked. (TSan blocks all signals in every handler.)
void on_tick(int, siginfo_t*, void*) {
  const int saved = errno;
  sigset_t mask{};
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  const bool blocked = ::sigismember(&mask, SIGSEGV) == 1 || ::sigismember(&mask, SIGBUS) == 1;
  static std::atomic<std::uint64_t> which{0};
  const char* const bad_answer = ask_all(which.fetch_add(1, std::memory_order_relaxed), !blocked);
  if (bad_answer != nullptr) wrong("a timer's handler", bad_answer);
  count(blocked ? counts.ticks_blocked : counts.ticks);
  errno = saved;
}

}  // namespace

// --- faults that are not ours

namespace {

// Two pages of a thread's own, and how they are bad.
class foreign_ground {
 public:
  foreign_ground() : at_(kit::detail::reserve(page)), file_(kit::detail::unnamed_file(0)) {}
  ~foreign_ground() { ::munmap(at_, page); }
  foreign_ground(const foreign_ground&) = delete;
  foreign_ground& operator=(const foreign_ground&) = delete;

  // A stray access in code that is none of ours.
  void fault(chance& random) {
    unsigned char* const p = at_ + random() % page;
    const auto how = random() % 4;
    awaited a{SIGSEGV, SEGV_ACCERR, p, nullptr, nullptr, file_.number(), 0};
    switch (how) {
      case 0:
        kit::detail::map_tile(at_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
        a.mend = protect;
        break;
      case 1:
        kit::detail::map_tile(at_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
        a.mend = protect;
        break;
      case 2:
        ::munmap(at_, page);
        a.code = SEGV_MAPERR;
        a.mend = map;
        break;
      default:
        kit::detail::require(::ftruncate(file_.number(), 0) == 0, "ftruncate");
        kit::detail::map_tile(at_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.number());
        a.signal = SIGBUS;
        a.code = BUS_ADRERR;
        a.mend = grow;
    }
    const bool stores = how == 1 || once_in(random, 2);
    coming = &a;
    // A guard for other addresses does not see it.
    const bool is_guarded = once_in(random, 4);
    if (is_guarded) {
      const auto got = guarded(bad.denied, page, [=]() noexcept { access(p, stores); });
      expect(got.ok(), "guarded", "a guard with a range took a fault outside of it");
      count(counts.foreign_faults_in_guards);
    } else {
      access(p, stores);
    }
    coming = nullptr;
    if (a.arrived != 1)
      wrong("foreign fault", "it did not come to its owner exactly once",
            "arrived " + std::to_string(a.arrived) + " times");
    // The instruction was made, and once.
    const auto low = static_cast<unsigned char>(reinterpret_cast<std::uintptr_t>(p));
    expect(*static_cast<volatile unsigned char*>(p) == (stores ? low : 0), "foreign fault",
           "the access was not made after its page had been mended");
    count(counts.foreign_faults);
  }

 private:
  static void access(unsigned char* p, bool stores) noexcept {
    stores ? machine::surefoot_stray_store(p) : machine::surefoot_stray_load(p);
  }
  static unsigned char* page_of(const awaited& a) {
    const auto at = reinterpret_cast<std::uintptr_t>(a.address);
    return reinterpret_cast<unsigned char*>(at / page * page);
  }
  static void protect(const awaited& a) {
    if (::mprotect(page_of(a), page, PROT_READ | PROT_WRITE) != 0) ::abort();
  }
  static void map(const awaited& a) { kit::detail::map_anonymous(page_of(a)); }
  static void grow(const awaited& a) {
    if (::ftruncate(a.file, page) != 0) ::abort();
  }

  unsigned char* at_;
  kit::detail::descriptor file_;
};

// The same signals, sent by this process: never ours, in a guard neither.
void send(chance& random) {
  const int signal = both_signals[random() % 2];
  awaited a{signal, SI_QUEUE, nullptr, reinterpret_cast<void*>(random() | 1), nullptr, -1, 0};
  awaited* const its = &a;
  const auto queue = [=]() noexcept {
    if (::pthread_sigqueue(::pthread_self(), its->signal, {.sival_ptr = its->value}) != 0)
      ::abort();
  };
  coming = &a;
  if (once_in(random, 2))
    queue();
  else
    expect(guarded(queue).ok(), "guarded", "a guard took a signal that was sent");
  coming = nullptr;
  if (a.arrived != 1)
    wrong("foreign signal", "it did not come to its owner exactly once",
          "arrived " + std::to_string(a.arrived) + " times");
  count(counts.foreign_signals);
}

}  // namespace

void foreign(chance& random) {
  if (once_in(random, 4)) return send(random);
  foreign_ground ground;
  for (auto times = 1 + random() % 4; times > 0; --times) ground.fault(random);
}

// --- timers

ticking::ticking(chance& random)
    : ticks(SIGALRM, 700'000 + static_cast<long>(random() % 3'000'000)) {}

// --- owners that come and go

void change_owner(chance& random) {
  static constexpr struct {
    handler h;
    int flags;
  } all[others] = {{passes_all, SA_NODEFER}, {takes_its_own, 0}, {asks_first, SA_NODEFER}};
  const std::size_t which = random() % others;
  const auto signals = 1 + random() % 3;
  {
    const std::lock_guard mine(ownership);
    take_back();
    for (const int signal : both_signals) {
      if ((signals >> index_of(signal) & 1) == 0) continue;
      struct sigaction now {};
      expect(surefoot::os::query(signal, now), "owner", "rt_sigaction");
      displaced[which][index_of(signal)] = now.sa_sigaction;
      own(signal, action_of(all[which].h, all[which].flags));
    }
    const auto left = surefoot::installed();
    expect(left.segv == ((signals & 1) == 0) && left.bus == ((signals & 2) == 0), "owner",
           "installed() does not notice who took the signals");
  }
  wait_a_little(random);
  const std::lock_guard mine(ownership);
  take_back();
  count(counts.takeovers);
}

void give_back_and_take(chance& random) {
  const std::lock_guard mine(ownership);
  take_back();
  expect(surefoot::uninstall().both(), "owner", "uninstall() does not give back what it has");
  const auto left = surefoot::installed();
  expect(!left.segv && !left.bus, "owner", "installed() after uninstall()");
  foreign(random);
  take_back();
  foreign(random);
  count(counts.given_back);
}

// --- children

void have_child(chance& random) {
  const bool is_guarded = once_in(random, 2);
  volatile ::pid_t child = -1;
  volatile ::pid_t* const made = &child;
  const volatile long* const denied = bad.denied;
  surefoot::fault met{};
  if (is_guarded)
    met = guarded([=]() noexcept {
            *made = ::fork();
            if (*made == 0) machine::surefoot_stray_load(denied);
          }).stopped_by;
  else
    child = ::fork();
  if (child == 0) {
    if (is_guarded && (met.kind != cause::denied || met.address != denied)) ::_exit(1);
    for (std::uint64_t i = 0; i < 9; ++i)
      if (const char* const bad_answer = ask_all(i, true); bad_answer != nullptr)
        wrong("child", bad_answer);
    foreign(random);
    ::_exit(42);
  }
  kit::detail::require(child > 0, "fork");
  expect(met == surefoot::fault{}, "guarded", "a guard in which there was a fork() met a fault");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
    wrong("child", "it did not end with its answer", "wait status " + std::to_string(status));
  count(is_guarded ? counts.children_in_guards : counts.children);
}

// --- images

namespace {

void read_there(void* p) noexcept { machine::surefoot_stray_load(p); }

void expect_image(bool holds, const guest::image& i, const char* what) {
  if (!holds) wrong(i.name, what);
}
void ask_image(const guest::image& i) {
  const int denied = static_cast<int>(cause::denied),
            no_backing = static_cast<int>(cause::no_backing);
  const auto is_at = [](const guest::answer& a, const long* p, int kind) {
    return !a.ok && a.address == p && a.kind == kind;
  };
  const guest::answer good = i.load(bad.good());
  expect_image(good.ok && good.value == 42, i, "a load of good memory");
  expect_image(is_at(i.load(bad.denied), bad.denied, denied), i, "a load");
  expect_image(is_at(i.load_by_table(bad.past_end), bad.past_end, no_backing), i,
               "a load by table");
  expect_image(is_at(i.load_by_jump(bad.denied), bad.denied, denied), i, "a load by jump");
  long to[4] = {};
  const guest::answer copied = i.copy(to, bad.denied - 2, sizeof to);
  expect_image(is_at(copied, bad.denied, denied) && copied.done == 2 * sizeof(long), i, "a copy");
  expect_image(is_at(i.run(read_there, bad.denied), bad.denied, denied), i, "a guard");
  expect_image(
      is_at(i.run_within(bad.past_end, 8, read_there, bad.past_end), bad.past_end, no_backing), i,
      "a guard with a range");
}

void* open_image(const std::string& file, int flags = 0) {
  return ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | flags);
}

// Those that install, and so stay when they are closed: they say so themselves, or were linked so.
constexpr const char* names[] = {"plain", "hidden", "newer", "nodelete", "pinning"};
bool is_known[std::size(names)] = {};
void use_staying_image(std::size_t which, chance& random) {
  const std::string name = names[which];
  void* const opened = open_image(SOAK_GUESTS "/libguest_" + name + ".so");
  if (opened == nullptr) wrong("image", ::dlerror());
  void* const found = ::dlsym(opened, ("guest_image_" + name).c_str());
  if (found == nullptr) wrong("image", ::dlerror());
  const guest::image& i = *reinterpret_cast<const guest::image* (*)()>(found)();
  if (!is_known[which] || once_in(random, 3)) {
    const std::lock_guard mine(ownership);
    // It finds our handler, so that the two know of each other.
    take_back();
    expect_image(i.install(), i, "install()");
    expect_image(i.pin(), i, "pin()");
    is_known[which] = true;
    count(counts.image_installs);
  }
  wait_a_little(random);
  ask_image(i);
  {
    const std::lock_guard mine(ownership);
    take_back();
  }
  ask_image(i);
  expect_image(::dlclose(opened) == 0, i, "dlclose");
  count(counts.images_used);
}

void use_passing_image() {
  static const std::string file = SOAK_PASSING;
  void* const opened = open_image(file);
  if (opened == nullptr) wrong("image", ::dlerror());
  auto* const ask = reinterpret_cast<passing::ask*>(::dlsym(opened, "soak_passing_ask"));
  if (ask == nullptr) wrong("image", ::dlerror());
  if (const int line = ask(bad.good(), bad.denied); line != 0)
    wrong("image", "one that passes has a wrong answer", "passing.cpp:" + std::to_string(line));
  expect(::dlclose(opened) == 0, "image", "dlclose");
  expect(open_image(file, RTLD_NOLOAD) == nullptr, "image", "one that was closed is still there");
  count(counts.images_gone);
}

}  // namespace

void use_image(chance& random) {
  if (once_in(random, 2)) return use_passing_image();
  use_staying_image(random() % std::size(names), random);
}

// --- fibers

namespace {

// A switch takes the thread's chain of guards along.
struct fiber {
  ucontext_t context{};
  surefoot::guard_chain guards{};

  void start_on(unsigned char* stack, std::size_t size, void (*body)()) {
    guards = {};
    ::getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = size;
    ::makecontext(&context, body, 0);
  }
  void switch_to(fiber& other) {
    guards = surefoot::exchange_guard(other.guards);
    ::swapcontext(&context, &other.context);
    count(counts.fiber_switches);
  }
};

// Of the one thread that has fibers: a function for makecontext() has no arguments.
fiber scheduler, guarding, faulting;
chance* of_fibers = nullptr;
surefoot::fault met_in_guard, met_in_own_guard;

void guard_a_switch() {
  met_in_guard = guarded([]() noexcept {
                   guarding.switch_to(faulting);
                   machine::surefoot_stray_load(bad.denied + 1);
                 }).stopped_by;
  guarding.switch_to(scheduler);
}
void fault_on_the_other() {
  foreign(*of_fibers);
  met_in_own_guard =
      guarded([]() noexcept { machine::surefoot_stray_load(bad.past_end + 3); }).stopped_by;
  const char* const bad_answer = ask_all((*of_fibers)(), true);
  if (bad_answer != nullptr) wrong("a fiber", bad_answer);
  faulting.switch_to(guarding);
}

}  // namespace

void switch_fibers(chance& random) {
  constexpr std::size_t size = 1 << 18;
  static unsigned char stacks[2][size];
  of_fibers = &random;
  // Which of the two has the lower stack: there a guard's frame alone would let the other's faults in.
  const std::size_t low = random() % 2;
  faulting.start_on(stacks[low], size, fault_on_the_other);
  guarding.start_on(stacks[1 - low], size, guard_a_switch);
  scheduler.switch_to(guarding);
  expect(met_in_guard.kind == cause::denied && met_in_guard.address == bad.denied + 1, "a fiber",
         "its guard did not get its fault");
  expect(met_in_own_guard.kind == cause::no_backing && met_in_own_guard.address == bad.past_end + 3,
         "a fiber", "the guard of the other one did not get its fault");
}

// --- the beginning

void begin_company() {
  make_land();
  for (const int signal : both_signals) own(signal, action_of(first_owner, SA_NODEFER));
  struct sigaction tick {};
  tick.sa_sigaction = on_tick;
  tick.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigaction(SIGALRM, &tick, nullptr);
  take_back();
  // What stays is there before anybody looks at what the process holds.
  chance random(seed);
  for (std::size_t which = 0; which < std::size(names); ++which) use_staying_image(which, random);
}

}  // namespace soak
