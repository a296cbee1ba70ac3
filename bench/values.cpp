// Single loads in a loop, beside a plain one.
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"

namespace bench {

namespace {

constexpr std::size_t words = 512;  // a page, which stays in the first cache
alignas(4096) std::uint64_t memory[words];

template <class Load>
[[gnu::noinline]] void sum(std::size_t n, Load load) {
  const std::uint64_t* const p = hide(&memory[0]);
  std::uint64_t total = 0;
  for (; n > 0; --n)
    for (std::size_t i = 0; i < words; ++i) total += load(p + i);
  keep(total);
}

void plain(std::size_t n) {
  sum(n, [](const volatile std::uint64_t* p) { return *p; });
}

}  // namespace

void enter_values() {
  const auto installed = surefoot::install();
  enter({"try_load of 8 good bytes, engine from install()", 1.20}, "512 in a row", [=] {
    return ways{counted("try_load",
                        [=](std::size_t n) {
                          sum(n, [=](const std::uint64_t* p) {
                            return surefoot::try_load(p, installed).value_or(0);
                          });
                        }),
                {counted("plain load", plain)},
                {}};
  });
  // 0.75 ns where a plain load takes 0.4.
  enter({"try_load of 8 good bytes, the default engine", 1.875}, "512 in a row", [] {
    return ways{
        counted("try_load",
                [](std::size_t n) {
                  sum(n, [](const std::uint64_t* p) { return surefoot::try_load(p).value_or(0); });
                }),
        {counted("plain load", plain)},
        {}};
  });
}

}  // namespace bench
