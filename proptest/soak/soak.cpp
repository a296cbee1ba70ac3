// All of it at once, for a while: threads that ask the library everything on real memory that changes, beside
// owners that come and go, faults and signals that are none of ours, timers, children, shared objects and
// fibers. Ends with a table of what there was. Exit status: 0 no wrong answer and nothing leaked, 1 there was,
// 2 usage.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "build.hpp"
#include "company.hpp"
#include "resources.hpp"
#include "work.hpp"

namespace {

using clock = std::chrono::steady_clock;
using soak::chance;

// Where all threads come by between two steps. Closed, it holds them; then everything is quiet.
class gate {
 public:
  enum class answer { go_on, end };

  explicit gate(unsigned threads) : threads_(threads) {}

  bool is_closed() const { return closed_; }
  // By a thread that has dropped all that it had.
  answer wait() {
    std::unique_lock lock(mutex_);
    const unsigned round = round_;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return round_ != round; });
    return over_ ? answer::end : answer::go_on;
  }
  // Returns when all wait.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    changed_.wait(lock, [&] { return waiting_ == threads_; });
  }
  void open(bool over) {
    const std::lock_guard lock(mutex_);
    over_ = over;
    closed_ = false;
    waiting_ = 0;
    ++round_;
    changed_.notify_all();
  }

 private:
  const unsigned threads_;
  std::atomic<bool> closed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned waiting_ = 0, round_ = 0;
  bool over_ = false;
};

std::atomic<std::uint64_t> short_lived{0};

// What threads are called in reports; those that live for a short time get the numbers behind.
std::atomic<std::uint64_t> next_number{0};

std::thread start(std::function<void()> body) {
  return std::thread([body = std::move(body)] {
    try {
      body();
    } catch (const std::exception& e) {
      soak::wrong("the soak itself", e.what());
    }
  });
}

// A thread of the gate: sets up what it needs with `begin`, does steps with it, and drops it where all wait.
template <class Begin>
std::thread in_turns(gate& all, Begin begin) {
  return start([&all, begin] {
    do {
      auto step = begin();
      while (!all.is_closed()) (*step)();
    } while (all.wait() == gate::answer::go_on);
  });
}

struct worker {
  soak::desk desk{next_number++};
  soak::ticking ticks{desk.random};

  void operator()() {
    desk.work();
    if (soak::once_in(desk.random, 8)) soak::foreign(desk.random);
  }
};

// Threads that come to life and end all the time, three at once.
struct spawner {
  std::vector<std::thread> living{};

  void operator()() {
    if (living.size() == 3) {
      living.front().join();
      living.erase(living.begin());
    }
    living.push_back(start([] {
      worker w;
      for (int i = 0; i < 20; ++i) w();
    }));
    ++short_lived;
  }
  ~spawner() {
    for (std::thread& t : living) t.join();
  }
};

// A neighbour that takes its time between two steps.
template <void (*step)(chance&), bool Ticks = false>
struct neighbour {
  chance random{soak::seed * 7'919 + next_number++};
  std::optional<soak::ticking> ticks{};
  long pause = 0;  // us, at most

  explicit neighbour(long most) : pause(most) {
    if constexpr (Ticks) ticks.emplace(random);
  }
  void operator()() {
    step(random);
    if (pause > 0)
      std::this_thread::sleep_for(
          std::chrono::microseconds(random() % static_cast<std::uint64_t>(pause)));
  }
};
template <void (*step)(chance&), bool Ticks = false>
std::thread beside(gate& all, long most) {
  return in_turns(all, [most] { return std::make_unique<neighbour<step, Ticks>>(most); });
}

std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::uint64_t foreign_all() { return soak::counts.foreign_faults + soak::counts.foreign_signals; }

// A line that is overwritten on a terminal, elsewhere one every ten seconds.
class progress {
 public:
  void show(double seconds, double of, const soak::resources& held, bool always = false) {
    if (!always && seconds < next_) return;
    next_ = seconds + (is_terminal_ ? 0.5 : 10);
    std::printf(
        "%s%.0f of %.0f s: %s operations, %s faults survived, %s foreign, %zu mappings, %zu "
        "descriptors, "
        "heap %zu KiB, resident %.1f MiB%s",
        is_terminal_ ? "\r" : "", seconds, of, grouped(soak::operations).c_str(),
        grouped(soak::survived_faults).c_str(), grouped(foreign_all()).c_str(), held.mappings,
        held.descriptors, held.heap / 1024, static_cast<double>(held.resident) / (1 << 20),
        is_terminal_ ? "\033[K" : "\n");
    std::fflush(stdout);
  }
  void end() const {
    if (is_terminal_) std::printf("\r\033[K");
  }

