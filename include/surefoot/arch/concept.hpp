// What a machine's folder must offer, checked where it is picked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/trap.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// probe.hpp: `access`, single accesses that say whether they faulted, also of 16 bytes (Vector), and
// the look at a memory tag.
template <class A, class Vector>
concept accesses = requires(const volatile void* from, volatile void* to, trap& t, std::uint8_t& b1,
                            std::uint16_t& b2, std::uint32_t& b4, std::uint64_t& b8, Vector& b16,
                            std::uintptr_t& seen) {
  requires noexcept(bool{A::load(from, b1, t)})&& noexcept(bool{A::load(from, b2, t)});
  requires noexcept(bool{A::load(from, b4, t)})&& noexcept(bool{A::load(from, b8, t)});
  requires noexcept(bool{A::load(from, b16, t)});
  requires noexcept(bool{A::store(to, b1, t)})&& noexcept(bool{A::store(to, b2, t)});
  requires noexcept(bool{A::store(to, b4, t)})&& noexcept(bool{A::store(to, b8, t)});
  requires noexcept(bool{A::store(to, b16, t)});
  requires noexcept(bool{A::probe_read(from, t)})&& noexcept(bool{A::probe_write(from, t)});
  requires noexcept(bool{A::load_tag(from, seen, t)});
};

// atomic.hpp: `atomic_access`, read-modify-writes, and whether the machine has those of 16 bytes
// (Pair).
template <class A, class Word>
concept atomics_of = requires(volatile void* p, trap& t, Word& v, Word w, bool& swapped) {
  requires noexcept(bool{A::exchange(p, v, t)})&& noexcept(bool{A::fetch_add(p, v, t)});
  requires noexcept(bool{A::compare_exchange(p, v, w, swapped, t)});
};
template <class A, class Pair>
concept atomics = atomics_of<A, std::uint8_t> && atomics_of<A, std::uint16_t> &&
    atomics_of<A, std::uint32_t> && atomics_of<A, std::uint64_t> &&
    requires(volatile void* p, trap& t, Pair& v, Pair w, bool& swapped) {
  requires noexcept(bool{A::compare_exchange(p, v, w, swapped, t)});
};

// copy.hpp: `block` and `block_access`, the inner step of a copy: loads first, then stores that
// ascend.
template <class A, class Block>
concept copies_blocks = requires(const volatile void* from, volatile void* to, trap& t, Block& b) {
  requires noexcept(bool{A::load(from, b, t)})&& noexcept(bool{A::store(to, b, t)});
  requires Block::size % Block::width == 0;
};

// copy.hpp, where `has_steps`: `vectors`, copies and fills by steps of a width that is chosen at run time
// (engine/steps.hpp).
template <class V, std::size_t Width>
concept steps_of = requires(volatile void* to, const volatile void* from, std::uint64_t bytes,
                            std::size_t n, trap& t) {
  requires noexcept(bool{V::template steps<Width>::ends(to, from, n, t)});
  requires noexcept(bool{V::template steps<Width>::ends(to, bytes, n, t)});
};
template <class V, std::size_t Width>
concept wide_steps_of = steps_of<V, Width> &&
    requires(volatile void* to, const volatile void* from, std::uint64_t bytes, std::size_t n,
             trap& t) {
  requires noexcept(bool{V::template steps<Width>::two_at_ends(to, from, n, t)});
  requires noexcept(bool{V::template steps<Width>::four_at_ends(to, from, n, t)});
  requires noexcept(bool{V::template steps<Width>::row(to, from, t)});
  requires noexcept(bool{V::template steps<Width>::look(from, t)});
  requires noexcept(bool{V::template steps<Width>::two_at_ends(to, bytes, n, t)});
  requires noexcept(bool{V::template steps<Width>::four_at_ends(to, bytes, n, t)});
  requires noexcept(bool{V::template steps<Width>::row(to, bytes, t)});
  V::template leave<Width>();
};
template <class V>
concept copies_in_steps = steps_of<V, 2> && steps_of<V, 4> && steps_of<V, 8> &&
    wide_steps_of<V, 16> && wide_steps_of<V, 32> && wide_steps_of<V, 64> &&
    requires(volatile void* to, const volatile void* from, std::uint64_t bytes, std::size_t n,
             trap& t) {
  requires noexcept(bool{V::template steps<1>::one(to, from, t)});
  requires noexcept(bool{V::template steps<1>::one(to, bytes, t)});
  requires noexcept(bool{V::fill_by_string(to, bytes, n, t)});
  requires noexcept(bool{V::has_fast_strings()})&& noexcept(std::uint8_t{V::known_width()});
  V::ask_width();
};

