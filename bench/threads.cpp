// What a second thread gains, on a range of its own: ours beside plain loops.
#include <array>
#include <cstdint>
#include <cstring>
#include <latch>
#include <memory>
#include <surefoot/surefoot.hpp>
#include <thread>
#include <vector>

#include "contest.hpp"
#include "libc.hpp"
#include "memory.hpp"
#include "processors.hpp"

namespace bench {

namespace {

constexpr std::size_t bytes = 1u << 20;
using ranges = std::array<std::unique_ptr<memory>, 2>;

// Passes over a range in a nanosecond, by threads that begin together and go on for so long; each on a processor
// of its own, with a range of its own.
template <class Pass>
double rate(const std::vector<std::size_t>& threads, const ranges& all, Pass pass) {
  constexpr double window = 10e6;
  std::vector<double> rates(threads.size());
  std::latch begin(static_cast<std::ptrdiff_t>(threads.size()));
  {
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < threads.size(); ++i)
      running.emplace_back([&, i] {
        const std::size_t which = threads[i];
        (void)pin_to(processors()[which]);  // was tried before: pinned_to_two()
        unsigned char* const p = all[which]->at;
        pass(p);
        begin.arrive_and_wait();
        double passes = 0, took = 0;
        for (; took < window; ++passes) took += nanoseconds([&] { pass(hide(p)); });
        rates[i] = passes / took;
      });
  }
  double sum = 0;
  for (const double r : rates) sum += r;
  return sum;
}

// What two take for the work that one does in a unit of time: 0.5, if the second gains all. The inverse of the
// gain, so that less is better here too.
template <class Pass>
way by_two(const char* name, const std::shared_ptr<const ranges>& all, Pass pass) {
  return {name,
          [=](std::size_t) {
            const double alone = (rate({0}, *all, pass) + rate({1}, *all, pass)) / 2;
            return alone / rate({0, 1}, *all, pass);
          },
          true};
}

// Can threads be sent to two processors? Where not, both would share one, and no contest be lost.
bool pinned_to_two() {
  return processors().size() >= 2 && pin_to(processors().front()) && pin_to(processors().back());
}

template <class Ours, class Plain>
void enter_gain(const char* name, const char* limit, Ours ours, Plain plain) {
  enter({std::string("two threads, ") + name, 1 / 0.97, 0, "of one's time"},
        size_name(bytes) + " each", [=] {
          if (!pinned_to_two()) throw not_here("needs two processors");
          const auto all = std::make_shared<const ranges>(
              ranges{std::make_unique<memory>(bytes), std::make_unique<memory>(bytes)});
          return ways{by_two(name, all, ours), {by_two(limit, all, plain)}, {}};
        });
}

template <class Load>
void load_all(const unsigned char* p, Load load) {
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < bytes; at += 8)
    total += load(reinterpret_cast<const std::uint64_t*>(p + at));
  keep(total);
}

// The first half to the second, a page at a time.
template <class Copy>
void copy_half(unsigned char* p, Copy copy) {
  for (std::size_t at = 0; at < bytes / 2; at += page) copy(p + bytes / 2 + at, p + at);
}

}  // namespace

void enter_threads() {
  const auto installed = surefoot::install();
  enter_gain(
      "try_load", "plain load",
      [=](const unsigned char* p) {
        load_all(p, [=](const std::uint64_t* word) {
          return surefoot::try_load(word, installed).value_or(0);
        });
      },
      [](const unsigned char* p) {
        load_all(p, [](const volatile std::uint64_t* word) { return *word; });
      });
  enter_gain(
      "try_copy", "memcpy",
      [=](unsigned char* p) {
        copy_half(p, [=](void* to, const void* from) {
          keep(surefoot::try_copy(to, from, page, installed).done);
        });
      },
      [](unsigned char* p) {
        copy_half(p, [](void* to, const void* from) { keep(libc_memcpy(to, from, page)); });
      });
}

}  // namespace bench
