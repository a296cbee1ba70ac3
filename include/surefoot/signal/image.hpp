// How linked images (the executable, each shared object) and versions of this library know of each
// other.
//
// Each image, and each version in it, has a handler, an exception table and a record. Whoever finds
// another's handler as the owner of a signal reads the header behind that handler's entry
// (arch/*/entry.hpp) and joins its record to the same list. Then all tables are asked before any
// guard: otherwise a guard of one image would steal the table fault of another.
//
// Chosen over a STB_GNU_UNIQUE symbol because that needs an executable which exports it, g++, and a
// common scope; a handler's address is there with clang, -static and RTLD_LOCAL too. Its limit: two
// images that never saw each other's handler, because a foreign one always stood between them, do
// not know each other until one of them calls install() while the other is the owner.
//
// FROZEN: `image_record`, `guard` and `owners` (chain.hpp) are read by other versions, and `join` writes
// into theirs. Another layout, or another way to join, needs another magic.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace signals {

// What an image's table says to a signal.
enum table_answer : int {
  not_my_access = 0,  // the program counter is none of this image's accesses
  landed = 1,         // it is, and the interrupted code goes on at its landing pad
  not_my_signal = 2   // it is, but this signal does not tell of that access
};

struct owners;

struct image_record {
  image_record* next;  // towards the end of the list; null at the end
  image_record* root;  // the list's first record, perhaps through others; there itself
  int (*ask_table)(int signal, siginfo_t* info, void* ucontext);  // a table_answer
  owners* of_segv;                                                // whom it displaced
  owners* of_bus;
  std::uint64_t latest;         // the last moment that it gave to an owner or to a registration
  const unsigned char* in_use;  // 1 from install() to uninstall()
  // Where a thread keeps its innermost guard, from the thread pointer; with slot_is_open: not
  // decided yet, and no guard there.
  std::intptr_t guard_slot;
};
inline constexpr std::intptr_t slot_is_open = 1;

// A place to jump to. Guards of one thread form a chain, innermost first.
struct guard {
  guard* outer;
  std::uintptr_t frame;  // of the guarding function: what it guards has its stack below
  std::uintptr_t
      first[2];  // up to two ranges, each from its first to its last byte; none: first > last
  std::uintptr_t last[2];
  std::uint32_t flags;
  // Does not return. `self` is this guard; its type is another one in each version.
  void (*leave)(void* self, int signal, siginfo_t* info, void* ucontext);
};
inline constexpr std::uint32_t guards_everything = 1;  // no ranges: any fault
inline constexpr std::uint32_t guards_unplaced = 2;  // also a fault without address, ranges or not

inline constinit image_record this_image{};
// What gives the addresses of this image's own entries, where nothing else would tell them (arch/generic/entry.hpp).
using address_of_number = std::uintptr_t (*)(unsigned number) noexcept;
inline constinit address_of_number these_entries = nullptr;
[[gnu::tls_model("initial-exec")]] inline constinit thread_local guard* innermost_guard = nullptr;

inline guard** guard_slot(const image_record& r) noexcept {
  const std::intptr_t distance = __atomic_load_n(&r.guard_slot, __ATOMIC_RELAXED) & ~slot_is_open;
  return reinterpret_cast<guard**>(arch::thread_pointer() + static_cast<std::uintptr_t>(distance));
}

inline image_record* next_of(const image_record* r) noexcept {
  return __atomic_load_n(&r->next, __ATOMIC_ACQUIRE);
}

// Makes `list`, from that record on, the end of the one that `to` is in; nothing, where it is there
// already. Two threads may do it at once. No circle can arise: what follows `list` has no other way
// in, so a walk that came to it has met `list` before.
inline void append(image_record* to, image_record* list) noexcept {
  while (to != list) {
    image_record* next = nullptr;
    if (__atomic_compare_exchange_n(&to->next, &next, list, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
      return;
    to = next;
  }
}

// The first record of the list that r is in. Two lists become one in two steps: the root of one
// gets another root, then it is appended there. Whoever comes between them does the second step
// himself, so that no list leaves out a record.
inline image_record* list_with(image_record* r) noexcept {
  for (;;) {
    image_record* const up = __atomic_load_n(&r->root, __ATOMIC_ACQUIRE);
    if (up == r) return r;
    append(up, r);
    r = up;
  }
}

// Is this the only record of its list?
inline bool is_alone(const image_record& r) noexcept {
  return __atomic_load_n(&r.root, __ATOMIC_ACQUIRE) == &r && next_of(&r) == nullptr;
}

// Makes one list of two. The root with the higher address stops being one.
inline void join(image_record* a, image_record* b) noexcept {
  for (;;) {
    a = list_with(a);
    b = list_with(b);
    if (a == b) return;
    image_record* const low =
        reinterpret_cast<std::uintptr_t>(a) < reinterpret_cast<std::uintptr_t>(b) ? a : b;
    image_record* high = low == a ? b : a;
    image_record* const list = high;
    if (__atomic_compare_exchange_n(&list->root, &high, low, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
      return append(low, list);
  }
}

// One of an image's entries; `image` is null where it is somebody else's, or that image is not ready for use.
struct entry_point {
  image_record* image;
  unsigned number;
};

// What a handler's address is. Reads only what is on the same page as the handler, and so is there.
inline entry_point entry_point_at(std::uintptr_t handler) noexcept {
  constexpr entry_point none{nullptr, 0};
  if (handler <= 1) return none;  // SIG_DFL, SIG_IGN
  if constexpr (!arch::has_header) {
    if (const address_of_number entry = __atomic_load_n(&these_entries, __ATOMIC_RELAXED))
      for (unsigned i = 0; i < arch::entries_here; ++i)
        if (entry(i) == handler) return {&this_image, i};
    return none;
  }
  const auto at_distance = [](const char* from) noexcept {
    std::int32_t distance = 0;
    __builtin_memcpy(&distance, from, sizeof distance);
    return reinterpret_cast<std::uintptr_t>(from) +
           static_cast<std::uintptr_t>(std::intptr_t{distance});
  };
  const std::uintptr_t page_end = handler + detail::to_next(handler, arch::page_size());
  const std::uintptr_t end = detail::smaller(handler + arch::header_reach, page_end);
  for (std::uintptr_t at = (handler + 15) & ~std::uintptr_t{15}; at + arch::header_size <= end;
       at += 16) {
    const auto* const header = reinterpret_cast<const char*>(at);
    if (__builtin_memcmp(header, arch::header_magic, 16) != 0) continue;
    if (at_distance(header + 16) != handler) continue;
    auto* const record = reinterpret_cast<image_record*>(at_distance(header + 20));
    if (__atomic_load_n(&record->root, __ATOMIC_ACQUIRE) == nullptr) return none;
    std::uint32_t number = 0;
    __builtin_memcpy(&number, header + 24, sizeof number);
    return {record, number % arch::entries};
  }
  return none;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
