// resume and restart: each retry loop with the question that belongs to it, and both of them end.
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <surefoot/surefoot.hpp>
#include <utility>
#include <vector>

#include "by_kind.hpp"
#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::loop_options;
using surefoot::needs;
using surefoot::progress;
using surefoot::reads;
using surefoot::restart;
using surefoot::resume;
using surefoot::stop;
using surefoot::touch_with;
using surefoot::verdict;
using surefoot::writes;

using pointer = const volatile void*;

constexpr std::size_t offsets_in_a_page[] = {0, 1, 100, 4095};
constexpr std::size_t small_chunks[] = {1, 100, 4096, 5000, 8192};

// --- what loops are made of here

struct offer {
  pointer at;
  std::size_t bytes;
  std::size_t taken;
};

// A step that takes what `takes(n)` says of each offer of n bytes, and remembers them all.
template <class Takes>
struct recording {
  Takes takes;
  std::vector<offer> offers{};

  std::size_t operator()(pointer p, std::size_t n) noexcept {
    offers.push_back({p, n, takes(n)});
    return offers.back().taken;
  }
};
template <class Takes>
recording(Takes) -> recording<Takes>;

// Was each byte of [p, p + n) taken once and in order?
bool once_and_in_order(const std::vector<offer>& offers, const std::uint8_t* p, std::size_t n) {
  std::size_t done = 0;
  for (const offer& o : offers) {
    if (o.at != p + done || o.bytes == 0 || o.bytes > n - done) return false;
    done += o.taken;
  }
  return done == n;
}

// A policy or probe that counts how often it is asked, and remembers what for.
struct question {
  access_kind during;
  pointer at;
  std::size_t bytes;
  friend bool operator==(const question&, const question&) = default;
};
template <class Answer>
struct counted {
  Answer answer;
  std::vector<question> asked{};

  auto operator()(access_kind k, pointer p, std::size_t n) noexcept {
    asked.push_back({k, p, n});
    return answer(k, p, n);
  }
};
template <class Answer>
counted(Answer) -> counted<Answer>;

const auto says_fine = [](access_kind, pointer, std::size_t n) noexcept { return progress{n, 0}; };

// A pager of one's own: gives access to one page without it.
progress page_in(access_kind, pointer p, std::size_t n) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const std::uintptr_t page = address & ~(page_size - 1);
  if (::mprotect(memory::at(page), page_size, PROT_READ | PROT_WRITE) != 0)
    return {0, n, {p, cause::denied}};
  const std::size_t done = std::min(n, page + page_size - address);
  if (done == n) return {n, 0};
  return {done, n - done, {memory::at(page + page_size), cause::denied}};
}

std::size_t distance(const std::uint8_t* from, pointer to) {
  return static_cast<std::size_t>(static_cast<const volatile std::uint8_t*>(to) - from);
}

// --- resume

TEST_CASE("resume hands each byte to the step once and in order, whatever the step takes") {
  const memory::pages land{kind::good, kind::good, kind::good};
  const auto whole = [&](auto takes, loop_options options = {}) {
    recording step{takes};
    const std::size_t n = land.size() - 100;
    return resume<access_kind::read>(land.data() + 33, n, step, options) == memory::finished(n) &&
           once_and_in_order(step.offers, land.data() + 33, n);
  };
  CHECK(whole([](std::size_t n) { return n; }));
  CHECK(whole([](std::size_t n) { return (n + 1) / 2; }));
  CHECK(whole([](std::size_t) { return std::size_t{1}; }));
  CHECK(whole([](std::size_t n) { return std::min<std::size_t>(n, 1000); }));
  CHECK(whole([turn = 0](std::size_t n) mutable {
    return ++turn % 3 == 0 ? std::min<std::size_t>(n, 77) : 0;
  }));
  CHECK(whole(
      [turn = std::size_t{1}](std::size_t n) mutable { return (turn = turn * 31 + 7) % (n + 1); },
      {.rounds = 1000}));
  for (const std::size_t chunk : small_chunks)
    CHECK(whole([](std::size_t n) { return n; }, {.rounds = 16, .chunk = chunk}));
}

