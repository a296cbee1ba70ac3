// Whose fault is it? The rules by which a signal is taken for one of ours; anything else is
// forwarded.
//
//  - It reports an access of the interrupted instruction (classify.hpp: reports_access).
//  - table: the program counter is in the table of some image, and si_addr fits that access.
//  - guard: it is in no image's table, the thread stands in a guard, its stack pointer is below the
//    guard's frame, and the address lies in the guard's ranges. Poison counts outside system calls
//    only: Linux also sends BUS_MCEERR_AR from inside one (measured: madvise(MADV_HWPOISON)
//    delivers one at once).
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/select.hpp>
#include <surefoot/os/linux.hpp>
#include <surefoot/range.hpp>
#include <surefoot/signal/classify.hpp>
#include <surefoot/signal/image.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace signals {

// Did the linker leave the table sorted by instruction? GNU ld and lld do, gold does not. Asked
// once.
enum table_order : unsigned char { not_asked, sorted, unsorted };
inline constinit unsigned char this_table_order = not_asked;

inline unsigned char order_of_table() noexcept {
  unsigned char order = __atomic_load_n(&this_table_order, __ATOMIC_RELAXED);
  if (order != not_asked) return order;
  order = sorted;
  const arch::table_entry* e = arch::table_begin();
  for (const auto* const end = arch::table_end(); e != end && e + 1 != end; ++e)
    if (e[1].instruction_address() < e[0].instruction_address()) order = unsorted;
  __atomic_store_n(&this_table_order, order, __ATOMIC_RELAXED);
  return order;
}

// This image's entry for an instruction, or null. Binary search where the table is sorted, else
// linear (0.4 us at 1,000 entries, 3.7 us at 10,000).
inline const arch::table_entry* find_access(std::uintptr_t program_counter) noexcept {
  const arch::table_entry* first = arch::table_begin();
  const arch::table_entry* const last = arch::table_end();
  if (order_of_table() == sorted) {
    auto count = static_cast<std::size_t>(last - first);
    while (count > 0) {
      const std::size_t half = count / 2;
      if (first[half].instruction_address() < program_counter) {
        first += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return first != last && first->instruction_address() == program_counter ? first : nullptr;
  }
  for (; first != last; ++first)
    if (first->instruction_address() == program_counter) return first;
  return nullptr;
}

// Threads that have set this image's handler and do not know yet whom they displaced, perhaps
// another image (install.hpp): how many came there, and how many went on.
struct settling {
  std::uint32_t entered;
  std::uint32_t left;
  std::uint32_t given_up;  // what `entered` was when a wait took too long
  std::uint32_t waiting;

  bool is_over() const noexcept {
    const std::uint32_t all = __atomic_load_n(&entered, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&left, __ATOMIC_ACQUIRE) == all ||
           __atomic_load_n(&given_up, __ATOMIC_ACQUIRE) == all;
  }

  // Not for ever, but a second or so, once: fork() does not take such a thread along, and its child
  // would wait for nobody. (It never learns whom that thread displaced.)
  [[gnu::cold]] void wait() noexcept {
    __atomic_add_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
    const std::uint32_t all = __atomic_load_n(&entered, __ATOMIC_ACQUIRE);
    for (int i = 0; i < 10; ++i) {
      const std::uint32_t now = __atomic_load_n(&left, __ATOMIC_SEQ_CST);
      if (is_over()) break;
      os::wait_while(left, now);
    }
    if (!is_over()) __atomic_store_n(&given_up, all, __ATOMIC_RELEASE);
    __atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST);
  }

  void enter() noexcept { __atomic_add_fetch(&entered, 1, __ATOMIC_SEQ_CST); }
  void leave() noexcept {
    __atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&waiting, __ATOMIC_SEQ_CST) != 0) os::wake_all(left);
  }
};
inline constinit settling this_settling{};

