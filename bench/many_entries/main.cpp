// A program whose exception table is large, to see what a fault costs there. surefoot_bench starts it and asks.
#include <array>
#include <cstddef>
#include <surefoot/surefoot.hpp>
#include <utility>

#include "elsewhere.hpp"
#include "one_fault.hpp"

namespace {

constexpr std::size_t functions = 500, loads_of_each = 20;  // 10,000 accesses

// A function as many a program has: accesses in a row, each with an entry of its own, which they have if they
// are inline (flatten).
template <std::size_t Function>
[[gnu::noinline, gnu::flatten]] int sum(const int* p) {
  const auto installed = surefoot::install();
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (int{Function} + ... + surefoot::try_load(p + I, installed).value_or(0));
  }
  (std::make_index_sequence<loads_of_each>());
}

template <std::size_t... F>
constexpr auto all_sums(std::index_sequence<F...>) {
  return std::array<int (*)(const int*), functions>{&sum<F>...};
}

}  // namespace

int main() {
  static constexpr auto sums = all_sums(std::make_index_sequence<functions>());
  // What is called stays in the program; the compiler does not know which of them that is.
  const auto* const all = bench::hide(sums.data());
  int some[loads_of_each] = {};
  for (std::size_t i = 0; i < functions; ++i) bench::keep(all[i](some));
  bench::serve(bench::with_table_entries(), bench::one_fault_by_table());
}
