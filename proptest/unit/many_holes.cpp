// Many holes in one call: few signals, and the same holes whatever the kernel tells of them, whoever changes
// them meanwhile.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "../seccomp.hpp"
#include "../terrain.hpp"
#include "engines.hpp"
#include "machine.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace {

using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::engine::verb;
using terrain::hole;
using terrain::kind;
using terrain::page_size;
using terrain::stretch;

// The same engine, which is told nothing: each bad page is met by its signal.
template <class E>
struct untold : E {
  static constexpr bool offers(verb v) noexcept { return v != verb::survey && E::offers(v); }
};

// --- how many signals

int signals_met = 0;
struct sigaction asked_next[2];

// Counts every SIGSEGV and SIGBUS that reaches this process, in front of our handler.
class counted {
 public:
  counted() {
    signals_met = 0;
    for (int i = 0; i < 2; ++i) {
      ::sigaction(process::signals_taken[i], nullptr, &asked_next[i]);
      struct sigaction mine = asked_next[i];
      mine.sa_sigaction = [](int signal, siginfo_t* info, void* ucontext) {
        ++signals_met;
        asked_next[signal == process::signals_taken[0] ? 0 : 1].sa_sigaction(signal, info,
                                                                             ucontext);
      };
      ::sigaction(process::signals_taken[i], &mine, nullptr);
    }
  }
  ~counted() {
    for (int i = 0; i < 2; ++i) ::sigaction(process::signals_taken[i], &asked_next[i], nullptr);
  }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

  int so_far() const { return signals_met; }
};

bool kernel_names_mappings() {
  surefoot::os::own_memory memory;
  surefoot::os::mapping m;
  return memory.mapping_from(reinterpret_cast<std::uintptr_t>(&m), m) ==
         surefoot::os::own_memory::told::yes;
}
bool kernel_lists_guards() {
  surefoot::os::own_memory memory;
  surefoot::os::own_memory::pages one;
  std::uintptr_t until = 0;
  const terrain::land land({{kind::good, 1}});
  const auto at = reinterpret_cast<std::uintptr_t>(land.data());
  return memory.guard_pages(at, at + page_size, &one, 1, until) >= 0;
}

std::string names(const std::vector<stretch>& all) {
  std::string text;
  for (const stretch& s : all)
    text += (text.empty() ? "" : ", ") + std::to_string(s.pages) + " x " + terrain::name(s.what);
  return text;
}

// At most so many signals, for all of it; and the holes are those of one signal a page. A scan may have one more:
// where its first touches seem slow it touches ahead (engine/populate.hpp), and meets a bad page there first.
template <class E>
void check_signals(const std::vector<stretch>& all, std::size_t holes, int most) {
  const terrain::land land(all);
  const auto expected = terrain::found(land.data(), land.size(), untold<E>{});
  std::vector<unsigned char> to(land.size());
  INFO(names(all));
  CHECK(expected.size() == holes);
  {
    const counted signals;
    CHECK(terrain::found(land.data(), land.size(), E{}) == expected);
    CHECK(signals.so_far() <= most + 1);
  }
  const counted signals;
  CHECK(terrain::left_out(to.data(), land.data(), land.size(), E{}) == expected);
  CHECK(signals.so_far() <= most);
}

TEMPLATE_TEST_CASE("a long hole costs two signals, and each further one in the call one or two", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!kernel_names_mappings()) return memory::say_skipped("PROCMAP_QUERY (Linux 6.11)");
  REQUIRE(surefoot::install());
  const stretch good{kind::good, 3};
  check_signals<TestType>({good, {kind::none, 700}, good}, 1, 2);
  check_signals<TestType>({good, {kind::none, 700}, {kind::none_shared, 700}, good}, 1, 3);
  // What comes behind the gap cannot grow down into it, or might.
  check_signals<TestType>({good, {kind::gap, 700}, {kind::file_end, 2}}, 2, 3);
  check_signals<TestType>({good, {kind::gap, 700}, good}, 1, 3);
  std::vector<stretch> many;
  for (int i = 0; i < 100; ++i) many.insert(many.end(), {good, {kind::none, 64}});
  check_signals<TestType>(many, 100, 101);
  many.clear();
  for (int i = 0; i < 100; ++i) many.insert(many.end(), {good, {kind::gap, 64}});
  many.push_back(good);
  check_signals<TestType>(many, 100, 201);
}

TEMPLATE_TEST_CASE("behind the end of a file all pages together cost two signals", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (!kernel_names_mappings()) return memory::say_skipped("PROCMAP_QUERY (Linux 6.11)");
  if (!kernel_lists_guards() && !surefoot::os::has_no_guard_pages())
    return memory::say_skipped("guard pages in PAGEMAP_SCAN");
  REQUIRE(surefoot::install());
  check_signals<TestType>({{kind::file_end, 600}}, 1, 2);
  check_signals<TestType>({{kind::private_file_end, 600}}, 1, 2);
  if (!terrain::is_here(kind::missing)) return memory::say_skipped("userfaultfd");
  check_signals<TestType>({{kind::missing, 600}, {kind::good, 2}}, 1, 2);
}