TEST_CASE("resume gets a step that takes all or nothing as far as the memory goes") {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{kind::good, kind::good, kind::good, bad};
    for (const std::size_t from : offsets_in_a_page) {
      std::uint8_t* const p = land.data() + from;
      const std::size_t n = land.size() - from;
      const auto all_or_nothing = [](pointer at, std::size_t bytes) noexcept {
        return surefoot::ensure_readable(at, bytes) ? bytes : 0;
      };
      CHECK(resume<access_kind::read>(p, n, all_or_nothing) ==
            memory::stopped(3 * page_size - from, n, bad, access_kind::read, land.page(3)));
    }
  }
}

TEST_CASE(
    "resume offers a step that takes all or nothing what comes before the byte that stopped it") {
  // Byte 1000 is refused; the fault-in, which looks at one byte a page, finds nothing.
  const memory::pages land{kind::good, kind::good};
  const std::uint8_t* const bad = land.data() + 1000;
  for (const std::size_t from : {0u, 1u, 999u}) {
    const std::uint8_t* const p = land.data() + from;
    std::vector<std::size_t> offered;
    const auto all_or_nothing = [&](pointer at, std::size_t n) noexcept {
      offered.push_back(n);
      if (distance(land.data(), at) + n <= 1000) return progress{n, 0};
      return progress{0, n, {.address = bad, .kind = cause::tag_mismatch}};
    };
    const progress met =
        resume<access_kind::read>(p, land.size() - from, all_or_nothing, {.rounds = 3}, says_fine);
    CHECK(met.done == 1000 - from);
    CHECK(met.stopped_by.kind == cause::stalled);
    CHECK(met.stopped_by.address == bad);
    // All of it; what comes before the byte; then three times at the byte, which is never offered nothing.
    REQUIRE(offered.size() == 5);
    CHECK(offered[1] == 1000 - from);
    CHECK(std::find(offered.begin(), offered.end(), 0u) == offered.end());
  }
}

TEMPLATE_TEST_CASE("resume with a copy that may fault keeps exactly the prefix", "",
                   SUREFOOT_ALL_ENGINES) {
  const memory::pages to{kind::good, kind::good, kind::good};
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages from{kind::good, kind::good, bad};
    for (const std::size_t chunk : small_chunks) {
      const std::uint8_t* const src = from.data() + 5;
      const std::size_t n = from.size() - 5;
      const std::size_t good = 2 * page_size - 5;
      const auto step = [&](pointer p, std::size_t bytes) noexcept {
        return surefoot::try_copy(to.data() + distance(src, p), p, bytes, TestType{});
      };
      CHECK(resume<access_kind::read>(src, n, step, {.rounds = 16, .chunk = chunk},
                                      touch_with<TestType>{}) ==
            memory::stopped<TestType>(good, n, bad, access_kind::read, from.page(2)));
      CHECK(std::memcmp(to.data(), src, good) == 0);
      CHECK(to.intact(to.data(), good));
      memory::fill(to.data(), good);
    }
  }
}

TEMPLATE_TEST_CASE("resume ends with a fault of the step's own", "", SUREFOOT_ALL_ENGINES) {
  const memory::pages from{kind::good, kind::good};
  const memory::pages to{kind::good, kind::read_only};
  const auto step = [&](pointer p, std::size_t n) noexcept {
    return surefoot::try_copy(to.data() + 100 + distance(from.data(), p), p, n, TestType{});
  };
  counted fault_in{says_fine};
  CHECK(resume<access_kind::read>(from.data(), from.size(), step, {}, fault_in) ==
        memory::stopped<TestType>(page_size - 100, from.size(), kind::read_only, access_kind::write,
                                  to.page(1)));
  CHECK(fault_in.asked.empty());
}

TEST_CASE("resume ends with a fault outside of what it offered, also of the same kind of access") {
  const memory::pages land{kind::good, kind::good};
  const fault elsewhere{land.page(1), cause::no_backing, access_kind::read, 7, 2, 0};
  int calls = 0;
  const auto step = [&](pointer, std::size_t n) noexcept {
    ++calls;
    return progress{10, n - 10, elsewhere};
  };
  CHECK(resume<access_kind::read>(land.data(), page_size, step) ==
        progress{10, page_size - 10, elsewhere});
  CHECK(calls == 1);
}

