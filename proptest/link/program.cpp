// program SORTED|UNSORTED: a small program of two halves that does what the library is for. It is built in
// each way that compilers and linkers have, the second half also as a shared object; how it is built must
// not show.
//
// SORTED: the linker has to leave the table sorted, UNSORTED: it need not.
#include "program.hpp"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cstring>
#include <surefoot/engine/jump.hpp>

#include "its_table.hpp"

namespace {

[[gnu::noinline]] void read_directly(const long* p) noexcept {
  (void)*static_cast<const volatile long*>(p);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const bool has_to_be_sorted = std::strcmp(argv[1], "SORTED") == 0;
  using surefoot::cause;
  const auto map = [](int protection) {
    return static_cast<long*>(
        ::mmap(nullptr, 8192, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  };
  long* const none = map(PROT_NONE);
  long* const good = map(PROT_READ | PROT_WRITE);
  if (good == MAP_FAILED || none == MAP_FAILED || ::mprotect(good + 512, 4096, PROT_NONE) != 0)
    return 2;
  *good = 42;

  // Loads: in this half, in the other, in the function that both have; by each engine.
  EXPECT(surefoot::try_load(good).value_or(0) == 42);
  EXPECT(program::load(good).value_or(0) == 42);
  EXPECT(program::shared_load(good).value_or(0) == 42);
  EXPECT(surefoot::try_load(none).stopped_by.address == none);
  EXPECT(program::load(none).stopped_by.kind == cause::denied);
  EXPECT(program::shared_load(none).stopped_by.kind == cause::denied);
  EXPECT(program::shared()(none).stopped_by.kind == cause::denied);
  EXPECT(surefoot::try_load(none, surefoot::engine::jump{}).stopped_by.kind == cause::denied);

  // Copies and stores, up to the page that is bad.
  char to[64];
  const auto* const from = reinterpret_cast<const char*>(good) + 4096 - 37;
  EXPECT(program::copy(to, from, sizeof to).done == 37);
  EXPECT(surefoot::try_copy(to, from, sizeof to).done == 37);
  EXPECT(surefoot::try_copy(to, from, sizeof to, surefoot::engine::jump{}).done == 37);
  EXPECT(!program::store(reinterpret_cast<int*>(none), 1));
  EXPECT(static_cast<bool>(program::store(reinterpret_cast<int*>(good), 7)));

  // Both questions.
  EXPECT(surefoot::fault_in_readable(good, 8192).done == 4096);
  EXPECT(surefoot::fault_in_writeable(good, 4096).all());
  EXPECT(surefoot::ensure_readable(good, 8192).stopped_by.address == good + 512);
  EXPECT(static_cast<bool>(surefoot::ensure_writeable(good, 4096)));

  // Guards, in both halves.
  EXPECT(program::run(read_directly, none).stopped_by.address == none);
  EXPECT(surefoot::guarded([=]() noexcept { read_directly(none); }).stopped_by.address == none);
  EXPECT(program::run(read_directly, good).ok());
  EXPECT(surefoot::guarded([=]() noexcept {
           return program::load(none).ok() ? 1 : 2;
         }).value_or(0) == 2);

  // Each registration comes in by an entry of its own.
  for (int i = 0; i < 17; ++i) {
    ::signal(SIGSEGV, SIG_DFL);
    EXPECT(static_cast<bool>(surefoot::install()));
    EXPECT(surefoot::try_load(none).stopped_by.address == none);
  }

  look_at_the_table("first half", has_to_be_sorted);
  broken += program::look_at_second(has_to_be_sorted);
  return broken == 0 ? 0 : 1;
}
