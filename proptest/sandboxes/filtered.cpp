// A process that may return from a signal, read, write and exit, and do nothing else.
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "../every_verb.hpp"
#include "../seccomp.hpp"
#include "../unit/process.hpp"

namespace {

using memory::kind;
using process::shared;

constexpr int all_well = 0;
constexpr int wrong_answer = 1;
constexpr int no_filter = 77;

// Not _exit(), which is exit_group(). Nor is it said that this does not return: before such a call ASan asks for the
// alternate stack.
void leave(int status) { ::syscall(SYS_exit, status); }

// What each of the two makes of a call that is not allowed.
struct sandbox {
  const char* name;
  bool (*enter)();
  int signal;
};
constexpr sandbox sandboxes[] = {
    {"a filter",
     [] {
       return seccomp::allow_only({SYS_rt_sigreturn, SYS_read, SYS_write, SYS_exit});
     },
     SIGSYS},
    // The kernel's own, which has the same four.
    {"strict mode", [] { return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0; }, SIGKILL}};

// Is body() true in a process in each sandbox? It was already called once outside, since an allocator may have to
// ask for memory.
template <class Body>
void check_in_each(Body body) {
  for (const sandbox& s : sandboxes) {
    INFO(s.name);
    const process::ending end = process::run([&] {
      (void)surefoot::install();
      if (!body()) ::_exit(wrong_answer);
      if (!s.enter()) ::_exit(no_filter);
      leave(body() ? all_well : wrong_answer);
    });
    if (end.status == no_filter) return memory::say_skipped("seccomp filters");
    CHECK(end.signal == 0);  // SIGSYS, SIGKILL: it made another one
    CHECK(end.status == all_well);
  }
}

#if SUREFOOT_HAS_TABLE
using engine = surefoot::engine::table;

// All verbs around a page of this kind, whose first byte is the first that is refused.
bool answers_at(const every_verb::bad_page& land, int& answers) {
  bool well = true;
  every_verb::at_the_edges<engine>(land, [&](const char*, bool fine) {
    ++answers;
    well = well && fine;
  });
  return well;
}
#endif

}  // namespace

TEST_CASE("a process in the sandbox that makes any other call is killed") {
  for (const sandbox& s : sandboxes) {
    INFO(s.name);
    const process::ending end = process::run([&] {
      if (!s.enter()) ::_exit(no_filter);
      ::syscall(SYS_getppid);
      leave(all_well);
    });
    if (end.status == no_filter) return memory::say_skipped("seccomp filters");
    CHECK(end.signal == s.signal);
  }
}

TEST_CASE("with rt_sigreturn, read, write and exit alone all verbs of the table's engine work") {
#if SUREFOOT_HAS_TABLE
  // An allocator of a sanitizer asks for memory again and again.
  if (build::is_sanitized) return memory::say_skipped("a build without a sanitizer");
  for (const kind k : memory::kinds_that_refuse(surefoot::access_kind::read)) {
    INFO(memory::name(k));
    const every_verb::bad_page land(k);
    const shared<int> answers;
    check_in_each([&] { return answers_at(land, *answers); });
    CHECK(*answers > 400);
  }
#else
  memory::say_skipped("engine::table");
#endif
}

TEST_CASE(
    "with those four the first fault, the first install and a vector's width need nothing else") {
#if SUREFOOT_HAS_TABLE
  // Nothing was called before but install(); nothing is allocated.
  const every_verb::bad_page land(kind::no_access);
  const auto* const bad = const_cast<std::uint8_t*>(land.first);
  for (const sandbox& s : sandboxes) {
    INFO(s.name);
    const process::ending end = process::run([&] {
      const auto e = surefoot::install<engine>();
      if (!s.enter()) ::_exit(no_filter);
      static std::uint8_t to[2000];
      auto* const writeable = const_cast<std::uint8_t*>(bad);
      bool well = surefoot::try_copy(to, bad - 1000, sizeof to, e).done == 1000;
      well = well && surefoot::try_fill(writeable - 1000, 7, sizeof to, e).done == 1000;
      well = well && surefoot::try_find(bad - 1000, 8, sizeof to, e).stopped_by.address == bad;
      well = well && surefoot::try_compare(bad - 1000, to, sizeof to, e).stopped_by.address == bad;
      well = well && surefoot::try_load(bad, e).stopped_by.address == bad;
      // With a default engine, too: it is installed.
      well = well && surefoot::try_fetch_add(writeable, std::uint8_t{1}).stopped_by.address == bad;
      leave(well ? all_well : wrong_answer);
    });
    if (end.status == no_filter) return memory::say_skipped("seccomp filters");
    CHECK(end.signal == 0);
    CHECK(end.status == all_well);
  }
#else
  memory::say_skipped("engine::table");
#endif
}

TEST_CASE("a worker in the sandbox reads requests, touches what they name and writes the answers") {
#if SUREFOOT_HAS_TABLE
  // As a sandboxed process does that is given addresses by another one.
  struct request {
    const std::uint8_t* from;
    std::size_t bytes;
  };
  const every_verb::bad_page land(kind::past_end_of_file);
  for (const sandbox& s : sandboxes) {
    INFO(s.name);
    int requests[2], answers[2];
    REQUIRE((::pipe(requests) == 0 && ::pipe(answers) == 0));
    const pid_t worker = process::start([&] {
      const auto e = surefoot::install<engine>();
      ::close(requests[1]);
      if (!s.enter()) ::_exit(no_filter);
      request r{};
      static std::uint8_t to[1000];
      while (::read(requests[0], &r, sizeof r) == sizeof r) {
        const surefoot::progress p = surefoot::try_copy(to, r.from, r.bytes, e);
        if (::write(answers[1], &p, sizeof p) != sizeof p) leave(wrong_answer);
      }
      leave(all_well);
    });
    ::close(answers[1]);
    ::close(requests[0]);
    // A filter that cannot be set ends it before the first answer.
    const auto ask = [&](request r, surefoot::progress& p) {
      return ::write(requests[1], &r, sizeof r) == sizeof r &&
             ::read(answers[0], &p, sizeof p) == sizeof p;
    };
    const auto old = ::signal(SIGPIPE, SIG_IGN);
    surefoot::progress good{}, partly{}, null{};
    const bool answered = ask({land.first - 900, 900}, good) &&
                          ask({land.first - 77, 900}, partly) && ask({nullptr, 10}, null);
    ::signal(SIGPIPE, old);
    ::close(requests[1]);
    const process::ending end = process::wait_for(worker);
    ::close(answers[0]);
    if (end.status == no_filter) return memory::say_skipped("seccomp filters");
    CHECK(answered);
    CHECK(good == memory::finished(900));
    CHECK(partly == memory::stopped(77, 900, kind::past_end_of_file, surefoot::access_kind::read,
                                    land.first));
    CHECK(null.done == 0);
    CHECK(null.stopped_by == surefoot::fault{nullptr, surefoot::cause::unmapped,
                                             surefoot::access_kind::read, SIGSEGV, SEGV_MAPERR, 0});
    CHECK(end.signal == 0);
    CHECK(end.status == all_well);
  }
#else
  memory::say_skipped("engine::table");
#endif
}