// search.hpp, where `has_searches`: `searches`, which look for bytes by steps of a width that is chosen at run time
// (engine/search.hpp).
template <class S, std::size_t Width>
concept searches_two = requires(const volatile void* p, std::size_t n, std::uint64_t bytes,
                                typename S::template steps<Width>::bits& bits, trap& t) {
  requires noexcept(bool{S::template steps<Width>::two(p, n, bytes, bits, bits, t)});
  requires noexcept(bool{S::template steps<Width>::two(p, n, p, bits, bits, t)});
  S::template leave<Width>();
};
template <class S, std::size_t Width>
concept searches_rows = requires(const volatile void*& p, const volatile void* end,
                                 std::uint64_t bytes, std::uint64_t& bits, trap& t) {
  requires noexcept(bool{S::template steps<Width>::rows(p, end, bytes, bytes, bits, t)});
  requires noexcept(bool{S::template steps<Width>::rows(p, end, bytes, end, bits, t)});
};
template <class S>
concept searches_part = requires(const volatile void*& p, std::size_t& n, std::uint64_t bytes,
                                 std::uint64_t& bits, trap& t) {
  requires noexcept(bool{S::template steps<64>::rows(p, p, bytes, bytes, bits, bits, t)});
  requires noexcept(bool{S::template steps<64>::rows(p, p, bytes, p, bits, bits, t)});
  requires noexcept(bool{S::template steps<64>::part(p, n, bytes, n, t)});
  requires noexcept(bool{S::template steps<64>::part(p, n, p, n, t)});
};
template <class S, std::size_t Width>
concept search_words_of = requires(const volatile void* p, std::size_t n, std::uint64_t& w,
                                   trap& t) {
  requires noexcept(bool{S::template words<Width>::load_ends(p, n, w, w, t)});
  requires noexcept(bool{S::template words<Width>::load_ends_of_both(p, p, n, w, w, w, w, t)});
};
template <class S>
concept searches_in_steps =
    search_words_of<S, 1> && search_words_of<S, 2> && search_words_of<S, 4> &&
    search_words_of<S, 8> && searches_two<S, 16> && searches_rows<S, 16> && searches_two<S, 32> &&
    searches_rows<S, 32> && searches_two<S, 64> && searches_part<S> && requires {
  requires noexcept(std::uint8_t{S::known_width()});
  requires S::two_rows >
  0 && noexcept(bool{S::has_two_rows_from(1)});
  requires noexcept(std::size_t{S::first_of(std::uint64_t{1})});
  S::ask_width();
};

// clock.hpp: `has_clock`, and `ticks()`, what a clock says that is read without a system call: 0 where that
// may not be known.

// context.hpp: `context`, the interrupted state.
template <class C, class Entry>
concept interrupted_state = requires(C c, const C k, void* ucontext, const Entry& e,
                                     const trap& t) {
  C(ucontext);
  std::uintptr_t{k.program_counter()};
  std::uintptr_t{k.stack_pointer()};
  std::uintptr_t{k.access_start(e)};
  c.land(e, t);
  bool{k.in_system_call()};
  bool{k.was_store()};
  std::uint64_t{k.signal_mask()};
  c.mark(std::uintptr_t{k.mark()});
  k.alternate_stack();
  bool{k.is_of_valgrind()};
  k.restore_control_state();
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