TEMPLATE_TEST_CASE("the guard pages of a mapping together cost two signals, be they apart or not",
                   "", SUREFOOT_SIGNAL_ENGINES) {
  if (!kernel_names_mappings() || !kernel_lists_guards())
    return memory::say_skipped("guard pages in PAGEMAP_SCAN");
  REQUIRE(surefoot::install());
  check_signals<TestType>({{kind::guards_apart, 2000}}, 1000, 2);
  check_signals<TestType>({{kind::guards, 700}, {kind::good, 2}}, 1, 2);
  std::vector<stretch> runs;
  for (int i = 0; i < 100; ++i) runs.insert(runs.end(), {{kind::good, 3}, {kind::guards, 5}});
  check_signals<TestType>(runs, 100, 2);
}

// --- a stack that grows

// Good memory, a gap, and a mapping that grows down into it, but not nearer than the kernel allows.
class growing {
 public:
  explicit growing(std::size_t gap) : land_({{kind::good, 1}, {kind::gap, gap}, {kind::good, 2}}) {
    memory::require(
        ::mmap(land_.page(gap + 1), 2 * page_size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0) != MAP_FAILED,
        "MAP_GROWSDOWN");
  }
  unsigned char* data() const { return land_.data(); }
  std::size_t size() const { return land_.size(); }

 private:
  terrain::land land_;
};

TEMPLATE_TEST_CASE("below a stack that grows the hole ends where the stack may come to", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  if (machine::is_user_mode_emulation()) return memory::say_skipped("MAP_GROWSDOWN");
  REQUIRE(surefoot::install());
  // The kernel keeps 256 pages apart by itself (stack_guard_gap=): it may be told another number.
  bool grew = false;
  for (const std::size_t gap :
       {std::size_t{3}, std::size_t{100}, std::size_t{300}, std::size_t{600}})
    for (const std::size_t cut : {std::size_t{0}, std::size_t{3}, std::size_t{40}}) {
      if (cut > gap) continue;
      const growing first(gap), second(gap), third(gap);
      const std::size_t n = first.size() - cut * page_size;
      const auto expected = terrain::one_by_one(first.data(), n, TestType{});
      std::vector<unsigned char> to(n);
      INFO(gap << " pages below a stack, " << cut << " pages short of the end");
      CHECK(terrain::found(second.data(), n, TestType{}) == [&] {
        auto moved = expected;
        for (hole& h : moved) h.why.address = second.data() + h.offset;
        return moved;
      }());
      CHECK(terrain::left_out(to.data(), third.data(), n, TestType{}) == [&] {
        auto moved = expected;
        for (hole& h : moved) h.why.address = third.data() + h.offset;
        return moved;
      }());
      grew |= !expected.empty() && expected[0].bytes < gap * page_size && cut == 0;
    }
  CHECK(grew);
}

// --- whoever is called back changes what comes

// By the time a hole is reported, up to 2 MiB behind it may have been judged: what comes later is changed.
template <class E, class Change>
std::vector<hole> found_while(const terrain::land& land, Change change) {
  std::vector<hole> all;
  (void)surefoot::find_holes(
      land.data(), land.size(),
      [&](const fault& why, std::size_t offset, std::size_t bytes) {
        if (all.empty())
          change(land.data() + offset + bytes + 520 * page_size, land.data() + land.size());
        hole h{why, offset, bytes};
        h.why.address = nullptr;  // two lands are compared
        all.push_back(h);
      },
      E{});
  return all;
}