TEST_CASE(
    "resume writes: its step gets a pointer to write through, and its memory is faulted in for "
    "writing") {
  const memory::pages land{kind::good, kind::read_only};
  const auto step = [](volatile void* p, std::size_t n) noexcept {
    static const std::uint8_t zeros[2 * page_size] = {};
    return surefoot::try_copy(p, zeros, n);
  };
  CHECK(resume<access_kind::write>(land.data(), land.size(), step) ==
        memory::stopped(page_size, land.size(), kind::read_only, access_kind::write, land.page(1)));
  CHECK(std::all_of(land.data(), land.page(1), [](std::uint8_t b) { return b == 0; }));

  counted pager{page_in};
  CHECK(resume<access_kind::write>(land.data(), land.size(), step, {}, pager) ==
        memory::finished(land.size()));
  CHECK(pager.asked == std::vector<question>{{access_kind::write, land.page(1), page_size}});
}

TEST_CASE("resume goes on where a pager of the user's makes the memory accessible") {
  const memory::pages land{kind::good, kind::no_access, kind::no_access, kind::good,
                           kind::no_access};
  const memory::pages to{kind::good, kind::good, kind::good, kind::good, kind::good};
  const auto step = [&](pointer p, std::size_t n) noexcept {
    return surefoot::try_copy(to.data() + distance(land.data(), p), p, n);
  };
  counted pager{page_in};
  CHECK(resume<access_kind::read>(land.data(), land.size(), step, {}, pager) ==
        memory::finished(land.size()));
  CHECK(std::memcmp(to.data(), land.data(), land.size()) == 0);
  std::vector<pointer> pages;
  for (const question& q : pager.asked) pages.push_back(q.at);
  CHECK(pages == std::vector<pointer>{land.page(1), land.page(2), land.page(4)});
}

TEST_CASE("a step that claims more than it was offered ends resume, and nothing of it is counted") {
  const memory::pages land{kind::good};
  const auto ends_with_overrun = [&](auto claim) {
    int calls = 0;
    const auto step = [&](pointer, std::size_t n) noexcept {
      return ++calls == 1 ? decltype(claim(n)){claim(50)} : claim(n + 1);
    };
    const auto met = resume<access_kind::read>(land.data(), 1000, step);
    return calls == 2 &&
           met == progress{50, 950, {land.data() + 50, cause::overrun, access_kind::read}};
  };
  CHECK(ends_with_overrun([](std::size_t n) { return n; }));
  CHECK(ends_with_overrun([](std::size_t n) { return progress{n, 0}; }));

  const auto everything = [](pointer, std::size_t) noexcept { return SIZE_MAX; };
  CHECK(resume<access_kind::read>(land.data(), 1000, everything) ==
        progress{0, 1000, {land.data(), cause::overrun, access_kind::read}});
}

TEST_CASE("a step that returns stop() ends resume with what it did") {
  const memory::pages land{kind::good};
  int calls = 0;
  const auto step = [&](pointer, std::size_t n) noexcept {
    return ++calls == 1 ? progress{100, n - 100} : stop(10, n);
  };
  CHECK(resume<access_kind::read>(land.data(), 1000, step) ==
        progress{110, 890, {land.data() + 110, cause::stopped, access_kind::read}});
  CHECK(calls == 2);
  const auto at_the_end = [](pointer, std::size_t n) noexcept { return stop(n, n); };
  CHECK(resume<access_kind::read>(land.data(), 1000, at_the_end) == memory::finished(1000));
}

TEST_CASE("resume gives up after exactly the rounds it was given, and says stalled") {
  const memory::pages land{kind::good};
  for (const unsigned rounds : {1u, 2u, loop_options{}.rounds, 100u}) {
    recording step{[done = false](std::size_t) mutable {
      return std::exchange(done, true) ? std::size_t{0} : std::size_t{7};
    }};
    counted fault_in{says_fine};
    CHECK(resume<access_kind::read>(land.data(), 1000, step, {.rounds = rounds}, fault_in) ==
          progress{7, 993, {land.data() + 7, cause::stalled, access_kind::read}});
    CHECK(step.offers.size() == 1 + rounds);
    CHECK(fault_in.asked.size() == rounds);
  }
}