// This image's answer to a signal (image_record::ask_table). "Not mine" comes once it is known who
// else might be asked.
inline int ask_table(int signal, siginfo_t* info, void* ucontext) noexcept {
  arch::context interrupted(ucontext);
  const arch::table_entry* e = find_access(interrupted.program_counter());
  if (e == nullptr) {
    if (!this_settling.is_over() && reports_access(signal, *info)) this_settling.wait();
    return not_my_access;
  }
  if (!reports_access(signal, *info)) return not_my_signal;

  std::uintptr_t bad = interrupted.access_start(*e);
  if (!lacks_address(signal, *info)) {
    const std::uintptr_t reported = arch::tagged_like(bad, first_byte(signal, *info));
    if (!detail::meet(reported, extent(signal, *info), bad, e->width)) return not_my_signal;
    bad = detail::larger(bad, reported);  // poison is reported by the page
  }
  const std::uint64_t packed = pack(signal, *info) |
                               ((e->flags & arch::entry_writes) != 0 ? trap_writes : 0) |
                               ((e->flags & arch::entry_is_second) != 0 ? trap_second : 0);
  interrupted.land(*e, {packed, bad});
  return landed;
}

// Would this guard take a fault at these bytes? Unplaced faults have no address.
inline bool covers(const guard& g, bool unplaced, std::uintptr_t at, std::size_t bytes) noexcept {
  if ((g.flags & guards_everything) != 0) return true;
  if (unplaced) return (g.flags & guards_unplaced) != 0;
  for (int i = 0; i < 2; ++i)
    if (g.first[i] <= g.last[i] && detail::meet(arch::tagged_like(g.first[i], at), bytes,
                                                g.first[i], g.last[i] - g.first[i] + 1))
      return true;
  return false;
}

struct guard_found {
  guard* it;
  bool is_alone;  // no other guard was looked at: none is inside of it
};
// The innermost guard of this thread, in whatever image, that takes this fault; null where none
// does. Images that joined before their first guard share one chain. Where two chains met later,
// the lower frame is the inner one.
inline guard_found find_guard(int signal, const siginfo_t& info,
                              const arch::context& interrupted) noexcept {
  const std::uintptr_t stack = interrupted.stack_pointer();
  const bool unplaced = lacks_address(signal, info);
  const std::uintptr_t at = first_byte(signal, info);
  const std::size_t bytes = extent(signal, info);
  guard* found = nullptr;
  std::size_t seen = 0;
  for (image_record* r = list_with(&this_image); r != nullptr; r = next_of(r))
    for (guard* g = *guard_slot(*r); g != nullptr; g = g->outer) {
      ++seen;
      if (stack < g->frame && covers(*g, unplaced, at, bytes)) {
        if (found == nullptr || g->frame < found->frame) found = g;
        break;
      }
    }
  return {found, seen == 1};
}

// Takes the guards inside `g` off every chain of this thread: a jump to `g` ends them. Those of
// another stack are not inside it.
[[gnu::cold, gnu::noinline]] inline void abandon_guards_inside(const guard& g,
                                                               std::uintptr_t stack) noexcept {
  for (image_record* r = list_with(&this_image); r != nullptr; r = next_of(r))
    for (guard** const slot = guard_slot(*r);
         *slot != nullptr && stack < (*slot)->frame && (*slot)->frame < g.frame;)
      *slot = (*slot)->outer;
}

// The answer of whichever other image knows this access. Where the list was put behind another one meanwhile,
// that one's images have not been asked.
[[gnu::cold, gnu::noinline]] inline int ask_other_tables(int signal, siginfo_t* info,
                                                         void* ucontext) noexcept {
  int answer = not_my_access;
  image_record *list = nullptr, *asked = nullptr;
  while (answer == not_my_access && (list = list_with(&this_image)) != asked) {
    for (image_record* r = list; r != nullptr && answer == not_my_access; r = next_of(r))
      if (r != &this_image) answer = r->ask_table(signal, info, ucontext);
    asked = list;
  }
  return answer;
}

// True where the signal was ours and the interrupted code may go on; does not return where a guard
// took it.
inline bool claim(int signal, siginfo_t* info, void* ucontext) noexcept {
  int answer = ask_table(signal, info, ucontext);
  if (answer == not_my_access && !is_alone(this_image))
    answer = ask_other_tables(signal, info, ucontext);
  if (answer != not_my_access) return answer == landed;
  if (!reports_access(signal, *info)) return false;
  const arch::context interrupted(ucontext);
  const guard_found found = find_guard(signal, *info, interrupted);
  guard* const g = found.it;
  if (g == nullptr) return false;
  if (is_poison(signal, info->si_code) && interrupted.in_system_call()) return false;
  if (!found.is_alone) abandon_guards_inside(*g, interrupted.stack_pointer());
  g->leave(g, signal, info, ucontext);
  return true;
}

}  // namespace signals
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
