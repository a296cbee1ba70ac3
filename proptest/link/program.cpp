// A small program of two halves that does what the library is for. It is built in each way that
// compilers and linkers have; how it is built must not show.
//
// PROGRAM_TABLE_IS_SORTED: 1 where the linker has to leave the table sorted, 0 where it need not.
#include "program.hpp"

#include <link.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cstdint>
#include <surefoot/engine/jump.hpp>
#include <surefoot/engine/table.hpp>

namespace {

int broken = 0;
#define EXPECT(...) \
  ((__VA_ARGS__) ? void() : (++broken, (void)printf("line %d: %s\n", __LINE__, #__VA_ARGS__)))

// Looks for a segment with code around `address`.
struct query {
  std::uintptr_t address;
  bool in_text;
};
int look_into(struct dl_phdr_info* object, std::size_t, void* data) {
  auto& q = *static_cast<query*>(data);
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const std::uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
        q.address - start < segment.p_memsz)
      q.in_text = true;
  }
  return 0;
}
bool in_text(std::uintptr_t address) {
  query q{address, false};
  ::dl_iterate_phdr(look_into, &q);
  return q.in_text;
}

void look_at_the_table() {
  const surefoot::arch::table_entry* const first = surefoot::arch::table_begin();
  const surefoot::arch::table_entry* const last = surefoot::arch::table_end();
  EXPECT(first != nullptr && last - first > 10);
  bool sorted = true;
  for (const auto* e = first; e != last; ++e) {
    EXPECT(in_text(e->instruction_address()));
    EXPECT(in_text(e->landing_pad_address()));
    // The pad is behind its access, a few bytes or a few instructions of the same access.
    EXPECT(e->landing_pad_address() - e->instruction_address() < 4096);
    EXPECT(e->width >= 1 && e->width <= 64);
    sorted = sorted && (e == first || e[-1].instruction_address() < e->instruction_address());
    EXPECT(surefoot::signals::find_access(e->instruction_address()) == e);
  }
  EXPECT(surefoot::signals::find_access(0) == nullptr);
  printf("%d entries, %s\n", static_cast<int>(last - first), sorted ? "sorted" : "not sorted");
  if (PROGRAM_TABLE_IS_SORTED) EXPECT(sorted);
  EXPECT((surefoot::signals::order_of_table() == surefoot::signals::sorted) == sorted);
}

[[gnu::noinline]] void read_directly(const long* p) noexcept {
  (void)*static_cast<const volatile long*>(p);
}

}  // namespace

int main() {
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

  look_at_the_table();
  return broken == 0 ? 0 : 1;
}