TEST_CASE("rounds that bring something do not count towards resume's end") {
  const memory::pages land{kind::good};
  recording step{[turn = 0](std::size_t) mutable { return std::size_t{++turn % 3 == 0}; }};
  CHECK(resume<access_kind::read>(land.data(), 200, step, {.rounds = 3}) == memory::finished(200));
  CHECK(step.offers.size() == 600);
  recording slower{[turn = 0](std::size_t) mutable { return std::size_t{++turn % 4 == 0}; }};
  CHECK(resume<access_kind::read>(land.data(), 200, slower, {.rounds = 3}).stopped_by.kind ==
        cause::stalled);
}

TEST_CASE("resume ends where neither the step nor the fault-in gets anywhere") {
  const memory::pages land{kind::good};
  const fault refused{land.data() + 100, cause::key_denied, access_kind::read, 11, 4, 0};
  recording step{[](std::size_t n) { return n == 1000 ? std::size_t{100} : std::size_t{0}; }};
  counted fault_in{[&](access_kind, pointer, std::size_t n) noexcept {
    return progress{0, n, refused};
  }};
  CHECK(resume<access_kind::read>(land.data(), 1000, step, {}, fault_in) ==
        progress{100, 900, refused});
  CHECK(fault_in.asked.size() == 1);
}

TEST_CASE("resume faults in from where the step stands, at most what it was offered") {
  const memory::pages land{kind::good, kind::good, kind::good, kind::good};
  recording step{[](std::size_t) { return std::size_t{0}; }};
  counted fault_in{says_fine};
  (void)resume<access_kind::read>(land.data() + 5, 4 * page_size - 5, step,
                                  {.rounds = 4, .chunk = 9000}, fault_in);
  REQUIRE(fault_in.asked.size() == step.offers.size());
  for (std::size_t i = 0; i < step.offers.size(); ++i)
    CHECK(fault_in.asked[i] == question{access_kind::read, land.data() + 5, step.offers[i].bytes});
}

TEST_CASE("resume never offers more than the chunk it was given") {
  const memory::pages land{kind::good, kind::good, kind::good};
  for (const std::size_t chunk : small_chunks)
    for (std::size_t divisor = 1; divisor <= 3; ++divisor) {
      recording step{[=](std::size_t n) { return (n + divisor - 1) / divisor; }};
      CHECK(
          resume<access_kind::read>(land.data(), land.size(), step, {.rounds = 16, .chunk = chunk})
              .all());
      std::size_t largest = 0;
      for (const offer& o : step.offers) largest = std::max(largest, o.bytes);
      INFO("chunk " << chunk << ", a step that takes 1/" << divisor);
      CHECK(largest == chunk);
    }
}

TEST_CASE("resume halves what it offers after a short step, down to a page, and grows it again") {
  std::vector<kind> row(64, kind::good);
  const memory::pages land(row);
  int turn = 0;
  recording step{[&](std::size_t n) { return ++turn <= 4 ? std::size_t{1} : n; }};
  CHECK(resume<access_kind::read>(land.data(), land.size(), step,
                                  {.rounds = 16, .chunk = 16 * page_size})
            .all());
  std::vector<std::size_t> pages;
  for (const offer& o : step.offers) pages.push_back(o.bytes / page_size);
  pages.pop_back();  // the rest
  CHECK(pages == std::vector<std::size_t>{16, 8, 4, 2, 1, 2, 4, 8, 16, 16, 16});
}

TEST_CASE(
    "resume of nothing is done without a step, and of a range that wraps without one refused") {
  recording step{[](std::size_t n) { return n; }};
  CHECK(resume<access_kind::read>(nullptr, 0, step) == memory::finished(0));
  CHECK(resume<access_kind::write>(memory::at(memory::kernel_half[0]), 0, step) ==
        memory::finished(0));
  const memory::pages land{kind::good};
  CHECK(resume<access_kind::read>(land.data(), SIZE_MAX, step) ==
        progress{0, SIZE_MAX, {land.data(), cause::bad_address, access_kind::read}});
  CHECK(resume<access_kind::write>(land.data(), SIZE_MAX, step) ==
        progress{0, SIZE_MAX, {land.data(), cause::bad_address, access_kind::write}});
  CHECK(step.offers.empty());
}

