// UFFDIO_POISON: what a process may do to its own memory without any privilege. The answers are those
// of real poison.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/tile/userfault.hpp>
#include <system_error>

#include "../unit/process.hpp"
#include "every_verb.hpp"

namespace {

using memory::page_size;
using surefoot::testing::tile;
using surefoot::testing::userfault_tiles;

constexpr uid_t nobody = 65534;

// Lays such a page in the middle of three. Throws where the machine does not have it.
void mark(std::uint8_t* at, surefoot::testing::ground& kept) {
  userfault_tiles::lay(tile::userfault_poison, at, kept);
}

bool marks_are_poison() {
  try {
    surefoot::testing::ground kept;
    mark(poisoned::anonymous.make().begin, kept);
    if (userfault_tiles::ask(tile::userfault_poison, 0, {}).kind == surefoot::cause::poisoned)
      return true;
  } catch (const std::system_error&) {
  }
  memory::say_skipped("UFFDIO_POISON (Linux 6.6) and CONFIG_MEMORY_FAILURE");
  return false;
}

}  // namespace

TEMPLATE_TEST_CASE("every verb names the first byte of a page marked as poisoned, as nobody", "",
                   SUREFOOT_ALL_ENGINES) {
  if (!marks_are_poison()) return;
  struct wrong {
    unsigned asked, count;
    char first[80];
  };
  const process::shared<wrong> answers;
  const process::ending end = process::run([&] {
    if (::getuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(1);
    surefoot::testing::ground kept;
    std::uint8_t* const p = poisoned::anonymous.make().begin;
    for (std::size_t i = 0; i < 3 * page_size; ++i) p[i] = surefoot::testing::pattern(p + i);
    mark(p + page_size, kept);
    if (::madvise(p, page_size, 100) == 0 || errno != EPERM) ::_exit(2);  // MADV_HWPOISON
    every_verb::at_the_edges<TestType>(
        {p + page_size, page_size}, page_size, [&](const char* verb, bool fine) {
          ++answers->asked;
          if (!fine && answers->count++ == 0)
            std::snprintf(answers->first, sizeof answers->first, "%s", verb);
        });
    if constexpr (!memory::without_signals<TestType>) {
      const auto met = surefoot::guarded([=]() noexcept { *(p + page_size + 9) = 1; }).stopped_by;
      if (met != poisoned::fault_of<TestType>(surefoot::access_kind::write, p + page_size + 9))
        ::_exit(3);
    }
    const auto met = surefoot::try_load(p + page_size + 100, TestType{}).stopped_by;
    if (!surefoot::heal(met).ok() || p[page_size] != 0 || p[2 * page_size - 1] != 0) ::_exit(4);
  });
  INFO(answers->first);
  CHECK(end.status == 0);
  CHECK(answers->count == 0);
  CHECK(answers->asked > 100);
}
