// try_exchange, try_compare_exchange, try_fetch_*: as the plain ones on good memory, nothing at all
// on bad.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <type_traits>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::exchanged;
using surefoot::fault;

struct alignas(16) pair {
  std::uint64_t first, second;
  friend bool operator==(const pair&, const pair&) = default;
};

template <class T>
T value(std::uint64_t seed) {
  if constexpr (std::is_same_v<T, pair>)
    return {seed, ~seed};
  else
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(seed * 0x9e3779b97f4a7c15u));
}

template <class E, class T>
void exchanges() {
  const memory::pages land{kind::good};
  auto* const p = reinterpret_cast<T*>(land.data() + 64);
  *p = value<T>(1);
  const auto met = surefoot::try_exchange(p, value<T>(2), E{});
  REQUIRE(met.ok());
  CHECK(met.value() == value<T>(1));
  CHECK(*p == value<T>(2));
  const auto refused = surefoot::try_compare_exchange(p, value<T>(1), value<T>(3), E{});
  REQUIRE(refused.ok());
  CHECK(refused.value() == exchanged<T>{value<T>(2), false});
  CHECK(*p == value<T>(2));
  const auto swapped = surefoot::try_compare_exchange(p, value<T>(2), value<T>(3), E{});
  REQUIRE(swapped.ok());
  CHECK(swapped.value() == exchanged<T>{value<T>(2), true});
  CHECK(*p == value<T>(3));
  CHECK(land.intact(p, sizeof(T)));
}

TEMPLATE_TEST_CASE("an exchange stores its value and returns the one before", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  exchanges<TestType, std::uint8_t>();
  exchanges<TestType, std::int16_t>();
  exchanges<TestType, std::uint32_t>();
  exchanges<TestType, std::int64_t>();
  exchanges<TestType, pair>();
}

template <class E, class T>
void fetches_like_std() {
  const memory::pages land{kind::good};
  auto* const p = reinterpret_cast<T*>(land.data() + 64);
  for (const T start : {T{0}, T{5}, std::numeric_limits<T>::max(), std::numeric_limits<T>::min()})
    for (const T change : {T{1}, static_cast<T>(-3), std::numeric_limits<T>::max()}) {
      const auto as_std = [&](auto ours, auto theirs) {
        *p = start;
        std::atomic<T> plain{start};
        const auto met = ours(p, change);
        REQUIRE(met.ok());
        REQUIRE(met.value() == theirs(plain, change));
        REQUIRE(*p == plain.load());
      };
      as_std([](T* q, T v) { return surefoot::try_fetch_add(q, v, E{}); },
             [](std::atomic<T>& a, T v) { return a.fetch_add(v); });
      as_std([](T* q, T v) { return surefoot::try_fetch_and(q, v, E{}); },
             [](std::atomic<T>& a, T v) { return a.fetch_and(v); });
      as_std([](T* q, T v) { return surefoot::try_fetch_or(q, v, E{}); },
             [](std::atomic<T>& a, T v) { return a.fetch_or(v); });
      as_std([](T* q, T v) { return surefoot::try_fetch_xor(q, v, E{}); },
             [](std::atomic<T>& a, T v) { return a.fetch_xor(v); });
    }
  CHECK(land.intact(p, sizeof(T)));
}

TEMPLATE_TEST_CASE("the fetch operations agree with std::atomic", "", SUREFOOT_SIGNAL_ENGINES) {
  fetches_like_std<TestType, std::int8_t>();
  fetches_like_std<TestType, std::uint8_t>();
  fetches_like_std<TestType, std::int16_t>();
  fetches_like_std<TestType, std::uint16_t>();
  fetches_like_std<TestType, std::int32_t>();
  fetches_like_std<TestType, std::uint32_t>();
  fetches_like_std<TestType, std::int64_t>();
  fetches_like_std<TestType, std::uint64_t>();
}

template <class E, class T>
void faults_as_a_write(void* bad, const fault& expected) {
  auto* const p = static_cast<T*>(bad);
  CHECK(surefoot::try_exchange(p, T{}, E{}).stopped_by == expected);
  CHECK(surefoot::try_compare_exchange(p, T{}, T{}, E{}).stopped_by == expected);
  if constexpr (!std::is_same_v<T, pair>) {
    CHECK(surefoot::try_fetch_add(p, T{1}, E{}).stopped_by == expected);
    CHECK(surefoot::try_fetch_and(p, T{1}, E{}).stopped_by == expected);
    CHECK(surefoot::try_fetch_or(p, T{1}, E{}).stopped_by == expected);
    CHECK(surefoot::try_fetch_xor(p, T{1}, E{}).stopped_by == expected);
  }
}

TEMPLATE_TEST_CASE("an atomic on memory that cannot be written is a write that faults there", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  for (const kind bad : memory::kinds_that_refuse(access_kind::write)) {
    INFO(memory::name(bad));
    const memory::pages land{kind::good, bad};
    const fault expected = memory::fault_of(bad, access_kind::write, land.page(1));
    faults_as_a_write<TestType, std::uint8_t>(land.page(1), expected);
    faults_as_a_write<TestType, std::uint16_t>(land.page(1), expected);
    faults_as_a_write<TestType, std::uint32_t>(land.page(1), expected);
    faults_as_a_write<TestType, std::uint64_t>(land.page(1), expected);
    faults_as_a_write<TestType, pair>(land.page(1), expected);
    CHECK(land.intact());
  }
}

TEMPLATE_TEST_CASE("a misaligned atomic is refused before any access", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const memory::pages land{kind::untouched};
  const auto refused = [&](const fault& met, const void* p) {
    CHECK(met == fault{p, cause::misaligned, access_kind::write});
  };
  for (std::size_t skew = 1; skew < 8; ++skew) {
    void* const p = land.data() + skew;
    refused(surefoot::try_exchange(static_cast<std::uint64_t*>(p), 1u, TestType{}).stopped_by, p);
    refused(surefoot::try_fetch_add(static_cast<std::uint64_t*>(p), 1u, TestType{}).stopped_by, p);
    refused(surefoot::try_fetch_or(static_cast<std::uint64_t*>(p), 1u, TestType{}).stopped_by, p);
    refused(surefoot::try_compare_exchange(static_cast<pair*>(p), pair{}, pair{}, TestType{})
                .stopped_by,
            p);
  }
  CHECK_FALSE(memory::resident(land.data()));
}

TEMPLATE_TEST_CASE("no update is lost between threads", "", SUREFOOT_SIGNAL_ENGINES) {
  constexpr std::uint64_t rounds = build::is_slow ? 20'000 : 200'000;
  const memory::pages land{kind::good};
  auto* const sum = reinterpret_cast<std::uint64_t*>(land.data());
  auto* const bits = sum + 1;
  *sum = *bits = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 2; ++t)
    threads.emplace_back([=] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        (void)surefoot::try_fetch_add(sum, 1u, TestType{});
        // Each thread turns its own half of the bits over and over, an even number of times.
        (void)surefoot::try_fetch_xor(bits, 0xffffffffull << (32 * t), TestType{});
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(*sum == 2 * rounds);
  CHECK(*bits == 0);
}

}  // namespace
