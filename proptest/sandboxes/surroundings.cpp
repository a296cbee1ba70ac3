// What the library keeps, starts and asks: no descriptor, no thread, no environment variable.
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "../every_verb.hpp"
#include "../unit/process.hpp"

namespace {

using memory::kind;
using process::shared;

// Everything there is: each verb of this engine at a bad page; many holes, for which the kernel is asked; a guard,
// a retry and a page that is healed; installing and giving back. How many answers were wrong?
template <class E>
int wrong_answers(const every_verb::bad_page& land, memory::pages& row, int& answers) {
  int wrong = 0;
  const auto check = [&](const char*, bool fine) {
    ++answers;
    wrong += !fine;
  };
  every_verb::at_the_edges<E>(land, check);
  const auto ignored = [](const surefoot::fault&, std::size_t, std::size_t) noexcept {};
  check("find_holes", surefoot::find_holes(row.data(), row.size(), ignored, E{}).holes > 2);
  std::vector<std::uint8_t> to(row.size());
  check("salvage", surefoot::salvage(to.data(), row.data(), row.size(), ignored, E{}).holes > 2);
  const auto step = [&](const volatile void* p, std::size_t n) {
    return surefoot::try_copy(to.data(), p, n, E{});
  };
  check("resume",
        !surefoot::resume<surefoot::access_kind::read>(row.data(), row.size(), step).all());
  check("restart", !surefoot::restart(surefoot::reads(row.data(), row.size()), [&] {
          return surefoot::try_copy(to.data(), row.data(), row.size(), E{});
        }));
  const std::uint8_t* const bad = land.first;
  check("guarded", !surefoot::guarded([bad]() noexcept { process::stray_load(bad); }).ok());
  check("heal", surefoot::heal(row.page(1), memory::page_size).ok());
  row.become(1, kind::no_access);
  check("ready_this_thread", surefoot::ready_this_thread() == surefoot::for_each_signal{});
  check("uninstall", surefoot::uninstall().both());
  check("install", bool(surefoot::install()));
  check("pin", surefoot::pin() == surefoot::pinned::yes);
  char text[100];
  check("format", surefoot::format(surefoot::try_load(bad).stopped_by, text, sizeof text) > 0);
  return wrong;
}

memory::pages many_holes() {
  std::vector<kind> all(100, kind::good);
  for (std::size_t i = 0; i < 90; ++i)
    if (i % 9 != 0)
      all[i] = i < 40 ? kind::no_access : i < 60 ? kind::past_end_of_file : kind::hole;
  return memory::pages(all);
}

bool is_not_here(bool needs_kernel_copies) {
  if (!needs_kernel_copies || !machine::is_user_mode_emulation()) return false;
  memory::say_skipped("process_vm_readv()");
  return true;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "after every verb no descriptor is open and no thread runs that was not there before", "",
    SUREFOOT_ALL_ENGINES) {
  if (is_not_here(memory::without_signals<TestType>)) return;
  struct seen {
    int answers, wrong;
    std::size_t descriptors[2], threads[2];
  };
  const every_verb::bad_page land(kind::no_access);
  memory::pages row = many_holes();
  const shared<seen> found;
  const process::ending end = process::run([&] {
    for (const int when : {0, 1}) {
      found->descriptors[when] = process::open_descriptors();
      found->threads[when] = process::count_of("/proc/self/task");
      if (when == 0) found->wrong = wrong_answers<TestType>(land, row, found->answers);
    }
  });
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
  CHECK(found->answers > 200);
  CHECK(found->wrong == 0);
  CHECK(found->descriptors[0] > 3);
  CHECK(found->descriptors[1] == found->descriptors[0]);
  // qemu's user mode has one of its own.
  if (!machine::is_user_mode_emulation()) CHECK(found->threads[0] == 1);
  CHECK(found->threads[1] == found->threads[0]);
}

namespace {

// Makes the environment memory that kills whoever reads a variable, or the list of them.
void poison_environment() {
  void* const p = ::mmap(nullptr, memory::page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory::require(p != MAP_FAILED, "mmap");
  ::environ = static_cast<char**>(p);
}

}  // namespace

TEST_CASE("whoever reads an environment variable is killed where the environment cannot be read") {
  const process::ending end = process::run([] {
    poison_environment();
    const volatile bool is_there = std::getenv("SUREFOOT_NO_SUCH_VARIABLE") != nullptr;
    (void)is_there;
  });
  CHECK(end.signal == SIGSEGV);
}

TEMPLATE_TEST_CASE("no verb reads an environment variable", "", SUREFOOT_ALL_ENGINES) {
  if (is_not_here(memory::without_signals<TestType>)) return;
  struct seen {
    int answers, wrong;
  };
  const every_verb::bad_page land(kind::no_access);
  memory::pages row = many_holes();
  const shared<seen> found;
  const process::ending end = process::run([&] {
    poison_environment();
    found->wrong = wrong_answers<TestType>(land, row, found->answers);
  });
  CHECK(end.signal == 0);  // SIGSEGV: it read one
  CHECK(end.status == 0);
  CHECK(found->answers > 200);
  CHECK(found->wrong == 0);
}
