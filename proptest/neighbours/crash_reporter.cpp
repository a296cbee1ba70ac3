// A crash reporter: its handler writes down signal, registers, backtrace and the memory at each
// register, some of which is bad, and lets the process die. Its report of a fault that is not ours is
// the same, word for word, with us and without us.
//
// It reads that memory with the library: by engine::kernel, which needs no signal, or by any engine once
// ready_this_thread() has unblocked the signal that it handles.
#include <execinfo.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <iterator>
#include <string>
#include <surefoot/surefoot.hpp>

#include "../unit/engines.hpp"
#include "../unit/process.hpp"

namespace {

using memory::kind;

// --- the reporter

struct report {
  std::size_t size = 0;
  char text[32 * 1024] = {};

  void say(const char* s) {
    for (; *s != '\0' && size + 1 < sizeof text; ++s) text[size++] = *s;
  }
  void say_hex(std::uint64_t v, int digits = 16) {
    char s[17] = {};
    for (int i = digits; i-- > 0; v >>= 4) s[i] = "0123456789abcdef"[v & 15];
    say(s);
  }
};
const process::shared<report> written;

constexpr std::size_t bytes_shown = 32;
surefoot::progress (*reads)(void* to, const void* from, std::size_t n) = nullptr;
template <class E>
surefoot::progress read_by(void* to, const void* from, std::size_t n) {
  return surefoot::try_copy(to, from, n, E{});
}
bool gets_ready = false;

void on_crash(int signal, siginfo_t* info, void* ucontext) {
  report& r = *written;
  r.say("signal ");
  r.say_hex(static_cast<std::uint64_t>(signal), 2);
  r.say(", siginfo");
  const siginfo_t all = process::without_sender(*info);
  for (std::size_t i = 0; i < sizeof all; ++i)
    r.say_hex(reinterpret_cast<const unsigned char*>(&all)[i], 2);

  const auto& registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  for (const greg_t value : registers) {
    r.say("\nregister ");
    r.say_hex(static_cast<std::uint64_t>(value));
  }

  // As reporters have it: from where it happened on.
  void* frames[64];
  const int n = ::backtrace(frames, static_cast<int>(std::size(frames)));
  bool behind = false;
  for (int i = 0; i < n; ++i) {
    const auto at = reinterpret_cast<std::uintptr_t>(frames[i]);
    behind = behind || at == static_cast<std::uintptr_t>(process::pc_of(ucontext));
    if (!behind) continue;
    r.say("\nframe ");
    r.say_hex(at);
  }

  if (gets_ready) (void)surefoot::ready_this_thread();
  for (const greg_t value : registers) {
    unsigned char there[bytes_shown];
    const auto* const from = reinterpret_cast<const void*>(value);
    const std::size_t done = reads(there, from, sizeof there).done;
    r.say("\nmemory ");
    for (std::size_t i = 0; i < done; ++i) r.say_hex(there[i], 2);
    if (done < sizeof there) r.say("?");
  }
  r.say("\nend of report\n");
  // SA_RESETHAND: the instruction is executed again, and kills.
}

const process::stack& its_stack() {
  static const process::stack s(256 * 1024);
  return s;
}
void start_reporter() {
  void* frames[4];
  (void)::backtrace(frames, 4);  // loads what it needs
  const stack_t s = process::alternate(its_stack().begin(), its_stack().size());
  ::sigaltstack(&s, nullptr);
  struct sigaction a {};
  a.sa_sigaction = on_crash;
  a.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  for (const int signal : process::signals_taken) ::sigaction(signal, &a, nullptr);
}

// --- where we are

void without_us() { start_reporter(); }
void before_us() {
  start_reporter();
  (void)surefoot::install();
}
void after_us_and_displaced() {
  (void)surefoot::install();
  start_reporter();
  (void)surefoot::install();
}
void in_our_place() {
  (void)surefoot::install();
  start_reporter();
}

// --- what crashes

// Memory that is good, bad, and good to its end.
const memory::pages& land() {
  static const memory::pages all{kind::good, kind::no_access, kind::good, kind::hole,
                                 kind::past_end_of_file};
  return all;
}
const std::uint8_t* good() { return land().page(0); }
constexpr std::size_t good_at_the_edge = 11;
const std::uint8_t* edge() { return land().page(3) - good_at_the_edge; }

// With nothing in the registers that is another thing in another process. (rbp keeps the frame.)
[[gnu::noinline]] void load(const volatile void* bad) {
  asm volatile(
      "xorl %%eax, %%eax\n\tmovl %%eax, %%ebx\n\tmovl %%eax, %%r8d\n\tmovl %%eax, %%r9d\n\t"
      "movl %%eax, %%r10d\n\tmovl %%eax, %%r11d\n\tmovl %%eax, %%r12d\n\tmovl %%eax, %%r13d\n\t"
      "movl %%eax, %%r14d\n\tmovl %%eax, %%r15d\n\tmovb (%%rdi), %%al"
      :
      : "D"(bad), "S"(good()), "d"(edge()), "c"(memory::non_canonical[0])
      : "rax", "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}
[[gnu::noinline]] void inner(const volatile void* bad) {
  load(bad);
  asm volatile("");  // no tail call
}
[[gnu::noinline]] void outer(const volatile void* bad) {
  inner(bad);
  asm volatile("");
}

// What install() left below on the stack is in no report.
[[gnu::noinline]] void clear_the_stack() {
  constexpr std::size_t below = 16 * 1024;
  auto* to = static_cast<unsigned char*>(__builtin_frame_address(0)) - below;
  std::size_t n = below;
  asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

// Nor what those who called have in registers, which load() saves there.
[[gnu::always_inline]] inline void clear_kept_registers() {
  asm volatile(
      "xorl %%ebx, %%ebx\n\txorl %%r12d, %%r12d\n\txorl %%r13d, %%r13d\n\t"
      "xorl %%r14d, %%r14d\n\txorl %%r15d, %%r15d"
      :
      :
      : "rbx", "r12", "r13", "r14", "r15", "cc");
}

// Not in registers when it crashes.
void (*volatile arrange)() = nullptr;
const volatile void* volatile crash_at = nullptr;

struct crash {
  process::ending end;
  std::string text;
};
[[gnu::noinline]] crash crash_with(void (*arrangement)()) {
  *written = {};
  arrange = arrangement;
  const process::ending end = process::run([] {
    arrange();
    clear_the_stack();
    clear_kept_registers();
    outer(crash_at);
    asm volatile("");
  });
  return {end, std::string(written->text, written->size)};
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++n;
  return n;
}
std::string hex(const std::uint8_t* from, std::size_t n) {
  report r;
  for (std::size_t i = 0; i < n; ++i) r.say_hex(from[i], 2);
  return std::string(r.text, r.size);
}

// The first line in which they differ; nothing where they are the same.
std::string difference(const std::string& a, const std::string& b) {
  if (a == b) return "";
  std::size_t at = 0;
  while (a[at] == b[at]) ++at;
  const auto line = [at](const std::string& s) {
    const std::size_t begin = s.rfind('\n', at) + 1;
    return s.substr(begin, s.find('\n', at) - begin);
  };
  return line(a) + " instead of " + line(b);
}

struct example {
  const char* name;
  int signal;
  const volatile void* bad;
};

// Each crash in each arrangement, of which the first is without us, by engine::kernel.
void check_same_reports(std::initializer_list<void (*)()> all,
                        surefoot::progress (*reader)(void*, const void*, std::size_t), bool ready) {
  const example examples[] = {
      {"a hole", SIGSEGV, land().page(3) + 5},
      {"no access", SIGSEGV, land().page(1) + 5},
      {"past the end of a file", SIGBUS, land().page(4) + 5},
      {"an address of nobody", SIGSEGV, memory::at(memory::non_canonical[1])},
  };
  (void)its_stack();
  for (const example& e : examples) {
    INFO(e.name);
    crash_at = e.bad;
    crash without;
    for (void (*const arrangement)() : all) {
      const bool alone = arrangement == without_us;
      reads = alone ? read_by<surefoot::engine::kernel> : reader;
      gets_ready = ready && !alone;
      const crash seen = crash_with(arrangement);  // called once here: it is in the backtrace
      if (alone) {
        without = seen;
        CHECK(without.end.signal == e.signal);
        // It says all that it should.
        CHECK(count(without.text, "\nframe ") >= 4);
        CHECK(count(without.text, "\nmemory " + hex(good(), bytes_shown) + "\n") >= 1);
        CHECK(count(without.text, "\nmemory " + hex(edge(), good_at_the_edge) + "?\n") == 1);
        CHECK(count(without.text, "\nmemory ?\n") >= 2);
        CHECK(count(without.text, "\nend of report\n") == 1);
        continue;
      }
      CHECK(seen.end.signal == without.end.signal);
      CHECK(seen.end.dumped == without.end.dumped);
      CHECK(difference(seen.text, without.text) == "");
    }
  }
}

}  // namespace

TEST_CASE("a crash reporter that reads by engine::kernel writes the same report as without us") {
  check_same_reports({without_us, before_us, after_us_and_displaced, in_our_place},
                     read_by<surefoot::engine::kernel>, false);
}

TEMPLATE_TEST_CASE("a crash reporter that readies its thread writes the same report as without us",
                   "", SUREFOOT_SIGNAL_ENGINES) {
  check_same_reports({without_us, before_us, after_us_and_displaced}, read_by<TestType>, true);
}
