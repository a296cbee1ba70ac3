// try_load, try_store and the atomics: as on good memory, or the first bad byte and nothing changed.
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <type_traits>

#include "target.hpp"

namespace fuzz {

namespace {

template <std::size_t N>
struct lump {
  unsigned char bytes[N];
};
struct pair {
  std::uint64_t low, high;
};

// Calls f(T{}) for the type that `which` stands for.
template <class F>
void with_integer(unsigned which, F f) {
  switch (which % 7) {
    case 0: return f(std::uint8_t{});
    case 1: return f(std::uint16_t{});
    case 2: return f(std::uint32_t{});
    case 3: return f(std::uint64_t{});
    case 4: return f(std::int32_t{});
    case 5: return f(std::int64_t{});
    default: return f(std::int8_t{});
  }
}
template <class F>
void with_value(unsigned which, F f) {
  switch (which % 12) {
    case 0: return f(pair{});
    case 1: return f(lump<3>{});
    case 2: return f(lump<24>{});
    case 3: return f(lump<100>{});
    case 4: return f(bool{});
    default: return with_integer(which, f);
  }
}

template <class T>
T value_from(const unsigned char* bytes) {
  if constexpr (std::is_same_v<T, bool>) {
    return bytes[0] != 0;
  } else {
    T v;
    std::memcpy(&v, bytes, sizeof v);
    return v;
  }
}
template <class T>
bool same(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

template <class T>
kit::reach place_of(const kit::fuzzed_call& c, bool aligned) {
  std::size_t at = std::min(c.begin(), kit::space_size - sizeof(T));
  if (aligned) at = at / sizeof(T) * sizeof(T);
  return {at, sizeof(T)};
}
template <class T>
T there(const kit::reach& r) {
  unsigned char bytes[sizeof(T)];
  space().model().read(r.offset, bytes, sizeof bytes);
  return value_from<T>(bytes);
}
// What a call is given.
template <class T>
T given(const kit::fuzzed_call& c) {
  unsigned char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[i] = static_cast<unsigned char>(c.value() + i * c.other_value());
  return value_from<T>(bytes);
}
template <class T>
void wrote(const kit::reach& r, const T& v) {
  space().wrote(r.offset, reinterpret_cast<const unsigned char*>(&v), sizeof v);
}

void load(kit::fuzzed_call& c) {
  with_value(c.extra(), [&]<class T>(T) {
    const kit::reach r = place_of<T>(c, false);
    const volatile void* const p = space().data() + r.offset;
    on_each_engine([&]<class E>(E e) {
      const fault bad = space().expected<E>(r, access_kind::read).stopped_by;
      const auto met = surefoot::try_load<T>(p, e);
      expect_same(met.stopped_by, bad, "load");
      if (met.ok()) expect(same(met.value(), there<T>(r)), "load: value");
    });
  });
}

void store(kit::fuzzed_call& c) {
  with_value(c.extra(), [&]<class T>(T) {
    const kit::reach r = place_of<T>(c, false);
    if (space().model().has_aliases(r)) return;
    auto* const p = reinterpret_cast<T*>(space().data() + r.offset);
    on_each_engine([&]<class E>(E e) {
      const auto should = space().expected<E>(r, access_kind::write);
      const T v = given<T>(c);
      const verdict met = surefoot::try_store(p, v, e);
      expect_same(met.stopped_by, should.stopped_by, "store");
      if (met)
        wrote(r, v);
      else
        space().probed_for_write({r.offset, should.done});
      expect_content(around(r));
    });
  });
}

// fetch(p, v, engine) -> result<T>, and what is there afterwards: then(was, v). Some load first: poison answers
// them also where the page may not be written.
template <bool LoadsFirst = false, class Fetch, class Then>
void fetch(const kit::fuzzed_call& c, const char* what, Fetch fetch, Then then) {
  with_integer(c.extra(), [&]<class T>(T) {
    const kit::reach r = place_of<T>(c, c.extra() % 8 != 7);
    auto* const p = reinterpret_cast<T*>(space().data() + r.offset);
    on_signal_engines([&]<class E>(E e) {
      const fault misaligned{.address = p, .kind = cause::misaligned, .during = access_kind::write};
      fault bad = space().expected<E>(r, access_kind::write).stopped_by;
      const fault load = space().expected<E>(r, access_kind::read).stopped_by;
      if (LoadsFirst && load.kind == cause::poisoned) {
        bad = load;
        bad.during = access_kind::write;
      }
      if (r.offset % sizeof(T) != 0) bad = misaligned;
      const T v = given<T>(c);
      const auto met = fetch(p, v, e);
      expect_same(met.stopped_by, bad, what);
      if (met.ok()) {
        const T was = there<T>(r);
        expect(met.value() == was, what);
        wrote(r, static_cast<T>(then(was, v)));
      }
      expect_content(around(r));
    });
  });
}

// Asked of the processor itself: CMPXCHG16B.
bool has_pair_instruction() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, has = 0, d = 0;
  return ::__get_cpuid(1, &a, &b, &has, &d) != 0 && (has & 1u << 13) != 0;
#else
  return true;
#endif
}

void exchange_pair(const kit::fuzzed_call& c) {
  const kit::reach r = place_of<pair>(c, c.extra() % 4 != 3);
  auto* const p = reinterpret_cast<pair*>(space().data() + r.offset);
  on_signal_engines([&]<class E>(E e) {
    const fault bad = space().expected<E>(r, access_kind::write).stopped_by;
    const pair v = given<pair>(c);
    const auto met = surefoot::try_exchange(p, v, e);
    if (r.offset % sizeof(pair) != 0)
      return expect(met.stopped_by.kind == cause::misaligned, "exchange of a pair: misaligned");
    if (!has_pair_instruction())
      return expect(met.stopped_by.kind == cause::unknown,
                    "exchange of a pair: without an instruction");
    expect_same(met.stopped_by, bad, "exchange of a pair");
    if (met.ok()) {
      expect(same(met.value(), there<pair>(r)), "exchange of a pair: value");
      wrote(r, v);
    }
    expect_content(around(r));
  });
}

void exchange(kit::fuzzed_call& c) {
  if (c.extra() % 8 >= 6) return exchange_pair(c);
  fetch(
      c, "exchange", [](auto* p, auto v, auto e) { return surefoot::try_exchange(p, v, e); },
      [](auto, auto v) { return v; });
}

void compare_exchange(kit::fuzzed_call& c) {
  const bool guessed = c.part().length % 2 == 0;
  const auto swap = [&]<class T>(T) {
    const kit::reach r = place_of<T>(c, c.extra() % 8 != 7);
    auto* const p = reinterpret_cast<T*>(space().data() + r.offset);
    on_signal_engines([&]<class E>(E e) {
      const fault bad = space().expected<E>(r, access_kind::write).stopped_by;
      const T was = there<T>(r), v = given<T>(c);
      T expected = was;
      if (!guessed) reinterpret_cast<unsigned char*>(&expected)[sizeof(T) - 1] ^= 1;
      const auto met = surefoot::try_compare_exchange(p, expected, v, e);
      if (r.offset % sizeof(T) != 0)
        return expect(met.stopped_by.kind == cause::misaligned, "compare_exchange: misaligned");
      if (sizeof(T) == 16 && !has_pair_instruction())
        return expect(met.stopped_by.kind == cause::unknown,
                      "compare_exchange: without an instruction");
      expect_same(met.stopped_by, bad, "compare_exchange");
      if (met.ok()) {
        expect(met.value().swapped == guessed, "compare_exchange: swapped");
        expect(same(met.value().was, was), "compare_exchange: value");
        space().probed_for_write(r);  // the processor stores what was there where it does not swap
        if (guessed) wrote(r, v);
      }
      expect_content(around(r));
    });
  };
  if (c.extra() % 8 == 6) return swap(pair{});
  with_integer(c.extra(), swap);
}

void load_from_wild(kit::fuzzed_call& c) {
  const unsigned char* const p = wild(c.extra());
  with_value(c.value(), [&]<class T>(T) {
    on_each_engine([&](auto e) {
      const auto met = surefoot::try_load<T>(static_cast<const volatile void*>(p), e);
      expect(!met.ok() && is_wild(met.stopped_by.kind), "load from a wild address");
      expect(met.stopped_by.address == p, "load from a wild address: where");
    });
  });
}

void store_to_wild(kit::fuzzed_call& c) {
  unsigned char* const p = wild(c.extra());
  with_value(c.value(), [&]<class T>(T) {
    on_each_engine([&](auto e) {
      const verdict met = surefoot::try_store(reinterpret_cast<T*>(p), given<T>(c), e);
      expect(!met && is_wild(met.stopped_by.kind), "store to a wild address");
      expect(met.stopped_by.address == p, "store to a wild address: where");
    });
  });
  with_integer(c.value(), [&]<class T>(T) {
    on_signal_engines([&](auto e) {
      const auto met = surefoot::try_fetch_or(reinterpret_cast<T*>(p), given<T>(c), e);
      expect(
          !met.ok() && (is_wild(met.stopped_by.kind) || met.stopped_by.kind == cause::misaligned),
          "fetch_or of a wild address");
    });
  });
}

void not_ready(kit::fuzzed_call& c) {
  with_value(c.extra(), [&]<class T>(T) {
    const kit::reach r = place_of<T>(c, true);
    auto* const p = reinterpret_cast<T*>(space().data() + r.offset);
    on_each_engine([&]<class E>(E) {
      const unready<E> e;
      expect_unready(surefoot::try_load<T>(static_cast<const volatile void*>(p), e).stopped_by, p,
                     access_kind::read);
      expect_unready(surefoot::try_store(p, given<T>(c), e).stopped_by, p, access_kind::write);
    });
  });
  with_integer(c.extra(), [&]<class T>(T) {
    auto* const p = reinterpret_cast<T*>(space().data() + place_of<T>(c, true).offset);
    on_signal_engines([&]<class E>(E) {
      expect_unready(surefoot::try_fetch_add(p, given<T>(c), unready<E>{}).stopped_by, p,
                     access_kind::write);
    });
  });
  expect_content();
}

void fetch_add(kit::fuzzed_call& c) {
  fetch(
      c, "fetch_add", [](auto* p, auto v, auto e) { return surefoot::try_fetch_add(p, v, e); },
      []<class T>(T was, T v) {
        using U = std::make_unsigned_t<T>;
        return static_cast<T>(static_cast<U>(static_cast<U>(was) + static_cast<U>(v)));
      });
}
void fetch_and(kit::fuzzed_call& c) {
  fetch<true>(
      c, "fetch_and", [](auto* p, auto v, auto e) { return surefoot::try_fetch_and(p, v, e); },
      [](auto was, auto v) { return was & v; });
}
void fetch_or(kit::fuzzed_call& c) {
  fetch<true>(
      c, "fetch_or", [](auto* p, auto v, auto e) { return surefoot::try_fetch_or(p, v, e); },
      [](auto was, auto v) { return was | v; });
}
void fetch_xor(kit::fuzzed_call& c) {
  fetch<true>(
      c, "fetch_xor", [](auto* p, auto v, auto e) { return surefoot::try_fetch_xor(p, v, e); },
      [](auto was, auto v) { return was ^ v; });
}

constexpr call table[] = {
    {"load", load},
    {"store", store},
    {"exchange", exchange},
    {"fetch_add", fetch_add},
    {"fetch_and", fetch_and},
    {"fetch_or", fetch_or},
    {"fetch_xor", fetch_xor},
    {"compare_exchange", compare_exchange},
    {"load from a wild address", load_from_wild},
    {"store to a wild address", store_to_wild},
    {"with an engine that is not ready", not_ready},
    ask_kernel,
};

}  // namespace

const char* const target_name = "try_value";
const std::span<const call> calls = table;

void begin(const kit::fuzzed&) {}
void end() {}

}  // namespace fuzz