TEST_CASE("resume takes a range, in bytes") {
  std::vector<int> ints(100);
  recording step{[](std::size_t n) { return n; }};
  CHECK(resume<access_kind::read>(ints, step) == memory::finished(400));
  CHECK(resume<access_kind::write>(std::span(ints).first(10), step) == memory::finished(40));
  REQUIRE(step.offers.size() == 2);
  CHECK(step.offers[0].bytes == 400);
  CHECK(step.offers[1].bytes == 40);
}

// --- restart

// An operation that begins from the start each time, as a system call that loads registers does: it
// needs all of [p, p + n).
struct whole_operation {
  const std::uint8_t* p;
  std::size_t n;
  int runs = 0;

  progress operator()() noexcept {
    ++runs;
    std::vector<std::uint8_t> to(n);
    return surefoot::try_copy(to.data(), p, n);
  }
};

TEST_CASE("restart runs an operation that succeeds once, and asks nothing") {
  const memory::pages land{kind::good, kind::good};
  whole_operation op{land.data() + 1, page_size};
  counted probe{surefoot::ensure};
  counted fault_in{says_fine};
  CHECK(restart(reads(op.p, op.n), op, {}, probe, fault_in) == verdict{});
  CHECK(op.runs == 1);
  CHECK(probe.asked.empty());
  CHECK(fault_in.asked.empty());
}

TEST_CASE(
    "restart ends after one run where a part of what is needed is bad, with address and cause") {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{kind::good, bad};
    whole_operation op{land.data() + 100, page_size};
    CHECK(restart(reads(op.p, op.n), op) ==
          verdict{memory::fault_of(bad, access_kind::read, land.page(1))});
    CHECK(op.runs == 1);
  }
}

TEST_CASE("the same operation with a page-wise fault-in, by hand, spins: the first page is fine") {
  const memory::pages land{kind::good, kind::no_access};
  whole_operation op{land.data() + 100, page_size};
  int rounds = 0;
  for (; rounds < 1000; ++rounds) {
    if (op().all()) break;
    if (!surefoot::fault_in_readable(op.p, op.n).any()) break;
  }
  CHECK(rounds == 1000);
}

TEST_CASE("restart lets a pager repair page after page, and the operation succeeds") {
  const memory::pages land{kind::good, kind::no_access, kind::no_access, kind::no_access};
  whole_operation op{land.data() + 1, land.size() - 2};
  counted pager{page_in};
  CHECK(restart(reads(op.p, op.n), op, {}, surefoot::ensure, pager) == verdict{});
  CHECK(op.runs == 4);
  const auto asked_for = [&](std::size_t page) {
    return question{access_kind::read, land.page(page), (4 - page) * page_size - 1};
  };
  CHECK(pager.asked == std::vector<question>{asked_for(1), asked_for(2), asked_for(3)});
}

TEST_CASE("rounds in which a pager repairs something do not count towards restart's end") {
  const memory::pages land(std::vector<kind>(40, kind::no_access));
  whole_operation op{land.data(), land.size()};
  CHECK(restart(reads(op.p, op.n), op, {.rounds = 3}, surefoot::ensure, page_in) == verdict{});
  CHECK(op.runs == 41);
}

TEST_CASE(
    "restart gives up after exactly the rounds it was given, with the operation's last address") {
  const memory::pages land{kind::good};
  for (const unsigned rounds : {1u, 2u, loop_options{}.rounds, 100u}) {
    unsigned runs = 0;
    const auto op = [&]() noexcept {
      ++runs;
      return progress{10, 90, {land.data() + 10, cause::denied, access_kind::write, 11, 2, 0}};
    };
    CHECK(restart(writes(land.data(), 100), op, {.rounds = rounds}) ==
          verdict{{land.data() + 10, cause::stalled, access_kind::write}});
    CHECK(runs == rounds);
  }
}

TEST_CASE("restart gives up on a fault-in that says fine and repairs nothing") {
  const memory::pages land{kind::good, kind::no_access};
  whole_operation op{land.data(), land.size()};
  counted fault_in{says_fine};
  const verdict met = restart(reads(op.p, op.n), op, {.rounds = 5}, surefoot::ensure, fault_in);
  CHECK(met.stopped_by.kind == cause::stalled);
  CHECK(met.stopped_by.address == land.page(1));
  CHECK(op.runs <= 6);
  CHECK(fault_in.asked.size() <= 6);
}