 private:
  const bool is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  double next_ = is_terminal_ ? 0 : 10;
};

// What may be more than it was after the warm-up, and why.
struct allowance {
  static constexpr std::size_t mappings = 0;
  // The end of the heap, and pages of stacks and of the heap that come to be touched.
  static constexpr std::size_t mapped = 64 << 10;
  static constexpr std::size_t resident = 512 << 10;
  // Nothing is known that would be more: room for a buffer of libc's.
  static constexpr std::size_t heap = 4 << 10;
};

// Sanitizers map for themselves and keep what was freed: only what the program holds is looked at there.
void expect_constant(const soak::resources& now, const soak::resources& first) {
  const auto check = [](const char* what, std::size_t is, std::size_t should, std::size_t more) {
    if (is > should + more)
      soak::wrong("leak", what,
                  "after the warm-up " + std::to_string(should) + ", now " + std::to_string(is) +
                      ", allowed " + std::to_string(should + more));
  };
  check("descriptors", now.descriptors, first.descriptors, 0);
  check("threads", now.threads, first.threads, 0);
  check("bytes of the heap", now.heap, first.heap, allowance::heap);
  if (build::is_sanitized) return;
  check("mappings", now.mappings, first.mappings, allowance::mappings);
  check("mapped bytes", now.mapped, first.mapped, allowance::mapped);
  check("resident bytes", now.resident, first.resident, allowance::resident);
}

void row(const std::string& what, std::uint64_t n) {
  std::printf("%-58s %15s\n", what.c_str(), grouped(n).c_str());
}
// What has to have happened in a soak of any length.
std::string idle;
void happened(const char* what, std::uint64_t n) {
  row(what, n);
  if (n == 0) idle += std::string(idle.empty() ? "" : "; ") + what;
}

void say_result(const soak::resources& first, const soak::resources& last,
                const soak::resources& most, unsigned quiet) {
  const auto& c = soak::counts;
  for (std::size_t t = 0; t < soak::targets().size(); ++t)
    for (std::size_t i = 0; i < soak::targets()[t]->calls; ++i)
      row(std::string(soak::targets()[t]->name) + ": " + soak::targets()[t]->name_of(i),
          soak::asked[t][i]);
  row("operations", soak::operations);
  row("faults survived", soak::survived_faults);
  happened("foreign faults, each delivered once", c.foreign_faults);
  happened("  of them in a guard for other addresses", c.foreign_faults_in_guards);
  happened("foreign signals that were sent, each delivered once", c.foreign_signals);
  happened("another owner stood over us, and was displaced", c.takeovers);
  happened("  signals that such owners handed on", c.passed_on);
  happened("  faults that one asked try_handle() for", c.hosted);
  happened("uninstalled and installed again", c.given_back);
  happened("timers interrupted a thread, and asked", c.ticks + c.ticks_blocked);
  happened("  of them in a handler that blocks SIGSEGV", c.ticks_blocked);
  happened("children of fork()", c.children + c.children_in_guards);
  happened("  of them made in a guard", c.children_in_guards);
  happened("shared objects loaded, used, closed", c.images_used + c.images_gone);
  happened("  of them gone again", c.images_gone);
  happened("  installed their own handler over all", c.image_installs);
  if (soak::has_fibers) happened("switches of fibers", c.fiber_switches);
  happened("threads that lived for a short time", short_lived);
  const auto held = [](const char* what, std::size_t a, std::size_t b, std::size_t high) {
    std::printf("%-26s %15s %15s %15s\n", what, grouped(a).c_str(), grouped(b).c_str(),
                grouped(high).c_str());
  };
  std::printf("%-26s %15s %15s %15s\n",
              ("held, " + std::to_string(quiet) + " times looked at").c_str(), "after warm-up",
              "at the end", "at most");
  held("mappings", first.mappings, last.mappings, most.mappings);
  held("descriptors", first.descriptors, last.descriptors, most.descriptors);
  held("threads", first.threads, last.threads, most.threads);
  held("mapped, bytes", first.mapped, last.mapped, most.mapped);
  held("heap, bytes", first.heap, last.heap, most.heap);
  held("resident, bytes", first.resident, last.resident, most.resident);
}

// Ctrl-C ends it early, with the same table.
std::atomic<bool> told_to_end{false};
void end_early(int) { told_to_end = true; }

void soak_for(double seconds, unsigned workers) {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction a {};
    a.sa_handler = end_early;
    a.sa_flags = SA_RESTART;
    ::sigaction(signal, &a, nullptr);
  }
  soak::begin_company();
  // std::thread takes it; libc's cache then holds the stacks of all that ever live at once.
  ::pthread_attr_t small;
  ::pthread_attr_init(&small);
  ::pthread_attr_setstacksize(&small, 1 << 20);
  ::pthread_setattr_default_np(&small);
  ::pthread_attr_destroy(&small);
  std::vector<std::thread> as_many(workers + 16);
  for (std::thread& t : as_many) t = std::thread([] { ::usleep(10'000); });
  for (std::thread& t : as_many) t.join();

  std::vector<std::function<std::thread(gate&)>> all(
      workers, [](gate& g) { return in_turns(g, [] { return std::make_unique<worker>(); }); });
  all.emplace_back([](gate& g) { return in_turns(g, [] { return std::make_unique<spawner>(); }); });
  for (int i = 0; i < 2; ++i)
    all.emplace_back([](gate& g) { return beside<soak::foreign, true>(g, 500); });
  all.emplace_back([](gate& g) { return beside<soak::change_owner>(g, 3'000); });
  all.emplace_back([](gate& g) { return beside<soak::use_image>(g, 20'000); });
  all.emplace_back([](gate& g) { return beside<soak::have_child>(g, 50'000); });
  if (soak::has_fibers)
    all.emplace_back([](gate& g) { return beside<soak::switch_fibers, true>(g, 1'000); });
  else
    std::puts(
        "SKIPPED: soak: fibers, and faults in timers' handlers under TSan: needs a build without a "
        "sanitizer");

  const auto begun = clock::now();
  const auto since = [&] { return std::chrono::duration<double>(clock::now() - begun).count(); };
  gate quiet(static_cast<unsigned>(all.size()));
  std::vector<std::thread> threads;
  for (const auto& make : all) threads.push_back(make(quiet));

  // Ten looks or more, one every five seconds where that is more. The first three are the warm-up: by then
  // every thread has come by once, and libc has its caches.
  constexpr unsigned warm_up = 3;
  const double every = std::min(5.0, seconds / 10);
  chance random(soak::seed);
  soak::resources first, last, most;
  progress shown;
  unsigned looks = 0;
  for (bool over = false; !over;) {
    const double next = since() + every;
    while (since() < next && !told_to_end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      shown.show(since(), seconds, last);
    }
    over = (since() >= seconds && looks > warm_up) || told_to_end;
    quiet.close();
    soak::give_back_and_take(random);
    last = soak::resources::now();
    if (++looks <= warm_up) first = last.most_of(first);
    most = last.most_of(most);
    expect_constant(last, first);
    quiet.open(over);
  }
  for (std::thread& t : threads) t.join();
  shown.end();
  say_result(first, last, most, looks);
  if (!told_to_end && !idle.empty()) soak::wrong("the soak itself", "never happened", idle);
  std::printf("%ssoaked for %.0f s with seed %llu: no wrong answer, %s\n",
              told_to_end ? "stopped early: " : "", since(),
              static_cast<unsigned long long>(soak::seed),
              looks > warm_up ? "no leak" : "and too short to tell of leaks");
}

// libc keeps what was freed in caches of each thread, which fill up for hours: without them what is in use is
// known. It asks for that in the environment only, when a program begins.
void begin_without_caches(char** arguments) {
  constexpr const char* variable = "GLIBC_TUNABLES";
  if (build::is_sanitized || std::getenv(variable) != nullptr) return;
  ::setenv(variable, "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0:glibc.malloc.arena_max=1",
           1);
  ::execv("/proc/self/exe", arguments);
}

}  // namespace

// On an alternate stack ASan asks libc for the bounds of the thread's stack at each jump out of a handler: with a
// lock, which a timer may have interrupted (seen: a thread that waits for itself). Without one it knows them.
extern "C" const char* __asan_default_options() { return "use_sigaltstack=0"; }

int main(int count, char** arguments) {
  begin_without_caches(arguments);
  CLI::App app(
      "Everything at once, on real memory, for a while.\n"
      "Exit status: 0 no wrong answer and no leak, 1 there was one, 2 usage.");
  const bool is_long = std::getenv("SUREFOOT_TEST_ALL") != nullptr;
  double seconds = is_long ? 60 : 4;
  unsigned workers = 2 * std::max(1u, std::thread::hardware_concurrency());
  std::optional<std::uint64_t> seed;
  app.add_option("--seconds", seconds, "how long")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--seed", seed, "what is drawn; without it another one each time");
  app.add_option("--threads", workers, "how many work all the time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::fprintf(stderr, "soak: %s (try --help)\n", e.what());
    return 2;
  }
  soak::seed = seed.value_or(std::random_device{}());
  std::printf("seed %llu\n", static_cast<unsigned long long>(soak::seed));
  std::fflush(stdout);
  try {
    soak_for(seconds, workers);
  } catch (const std::exception& e) {
    soak::wrong("the soak itself", e.what());
  }
  return 0;
}
