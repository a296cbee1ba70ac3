// Atomic read-modify-writes through the compiler, of 1, 2, 4 and 8 bytes: sequentially consistent. A
// fault jumps out of them; then nothing was stored. Those of 1 and 2 bytes compare and exchange the word
// around them, which a compiler would leave to libatomic. There are none of 16 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/generic/probe.hpp>
#include <surefoot/arch/trap.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

struct pair16 {
  std::uint64_t low;
  std::uint64_t high;
};
constexpr bool has_pair_atomics() noexcept { return false; }

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

// Changes the word at p (at a multiple of its size, at least 4) by `next`, which makes the new one of
// the old, or says that there is to be none. `was` is the old one.
template <class W, class Next>
SUREFOOT_GENERIC_UNSEEN void change_word(volatile void* p, W& was, Next next) noexcept {
  asm("" : "+r"(p));
  volatile W& word = static_cast<volatile at_its_multiple<W>*>(p)->value;
  W old = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
  W to;
  do {
    if (!next(old, to)) {
      // Also where nothing is to be stored, memory that cannot be stored to refuses.
      plain_probe(p);
      break;
    }
  } while (
      !__atomic_compare_exchange_n(&word, &old, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  was = old;
}

template <bool Tabled>
struct atomic_access {
  template <class T>
  static bool exchange(volatile void* p, T& v, trap&) noexcept {
    const T to = v;
    change(p, v, [to](T, T& next) noexcept {
      next = to;
      return true;
    });
    return false;
  }
  template <class T>
  static bool fetch_add(volatile void* p, T& v, trap&) noexcept {
    const T more = v;
    change(p, v, [more](T old, T& next) noexcept {
      next = static_cast<T>(old + more);
      return true;
    });
    return false;
  }
  template <class T>
  static bool compare_exchange(volatile void* p, T& was, T to, bool& swapped, trap&) noexcept {
    const T expected = was;
    change(p, was, [expected, to](T old, T& next) noexcept {
      next = to;
      return old == expected;
    });
    swapped = was == expected;
    return false;
  }
  // Never called: has_pair_atomics() is false.
  static bool compare_exchange(volatile void*, pair16&, pair16, bool& swapped, trap&) noexcept {
    swapped = false;
    return true;
  }

 private:
  template <class T, class Next>
  static void change(volatile void* p, T& was, Next next) noexcept {
    if constexpr (sizeof(T) >= 4) {
      change_word(p, was, next);
    } else {
      const std::size_t place = reinterpret_cast<std::uintptr_t>(p) % narrowest_atomic;
      const auto shift = static_cast<unsigned>(8 * place);
      const std::uint32_t mask = std::uint32_t{static_cast<T>(-1)} << shift;
      std::uint32_t word;
      change_word(static_cast<volatile char*>(p) - place, word,
                  [=](std::uint32_t old, std::uint32_t& to) noexcept {
                    T part{};
                    if (!next(static_cast<T>(old >> shift), part)) return false;
                    to = (old & ~mask) | std::uint32_t{part} << shift;
                    return true;
                  });
      was = static_cast<T>(word >> shift);
    }
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