TEST_CASE(
    "restart asks for all that is needed, in order, and ends with the first that is not there") {
  const memory::pages land{kind::good, kind::read_only, kind::hole};
  const auto fails = []() noexcept { return verdict{{.kind = cause::unmapped}}; };
  const auto good = reads(land.page(0), page_size);
  const auto not_writable = writes(land.page(0) + 10, page_size);
  const auto not_there = reads(land.page(1), page_size + 1);
  const verdict write_refused{memory::fault_of(kind::read_only, access_kind::write, land.page(1))};
  const verdict read_refused{memory::fault_of(kind::hole, access_kind::read, land.page(2))};
  CHECK(restart(needs(good, not_writable, not_there), fails) == write_refused);
  CHECK(restart(needs(not_there, not_writable, good), fails) == read_refused);
  counted probe{surefoot::ensure};
  CHECK(restart(needs(good, not_there, not_writable), fails, {}, probe) == read_refused);
  CHECK(probe.asked == std::vector<question>{{access_kind::read, land.page(0), page_size},
                                             {access_kind::read, land.page(1), page_size + 1}});
}

TEST_CASE("restart takes buffers and ranges as needs") {
  const memory::pages land{kind::good, kind::no_access};
  const std::vector<iovec> buffers{{nullptr, 0}, {land.page(0), 10}, {land.page(1) - 3, 10}};
  const auto fails = []() noexcept { return verdict{{.kind = cause::unmapped}}; };
  CHECK(restart(reads(buffers), fails) ==
        verdict{memory::fault_of(kind::no_access, access_kind::read, land.page(1))});
  CHECK(restart(writes(buffers), fails) ==
        verdict{memory::fault_of(kind::no_access, access_kind::write, land.page(1))});
  const std::span<int> ints(reinterpret_cast<int*>(land.page(1) - 8), 3);
  CHECK(restart(writes(ints), fails) ==
        verdict{memory::fault_of(kind::no_access, access_kind::write, land.page(1))});
  counted pager{page_in};
  int runs = 0;
  const auto second_time = [&]() noexcept {
    return ++runs == 2 ? verdict{} : verdict{{.kind = cause::unmapped}};
  };
  CHECK(restart(writes(buffers), second_time, {}, surefoot::ensure, pager) == verdict{});
  CHECK(pager.asked == std::vector<question>{{access_kind::write, land.page(1), 7}});
}

TEST_CASE("restart refuses a need that wraps, with its address") {
  const memory::pages land{kind::good};
  const auto fails = []() noexcept { return verdict{{.kind = cause::unmapped}}; };
  CHECK(restart(reads(land.data(), SIZE_MAX), fails) ==
        verdict{{land.data(), cause::bad_address, access_kind::read}});
}

TEST_CASE("an operation that returns stop() ends restart at once, and restart says so") {
  const memory::pages land{kind::good};
  int runs = 0;
  counted probe{surefoot::ensure};
  const auto op = [&]() noexcept {
    ++runs;
    return stop(3, 10);
  };
  CHECK(restart(reads(land.data(), 10), op, {}, probe).stopped_by.kind == cause::stopped);
  CHECK(runs == 1);
  CHECK(probe.asked.empty());
}

TEMPLATE_TEST_CASE("restart's usual probe and fault-in take an engine", "", SUREFOOT_ALL_ENGINES) {
  const memory::pages land{kind::good, kind::past_end_of_file};
  whole_operation op{land.data(), land.size()};
  CHECK(
      restart(reads(op.p, op.n), op, {}, surefoot::ensure_with<TestType>{},
              touch_with<TestType>{}) ==
      verdict{memory::fault_of<TestType>(kind::past_end_of_file, access_kind::read, land.page(1))});
  CHECK(
      restart(reads(op.p, op.n), op, {},
              surefoot::ensure_with<TestType, surefoot::granularity::byte>{}) ==
      verdict{memory::fault_of<TestType>(kind::past_end_of_file, access_kind::read, land.page(1))});
}

}  // namespace
