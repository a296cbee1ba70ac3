// A fault loses nothing that the caller keeps in registers.
#include <sys/mman.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "process.hpp"

namespace {

// More values than there are registers, all of them alive across each fault; returns what is left
// when all that was added is taken off again.
template <class Access>
[[gnu::noinline]] std::uint64_t sum_over_faults(const volatile std::uint64_t* start,
                                                Access access) {
  std::uint64_t a = start[0], b = start[1], c = start[2], d = start[3], e = start[4], f = start[5],
                g = start[6], h = start[7];
  double x = static_cast<double>(start[8]), y = static_cast<double>(start[9]);
  std::uint64_t failed = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    if (!access()) ++failed;
    a += i, b += a ^ i, c += b & 7, d -= a, e ^= d, f += e >> 3, g += f, h ^= g + failed;
    x += 1, y -= x;
  }
  return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ static_cast<std::uint64_t>(x) ^
         static_cast<std::uint64_t>(y * y);
}

constexpr std::uint64_t start[10] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3};

template <class Access>
void check_sum(Access access) {
  const std::uint64_t expected = sum_over_faults(start, [] {
    asm volatile("");
    return false;
  });
  CHECK(sum_over_faults(start, access) == expected);
}

}  // namespace

TEMPLATE_TEST_CASE("values that live across an access that faults keep what they were", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  const memory::pages land{memory::kind::hole};
  const std::uint8_t* const p = land.data();
  check_sum([p] { return surefoot::try_load<std::uint64_t>(p, TestType{}).ok(); });
  check_sum([p] { return bool{surefoot::ensure_readable(p, 100, TestType{})}; });
  check_sum([p] {
    std::uint8_t to[100];
    return surefoot::try_copy(to, p, sizeof to, TestType{}).any();
  });
}

TEST_CASE("values that live across a guarded function keep what they were, whatever it used") {
  const memory::pages land{memory::kind::hole};
  const std::uint8_t* const p = land.data();
  check_sum([p] {
    return surefoot::guarded([p]() noexcept { machine::load_with_all_registers_changed(p); }).ok();
  });
}

#ifdef __x86_64__
// On a stack that has a protection key of its own, which a handler may not touch.
const void* its_source = nullptr;
bool was_answered = false;
void copy_on_its_stack() {
  unsigned char to[300];
  was_answered = surefoot::try_copy(to, its_source, sizeof to).done == 100;
}

TEST_CASE("a copy that faults is answered on a stack with a protection key of its own") {
  const int key = ::pkey_alloc(0, 0);
  if (key < 0) return memory::say_skipped("protection keys");
  const memory::pages land{memory::kind::good, memory::kind::hole};
  its_source = land.page(1) - 100;
  const process::ending end = process::run([&] {
    (void)surefoot::install();
    const process::stack ours(64 * 1024), alternate(64 * 1024);
    const stack_t a = process::alternate(alternate.begin(), alternate.size());
    ::sigaltstack(&a, nullptr);
    process::require(::pkey_mprotect(ours.begin(), ours.size(), PROT_READ | PROT_WRITE, key) == 0,
                     "pkey_mprotect");
    process::fiber f(ours.begin(), ours.size(), copy_on_its_stack);
    f.enter();
    ::_exit(was_answered ? 0 : 1);
  });
  ::pkey_free(key);
  CHECK(end.signal == 0);
  CHECK(end.status == 0);
}
#endif

TEMPLATE_TEST_CASE("a fault keeps the protection key rights", "", SUREFOOT_SIGNAL_ENGINES) {
  const int key = ::pkey_alloc(0, PKEY_DISABLE_WRITE);
  if (key < 0) return memory::say_skipped("protection keys");
  const memory::pages land{memory::kind::hole};
  CHECK_FALSE(surefoot::try_load<int>(land.data(), TestType{}).ok());
  CHECK(::pkey_get(key) == PKEY_DISABLE_WRITE);
  ::pkey_free(key);
}