TEMPLATE_TEST_CASE("what is changed behind a hole while it is reported is met as it is then", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  REQUIRE(surefoot::install());
  const auto removed = [](unsigned char* from, unsigned char* to) {
    ::madvise(from, static_cast<std::size_t>(to - from), terrain::kit::detail::remove_guard);
  };
  const auto forbidden = [](unsigned char* from, unsigned char* to) {
    ::mprotect(from, static_cast<std::size_t>(to - from), PROT_NONE);
  };
  const auto mapped = [](unsigned char* from, unsigned char* to) {
    ::mmap(from, static_cast<std::size_t>(to - from), PROT_READ,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  };
  const auto unmapped = [](unsigned char* from, unsigned char* to) {
    ::munmap(from, static_cast<std::size_t>(to - from));
    ::mmap(to - 4 * page_size, 4 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  std::vector<std::vector<stretch>> lands;
  if (terrain::is_here(kind::guards)) {
    lands.push_back({{kind::guards_apart, 1600}});
    std::vector<stretch> runs;
    for (int i = 0; i < 200; ++i) runs.insert(runs.end(), {{kind::good, 2}, {kind::guards, 5}});
    lands.push_back(runs);
  } else {
    memory::say_skipped("MADV_GUARD_INSTALL (Linux 6.13)");
  }
  std::vector<stretch> runs;
  for (int i = 0; i < 150; ++i) runs.insert(runs.end(), {{kind::good, 2}, {kind::none, 9}});
  lands.push_back(runs);
  for (const auto& all : lands) {
    const auto check = [&](const char* what, auto change) {
      INFO(names({all[0], all.back()}) << " and so on: " << what);
      const terrain::land one(all), other(all);
      CHECK(found_while<TestType>(one, change) == found_while<untold<TestType>>(other, change));
    };
    check("guard pages removed", removed);
    check("no access", forbidden);
    check("mapped afresh", mapped);
    check("unmapped", unmapped);
  }
}

// --- what the process is left with

TEMPLATE_TEST_CASE("after many holes no descriptor is open that was not, and errno is kept", "",
                   SUREFOOT_ALL_ENGINES) {
  const terrain::land land(
      {{kind::gap, 40}, {kind::good, 1}, {kind::none, 40}, {kind::file_end, 80}});
  const std::size_t before = process::open_descriptors();
  errno = 4321;
  std::vector<unsigned char> to(land.size());
  const auto holes = terrain::found(land.data(), land.size(), TestType{});
  CHECK(terrain::left_out(to.data(), land.data(), land.size(), TestType{}) == holes);
  CHECK(errno == 4321);
  CHECK(process::open_descriptors() == before);
  CHECK(holes.size() == 3);
}

// --- a kernel that says nothing

TEMPLATE_TEST_CASE("where the kernel refuses to tell, the holes are the same", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  constexpr int no_filter = 77;
  std::vector<stretch> all{{kind::good, 2},       {kind::gap, 90},         {kind::none, 90},
                           {kind::good, 2},       {kind::none_shared, 90}, {kind::file_end, 90},
                           {kind::none_apart, 90}};
  if (terrain::is_here(kind::guards))
    all.insert(all.end(), {{kind::guards, 90}, {kind::guards_apart, 90}});
  if (terrain::is_here(kind::file_end_guards)) all.push_back({kind::file_end_guards, 90});
  const terrain::land land(all);
  const std::initializer_list<int> refused[] = {
      {SYS_ioctl}, {SYS_openat}, {SYS_madvise}, {SYS_ioctl, SYS_openat, SYS_madvise}};
  for (const auto& calls : refused) {
    const process::ending end = process::run([&] {
      (void)surefoot::install<TestType>();
      const auto expected = terrain::one_by_one(land.data(), land.size(), TestType{});
      std::vector<unsigned char> to(land.size());
      if (!seccomp::answer(calls, SECCOMP_RET_ERRNO | EPERM)) ::_exit(no_filter);
      const bool same =
          terrain::found(land.data(), land.size(), TestType{}) == expected &&
          terrain::left_out(to.data(), land.data(), land.size(), TestType{}) == expected;
      ::syscall(SYS_exit_group, same ? 0 : 1);
    });
    if (end.status == no_filter) return memory::say_skipped("seccomp filters");
    CHECK(end.signal == 0);
    CHECK(end.status == 0);
  }
}

TEMPLATE_TEST_CASE("a process that can open nothing more finds the same holes", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const terrain::land land(
      {{kind::good, 2}, {kind::gap, 90}, {kind::none, 90}, {kind::file_end, 90}});
  const process::ending end = process::run([&] {
    (void)surefoot::install<TestType>();
    const auto expected = terrain::one_by_one(land.data(), land.size(), TestType{});
    process::allow_no_more_descriptors();
    ::_exit(terrain::found(land.data(), land.size(), TestType{}) == expected ? 0 : 1);
  });
  CHECK(end.status == 0);
}

// --- what find_holes asks of its arguments

TEMPLATE_TEST_CASE("find_holes of nothing and of a range that wraps touches nothing", "",
                   SUREFOOT_ALL_ENGINES) {
  using surefoot::holes_found;
  const memory::pages land{memory::kind::untouched};
  const auto never = [](const fault&, std::size_t, std::size_t) { FAIL_CHECK("a hole"); };
  CHECK(surefoot::find_holes(nullptr, 0, never, TestType{}) == holes_found{});
  CHECK(surefoot::find_holes(land.data(), SIZE_MAX, never, TestType{}) ==
        holes_found{0, 0, SIZE_MAX, 0, {land.data(), cause::bad_address, access_kind::read}});
  CHECK_FALSE(memory::resident(land.data()));
}

TEMPLATE_TEST_CASE("find_holes takes a range of objects, and counts bytes", "",
                   SUREFOOT_ALL_ENGINES) {
  const int numbers[3] = {1, 2, 3};
  const auto never = [](const fault&, std::size_t, std::size_t) { FAIL_CHECK("a hole"); };
  CHECK(surefoot::find_holes(numbers, never, TestType{}) == surefoot::holes_found{sizeof numbers});
}

TEMPLATE_TEST_CASE("the offset of a hole counts from where the range begins", "",
                   SUREFOOT_ALL_ENGINES) {
  const terrain::land land({{kind::good, 1}, {kind::none, 2}, {kind::good, 1}});
  const auto holes = terrain::found(land.data() + 100, 3 * page_size - 50 - 100, TestType{});
  REQUIRE(holes.size() == 1);
  CHECK(holes[0].offset == page_size - 100);
  CHECK(holes[0].bytes == 2 * page_size - 50);
  CHECK(holes[0].why.address == land.page(1));
  CHECK(holes[0].why.kind == cause::denied);
}

}  // namespace
