// The exception table of the image that this stands in: is it what its machine code asks for?
#pragma once

#include <link.h>
#include <stdio.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/engine/table.hpp>

namespace {

int broken = 0;
#define EXPECT(...) \
  ((__VA_ARGS__) ? void() : (++broken, (void)printf("line %d: %s\n", __LINE__, #__VA_ARGS__)))

// The segments with code of this image.
struct code {
  static constexpr int most = 8;
  const unsigned char* first[most];
  std::size_t bytes[most];
  int segments = 0;

  bool has(std::uintptr_t address) const {
    for (int i = 0; i < segments; ++i)
      if (address - reinterpret_cast<std::uintptr_t>(first[i]) < bytes[i]) return true;
    return false;
  }
};
int look_into(struct dl_phdr_info* object, std::size_t, void* data) {
  code here;
  for (int i = 0; i < object->dlpi_phnum && here.segments < code::most; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    here.first[here.segments] =
        reinterpret_cast<const unsigned char*>(object->dlpi_addr + segment.p_vaddr);
    here.bytes[here.segments++] = segment.p_memsz;
  }
  if (!here.has(reinterpret_cast<std::uintptr_t>(&look_into))) return 0;
  *static_cast<code*>(data) = here;
  return 1;
}

#ifdef SUREFOOT_TEST_MARK
// As many marks as there are instructions with an entry, each in front of one.
int look_for_marks(const code& here) {
  int marks = 0;
  for (int s = 0; s < here.segments; ++s)
    for (std::size_t i = 0; i + program::mark_length <= here.bytes[s]; ++i) {
      if (!program::is_mark(here.first[s] + i)) continue;
      const auto access =
          reinterpret_cast<std::uintptr_t>(here.first[s] + i) + program::mark_length;
      ++marks;
      EXPECT(surefoot::signals::find_access(access) != nullptr);
    }
  return marks;
}
#endif

// Where the code goes on that lands there. On x86-64 a pad is `stc` and a jump.
std::uintptr_t goes_on_at(std::uintptr_t landing_pad) {
#ifdef __x86_64__
  const auto* const p = reinterpret_cast<const unsigned char*>(landing_pad);
  EXPECT(p[0] == 0xf9 && (p[1] == 0xeb || p[1] == 0xe9));
  if (p[1] == 0xeb)
    return landing_pad + 3 + static_cast<std::uintptr_t>(static_cast<signed char>(p[2]));
  std::int32_t distance;
  __builtin_memcpy(&distance, p + 2, sizeof distance);
  return landing_pad + 6 + static_cast<std::uintptr_t>(std::intptr_t{distance});
#else
  return landing_pad;
#endif
}

// Two entries of one instruction: gold leaves both where it has folded two functions into one (--icf). Whichever is
// found has to say the same.
bool says_the_same(const surefoot::arch::table_entry& a, const surefoot::arch::table_entry& b) {
  const std::size_t distances =
      offsetof(surefoot::arch::table_entry, landing_pad) + sizeof a.landing_pad;
  return a.instruction_address() == b.instruction_address() &&
         a.landing_pad_address() == b.landing_pad_address() &&
         std::memcmp(reinterpret_cast<const char*>(&a) + distances,
                     reinterpret_cast<const char*>(&b) + distances, sizeof a - distances) == 0;
}

// has_to_be_sorted: the linker has to leave it so; gold need not.
void look_at_the_table(const char* image, bool has_to_be_sorted) {
  code here;
  ::dl_iterate_phdr(look_into, &here);
  const surefoot::arch::table_entry* const first = surefoot::arch::table_begin();
  const surefoot::arch::table_entry* const last = surefoot::arch::table_end();
  const int entries = static_cast<int>(last - first);
  EXPECT(first != nullptr && entries > 10);
  int instructions = 0;
  bool sorted = true;
  for (const auto* e = first; e != last; ++e) {
    EXPECT(here.has(e->instruction_address()));
    EXPECT(here.has(e->landing_pad_address()));
    // It goes on behind its access, a few bytes or a few instructions of the same access; or at a label, which may be
    // with the cold code of its function.
    EXPECT((e->flags & surefoot::arch::entry_traps_to_memory) != 0 ||
           goes_on_at(e->landing_pad_address()) - e->instruction_address() < 4096);
    EXPECT(e->width >= 1 && e->width <= 64);
    sorted = sorted && (e == first || e[-1].instruction_address() <= e->instruction_address());
    const surefoot::arch::table_entry* const found =
        surefoot::signals::find_access(e->instruction_address());
    EXPECT(found != nullptr && says_the_same(*found, *e));
    if (found == e) ++instructions;
  }
  EXPECT(surefoot::signals::find_access(0) == nullptr);
  EXPECT(sorted || !has_to_be_sorted);
  EXPECT((surefoot::signals::order_of_table() == surefoot::signals::sorted) == sorted);
  printf("%s: %d entries of %d instructions, %s\n", image, entries, instructions,
         sorted ? "sorted" : "not sorted");
  EXPECT(instructions == entries || !has_to_be_sorted);
#ifdef SUREFOOT_TEST_MARK
  const int marks = look_for_marks(here);
  printf("%s: %d marks\n", image, marks);
  EXPECT(marks == instructions);
#endif
}

}  // namespace
