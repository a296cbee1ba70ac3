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
// FROZEN: `image_record` and `guard` are read by other versions. Another layout needs another
// magic.
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

struct image_record {
  image_record* next;  // towards the end of the list; null at the end
  image_record*
      root;  // the list's first record, perhaps through others; itself where it is the first
  int (*ask_table)(int signal, siginfo_t* info, void* ucontext);  // a table_answer
  int (*forward)(int signal, siginfo_t* info, void* ucontext);  // 1 where an owner took it, else 0
  std::intptr_t guard_slot;  // where a thread keeps its innermost guard, from the thread pointer
};

// A place to jump to. Guards of one thread form a chain, innermost first.
struct guard {
  guard* outer;
  std::uintptr_t frame;  // of the guarding function: what it guards has its stack below
  std::uintptr_t
      first[2];  // up to two ranges, each from its first to its last byte; none: first > last
  std::uintptr_t last[2];
  std::uint32_t flags;
  void (*leave)(guard* self, int signal, siginfo_t* info, void* ucontext);  // does not return
};
inline constexpr std::uint32_t guards_everything = 1;  // no ranges: any fault
inline constexpr std::uint32_t guards_unplaced = 2;  // also a fault without address, ranges or not

inline constinit image_record this_image{};
[[gnu::tls_model("initial-exec")]] inline constinit thread_local guard* innermost_guard = nullptr;

inline guard** guard_slot(const image_record& r) noexcept {
  return reinterpret_cast<guard**>(arch::thread_pointer() +
                                   static_cast<std::uintptr_t>(r.guard_slot));
}

inline image_record* root_of(image_record* r) noexcept {
  for (;;) {
    image_record* up = __atomic_load_n(&r->root, __ATOMIC_ACQUIRE);
    if (up == r) return r;
    r = up;
  }
}
inline image_record* next_of(const image_record* r) noexcept {
  return __atomic_load_n(&r->next, __ATOMIC_ACQUIRE);
}

// Makes one list of two. The root with the higher address stops being one, which only one thread
// can bring about, and that thread appends its list: so each record is appended once, and no circle
// can arise.
inline void join(image_record* a, image_record* b) noexcept {
  for (;;) {
    a = root_of(a);
    b = root_of(b);
    if (a == b) return;
    image_record* const low =
        reinterpret_cast<std::uintptr_t>(a) < reinterpret_cast<std::uintptr_t>(b) ? a : b;
    image_record* const high = low == a ? b : a;
    image_record* expected = high;
    if (!__atomic_compare_exchange_n(&high->root, &expected, low, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      continue;
    image_record* end = low;
    for (image_record* none = nullptr; !__atomic_compare_exchange_n(
             &end->next, &none, high, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
         none = nullptr)
      end = none;
    return;
  }
}

// The record behind a handler's address, or null where there is none of ours. Needs a handler of
// ours in place: the bytes behind a foreign handler may not be readable.
inline image_record* record_behind(std::uintptr_t handler) noexcept {
  using access = arch::access<true>;
  if (handler <= 1) return nullptr;  // SIG_DFL, SIG_IGN
  std::uint64_t magic[2];
  __builtin_memcpy(magic, arch::header_magic, sizeof magic);
  const std::uintptr_t end = handler + arch::header_reach;
  for (std::uintptr_t at = (handler + 15) & ~std::uintptr_t{15}; at + 20 <= end; at += 16) {
    std::uint64_t word = 0;
    std::uint32_t distance = 0;
    arch::trap ignored;
    if (access::load(reinterpret_cast<const void*>(at), word, ignored)) return nullptr;
    if (word != magic[0]) continue;
    if (access::load(reinterpret_cast<const void*>(at + 8), word, ignored)) return nullptr;
    if (word != magic[1]) continue;
    if (access::load(reinterpret_cast<const void*>(at + 16), distance, ignored)) return nullptr;
    const auto signed_distance = static_cast<std::intptr_t>(static_cast<std::int32_t>(distance));
    return reinterpret_cast<image_record*>(at + 16 + static_cast<std::uintptr_t>(signed_distance));
  }
  return nullptr;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
