// Single accesses without assembly: loads and stores of 1, 2, 4, 8 and 16 bytes, and the write probe.
//
// `access<false>` is for a guard: its accesses are plain ones that may fault; they return false. At a
// multiple of its size an access of up to 8 bytes is one instruction; wider ones are words, and those
// elsewhere are bytes, which ascend: a store that crosses into a bad page has stored a part.
//
// `access<true>` is for code without a guard, our signal handler: the kernel says whether the bytes can
// be read, then they are loaded. Who takes the page away in between gets a fault there.
//
// Each access is in a function of its own: a sanitizer must not look at it, and would where it is
// inlined. The empty `asm` takes from the compiler what it knows of a pointer: of an access to null it
// would make a trap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/arch/block.hpp>
#include <surefoot/arch/trap.hpp>
#include <surefoot/os/linux.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace arch {

// Bytes of the narrowest read-modify-write: what is to change a byte changes the word around it, and a
// fault is reported at the word's address.
inline constexpr std::size_t narrowest_atomic = 4;

// Has this processor memory tags?
constexpr bool tags_are_here() noexcept { return false; }

#define SUREFOOT_GENERIC_UNSEEN \
  __attribute__((noinline, no_sanitize("address", "hwaddress", "thread", "undefined")))

template <class T>
struct [[gnu::may_alias]] at_its_multiple {
  T value;
};
// As words, whatever the compiler would make of them.
template <std::size_t Count>
struct words {
  std::uint64_t word[Count];
};

// One access after the other, ascending. W is the unit.
template <class W, class T>
SUREFOOT_GENERIC_UNSEEN void plain_load_as(const volatile void* p, T& v) noexcept {
  asm("" : "+r"(p));
  W unit[sizeof(T) / sizeof(W)];
  for (std::size_t i = 0; i < sizeof(T) / sizeof(W); ++i)
    unit[i] = static_cast<const volatile at_its_multiple<W>*>(p)[i].value;
  __builtin_memcpy(&v, unit, sizeof v);
}
template <class W, class T>
SUREFOOT_GENERIC_UNSEEN void plain_store_as(volatile void* p, const T& v) noexcept {
  asm("" : "+r"(p));
  W unit[sizeof(T) / sizeof(W)];
  __builtin_memcpy(unit, &v, sizeof v);
  for (std::size_t i = 0; i < sizeof(T) / sizeof(W); ++i)
    static_cast<volatile at_its_multiple<W>*>(p)[i].value = unit[i];
}

// The widest unit for a T, and whether it may be used at p.
template <class T>
struct unit_of {
  using type = T;
};
template <>
struct unit_of<vector16> {
  using type = std::uint64_t;
};
template <std::size_t Count>
struct unit_of<words<Count>> {
  using type = std::uint64_t;
};
template <class T>
inline bool suits(const volatile void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p) % sizeof(typename unit_of<T>::type) == 0;
}

template <class T>
inline void plain_load(const volatile void* p, T& v) noexcept {
  suits<T>(p) ? plain_load_as<typename unit_of<T>::type>(p, v) : plain_load_as<std::uint8_t>(p, v);
}
template <class T>
inline void plain_store(volatile void* p, const T& v) noexcept {
  suits<T>(p) ? plain_store_as<typename unit_of<T>::type>(p, v)
              : plain_store_as<std::uint8_t>(p, v);
}

// The write probe: an atomic read-modify-write of the word around the byte, in the same granule, that
// stores what is there. Of a zero that it knew a compiler would make a load.
SUREFOOT_GENERIC_UNSEEN inline void plain_probe(const volatile void* p) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  auto* word =
      reinterpret_cast<volatile at_its_multiple<std::uint32_t>*>(at - at % narrowest_atomic);
  std::uint32_t zero = 0;
  asm("" : "+r"(word), "+r"(zero));
  (void)__atomic_fetch_or(&word->value, zero, __ATOMIC_SEQ_CST);
}

template <bool Tabled>
struct access;

template <>
struct access<false> {
  template <class T>
  static bool load(const volatile void* p, T& v, trap&) noexcept {
    plain_load(p, v);
    return false;
  }
  template <class T>
  static bool store(volatile void* p, T v, trap&) noexcept {
    plain_store(p, v);
    return false;
  }
  static bool probe_read(const volatile void* p, trap&) noexcept {
    std::uint8_t ignored;
    plain_load(p, ignored);
    return false;
  }
  static bool probe_write(const volatile void* p, trap&) noexcept {
    plain_probe(p);
    return false;
  }
  // The tag of the memory at p, in p; there is none here.
  static bool load_tag(const volatile void* p, std::uintptr_t& seen, trap&) noexcept {
    seen = reinterpret_cast<std::uintptr_t>(p);
    return false;
  }
};

// What the signal handler asks, and nothing else. `t` is not set: nobody looks at it.
template <>
struct access<true> {
  template <class T>
  static bool load(const void* p, T& v, trap&) noexcept {
    if (!os::can_be_read(p) || !os::can_be_read(static_cast<const char*>(p) + (sizeof(T) - 1)))
      return true;
    plain_load(p, v);
    return false;
  }
};

}  // namespace arch
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
