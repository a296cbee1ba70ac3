// One body for every verb of every engine: what engine/concept.hpp promises, on real memory, asked
// of the engine itself. Ends with the matrix of all (verb, engine) pairs, with the number of
// answers that were checked in each.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using memory::page_size;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::engine::verb;
using surefoot::engine::word16;

constexpr verb verbs[] = {verb::probe,  verb::scan, verb::copy,  verb::fill,
                          verb::search, verb::load, verb::store, verb::atomic,
                          verb::tag,    verb::run,  verb::survey};
constexpr const char* names[] = {"probe", "scan",   "copy", "fill", "search", "load",
                                 "store", "atomic", "tag",  "run",  "survey"};

// Counts answers, and says which one was wrong.
class checked {
 public:
  void operator()(bool right, const char* what) {
    ++answers_;
    if (!right) FAIL_CHECK(what);
  }
  std::size_t answers() const { return answers_; }

 private:
  std::size_t answers_ = 0;
};

// Calls check(good bytes, bad page, its kind) for each page that refuses, behind a good one.
template <class Check>
void before_each_bad_page(access_kind wanted, Check check) {
  for (const kind bad : memory::kinds_that_refuse(wanted)) {
    const memory::pages land{kind::good, bad};
    check(land, land.page(1), bad);
    CHECK(land.intact());
  }
}

template <class E, access_kind K>
void probes(checked& answer) {
  before_each_bad_page(K, [&](const memory::pages& land, std::uint8_t* edge, kind bad) {
    answer(E{}.template probe<K>(edge - 1) == fault{}, "a probe of a good byte");
    answer(E{}.template probe<K>(edge) == memory::fault_of<E>(bad, K, edge),
           "a probe of a bad byte");
    for (std::size_t n = 1; n <= 64; ++n) {
      answer(E{}.template probe_each<K>(edge - n, n, 1) == memory::finished(n),
             "probes of each good byte");
      answer(E{}.template probe_each<K>(edge - n, n + 9, page_size) ==
                 memory::stopped<E>(n, n + 9, bad, K, edge),
             "a probe of each page");
    }
    answer(land.intact(), "a probe changes nothing");
  });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::probe>) {
  probes<E, access_kind::read>(answer);
  probes<E, access_kind::write>(answer);
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::scan>) {
  before_each_bad_page(access_kind::read, [&](const memory::pages&, std::uint8_t* edge, kind bad) {
    for (std::size_t n = 1; n <= 200; ++n) {
      answer(E{}.scan(edge - n, n) == memory::finished(n), "a scan of good bytes");
      answer(
          E{}.scan(edge - n, n + 70) == memory::stopped<E>(n, n + 70, bad, access_kind::read, edge),
          "a scan into a bad page");
    }
  });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::copy>) {
  std::uint8_t plain[300];
  for (std::size_t i = 0; i < sizeof plain; ++i) plain[i] = static_cast<std::uint8_t>(i * 7);
  before_each_bad_page(access_kind::read, [&](const memory::pages&, std::uint8_t* edge, kind bad) {
    for (std::size_t n = 1; n <= 200; ++n) {
      std::uint8_t to[300] = {};
      answer(E{}.copy(to, edge - n, n + 33) ==
                     memory::stopped<E>(n, n + 33, bad, access_kind::read, edge) &&
                 std::memcmp(to, edge - n, n) == 0 && to[n] == 0,
             "a copy from a bad page");
    }
  });
  before_each_bad_page(
      access_kind::write, [&](const memory::pages& land, std::uint8_t* edge, kind bad) {
        for (std::size_t n = 1; n <= 200; ++n) {
          const progress met = E{}.copy(edge - n, plain, n + 33);
          answer(met == memory::stopped<E>(n, n + 33, bad, access_kind::write, edge) &&
                     std::memcmp(edge - n, plain, n) == 0 && land.intact(edge - n, n),
                 "a copy to a bad page");
          memory::fill(edge - n, n);
        }
      });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::fill>) {
  before_each_bad_page(
      access_kind::write, [&](const memory::pages& land, std::uint8_t* edge, kind bad) {
        for (std::size_t n = 1; n <= 200; ++n) {
          const progress met = E{}.fill(edge - n, 0xee, n + 33);
          bool filled = land.intact(edge - n, n);
          for (std::size_t i = 1; i <= n; ++i)
            filled = filled && edge[-static_cast<long>(i)] == 0xee;
          answer(filled && met == memory::stopped<E>(n, n + 33, bad, access_kind::write, edge),
                 "a fill into a bad page");
          memory::fill(edge - n, n);
        }
      });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::search>) {
  before_each_bad_page(access_kind::read, [&](const memory::pages& land, std::uint8_t* edge,
                                              kind bad) {
    const std::vector<std::uint8_t> as_it_was(land.page(0), edge);
    const std::vector<std::uint8_t> sevens(page_size, 7);
    const fault refused = memory::fault_of<E>(bad, access_kind::read, edge);
    for (std::size_t n = 1; n <= 300; ++n) {
      std::uint8_t* const p = edge - n;
      std::memset(p, 7, n);
      fault why;
      answer(E{}.find(p, 6, n, why) == n && why == fault{}, "a byte that is nowhere");
      answer(E{}.find(p, 6, n + 33, why) == surefoot::engine::met_fault && why == refused,
             "a byte that is not before the bad one");
      answer(E{}.compare(p, sevens.data(), n).value_or(1) == 0, "bytes that are equal");
      answer(E{}.compare(p, sevens.data(), n + 33).stopped_by == refused,
             "bytes that are equal up to the bad one, on the left");
      answer(E{}.compare(sevens.data(), p, n + 33).stopped_by == refused,
             "bytes that are equal up to the bad one, on the right");
      for (const std::size_t at : {std::size_t{0}, n / 2, n - 1}) {
        p[at] = 6;
        if (at + 1 < n) p[n - 1] = 6;
        answer(E{}.find(p, 6, n + 33, why) == at, "the first of two before the bad byte");
        answer(E{}.compare(p, sevens.data(), n + 33).value_or(0) < 0, "a left side that is less");
        answer(E{}.compare(sevens.data(), p, n + 33).value_or(0) > 0, "a right side that is less");
        p[at] = p[n - 1] = 7;
      }
    }
    std::copy(as_it_was.begin(), as_it_was.end(), land.page(0));
  });
}

template <class E, class W>
void loads(checked& answer) {
  before_each_bad_page(access_kind::read, [&](const memory::pages&, std::uint8_t* edge, kind bad) {
    const auto good = E{}.template load<W>(edge - sizeof(W));
    answer(good.ok() && std::memcmp(&good.value(), edge - sizeof(W), sizeof(W)) == 0,
           "a load of good bytes");
    for (std::size_t n = 0; n < sizeof(W); ++n)
      answer(E{}.template load<W>(edge - n).stopped_by ==
                 memory::fault_of<E>(bad, access_kind::read, edge),
             "a load that crosses into a bad page");
  });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::load>) {
  loads<E, std::uint8_t>(answer);
  loads<E, std::uint16_t>(answer);
  loads<E, std::uint32_t>(answer);
  loads<E, std::uint64_t>(answer);
  loads<E, word16>(answer);
}

template <class E, class W>
void stores(checked& answer) {
  W word;
  std::memset(&word, 0x77, sizeof word);
  before_each_bad_page(
      access_kind::write, [&](const memory::pages& land, std::uint8_t* edge, kind bad) {
        std::uint8_t* const p = edge - sizeof(W);
        answer(static_cast<bool>(E{}.store(p, word)) && std::memcmp(p, &word, sizeof word) == 0 &&
                   land.intact(p, sizeof(W)),
               "a store to good bytes");
        memory::fill(p, sizeof(W));
        for (std::size_t n = 0; n < sizeof(W); ++n)
          answer(E{}.store(edge - n, word).stopped_by ==
                         memory::fault_of<E>(bad, access_kind::write, edge) &&
                     land.intact(),
                 "a store that crosses into a bad page");
      });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::store>) {
  stores<E, std::uint8_t>(answer);
  stores<E, std::uint16_t>(answer);
  stores<E, std::uint32_t>(answer);
  stores<E, std::uint64_t>(answer);
  stores<E, word16>(answer);
}

template <class W>
W different_from(const W& w) {
  unsigned char bytes[sizeof(W)];
  std::memcpy(bytes, &w, sizeof(W));
  for (unsigned char& b : bytes) b = static_cast<unsigned char>(~b);
  W other;
  std::memcpy(&other, bytes, sizeof(W));
  return other;
}

template <class E, class W>
void atomics(checked& answer) {
  before_each_bad_page(access_kind::write, [&](const memory::pages& land, std::uint8_t* edge,
                                               kind bad) {
    const fault expected = memory::fault_of(bad, access_kind::write, edge);
    W was, to;
    std::memcpy(&was, edge - sizeof(W), sizeof(W));
    to = different_from(was);
    const auto same = [](const W& a, const void* b) { return std::memcmp(&a, b, sizeof(W)) == 0; };
    const auto swapped = E{}.template compare_exchange<W>(edge - sizeof(W), was, to);
    answer(swapped.ok() && swapped.value().swapped && same(to, edge - sizeof(W)),
           "a compare and exchange that stores");
    const auto kept = E{}.template compare_exchange<W>(edge - sizeof(W), was, was);
    answer(kept.ok() && !kept.value().swapped && same(kept.value().was, &to),
           "a compare and exchange that does not");
    const auto exchanged = E{}.template exchange<W>(edge - sizeof(W), was);
    answer(exchanged.ok() && same(exchanged.value(), &to) && land.intact(), "an exchange");
    answer(E{}.template exchange<W>(edge, to).stopped_by == expected, "an exchange on a bad page");
    answer(E{}.template compare_exchange<W>(edge, was, to).stopped_by == expected,
           "a compare and exchange on a bad page");
    if constexpr (sizeof(W) <= 8) {
      const auto before = E{}.template fetch_add<W>(edge - sizeof(W), W{1});
      const auto after = E{}.template fetch_add<W>(edge - sizeof(W), static_cast<W>(-1));
      answer(before.ok() && after.ok() && before.value() == was &&
                 after.value() == static_cast<W>(was + 1) && land.intact(),
             "a fetch and add");
      answer(E{}.template fetch_add<W>(edge, W{1}).stopped_by == expected,
             "a fetch and add on a bad page");
    }
  });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::atomic>) {
  atomics<E, std::uint8_t>(answer);
  atomics<E, std::uint16_t>(answer);
  atomics<E, std::uint32_t>(answer);
  atomics<E, std::uint64_t>(answer);
  if (surefoot::arch::has_pair_atomics()) atomics<E, word16>(answer);
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::tag>) {
  const bool has_tags = surefoot::arch::tags_are_here();
  before_each_bad_page(access_kind::read, [&](const memory::pages&, std::uint8_t* edge, kind bad) {
    const auto good = E{}.load_tag(edge - 1);
    answer(good.ok() && good.value() == reinterpret_cast<std::uintptr_t>(edge - 1),
           "the tag of memory that has none");
    // qemu's user mode does not look behind the mapping.
    if (bad == kind::past_end_of_file && machine::is_user_mode_emulation()) return;
    const auto refused = E{}.load_tag(edge);
    answer(has_tags ? refused.stopped_by == memory::fault_of<E>(bad, access_kind::read, edge)
                    : refused.ok(),
           "the tag of a bad byte");
  });
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::run>) {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{kind::good, bad};
    auto* const p = static_cast<volatile std::uint8_t*>(land.page(1));
    const fault expected = memory::fault_of(bad, access_kind::read, p);
    auto touch = [p]() noexcept { (void)*p; };
    auto rest = [&land]() noexcept { (void)*static_cast<volatile std::uint8_t*>(land.data()); };
    answer(E{}.run(touch) == expected, "code that faults");
    answer(E{}.run(rest) == fault{}, "code that does not");
    answer(E{}.run_within(p, 1, touch) == expected, "code that faults in the range");
    answer(E{}.run_within(p, 1, rest) == fault{}, "code that does not, with a range");
  }
}

template <class E>
void conforms(checked& answer, std::integral_constant<verb, verb::survey>) {
  for (const kind bad : memory::kinds_that_refuse(access_kind::read)) {
    const memory::pages land{kind::good, bad, bad, bad, bad, kind::good};
    typename E::survey survey;
    for (std::size_t i = 1; i < 3; ++i) {
      answer(survey.look(land.page(i), page_size).why == fault{}, "nothing is known of the first");
      survey.met(memory::fault_of<E>(bad, access_kind::read, land.page(i)));
    }
    const auto ahead = survey.look(land.page(3), 3 * page_size);
    answer(ahead.bytes >= 1 && ahead.bytes <= 3 * page_size, "a part of what was asked about");
    if (ahead.why.kind != cause::none) {
      answer(ahead.why == memory::fault_of<E>(bad, access_kind::read, land.page(3)),
             "the fault that would be met");
      answer(ahead.bytes <= 2 * page_size, "only where it would be");
    }
    answer(survey.look(land.page(5), page_size).why == fault{}, "nothing of good memory");
  }
}

template <class E, verb V>
std::size_t answers_of() {
  checked answer;
  if constexpr (E::offers(V)) {
    INFO("verb " << names[static_cast<int>(V)]);
    REQUIRE(E{}.ready());
    conforms<E>(answer, std::integral_constant<verb, V>{});
    CHECK(answer.answers() > 0);
  }
  return answer.answers();
}

// Does the kernel copy for us? qemu's user mode does not.
bool kernel_copies() {
  char from = 1, to = 0;
  const iovec source{&from, 1}, destination{&to, 1};
  return surefoot::os::copy_through_kernel(&destination, 1, &source, 1) == 1;
}

template <verb V>
std::string row() {
  char line[120];
  const auto cell = [](std::size_t answers) {
    return answers == 0 ? std::string("not offered") : std::to_string(answers);
  };
  std::snprintf(
      line, sizeof line, "%-8s %12s %12s %12s", names[static_cast<int>(V)],
#if SUREFOOT_HAS_TABLE
      cell(answers_of<surefoot::engine::table, V>()).c_str(),
#else
      "no table",
#endif
      cell(answers_of<surefoot::engine::jump, V>()).c_str(),
      kernel_copies() ? cell(answers_of<surefoot::engine::kernel, V>()).c_str() : "not run");
  return line;
}

TEST_CASE("every engine keeps the contract of each verb that it offers") {
  const std::string rows[] = {row<verb::probe>(), row<verb::scan>(),   row<verb::copy>(),
                              row<verb::fill>(),  row<verb::search>(), row<verb::load>(),
                              row<verb::store>(), row<verb::atomic>(), row<verb::tag>(),
                              row<verb::run>(),   row<verb::survey>()};
  if (!kernel_copies()) memory::say_skipped("process_vm_readv()");
  static_assert(std::size(verbs) == std::size(names));
  CHECK(std::size(rows) == std::size(verbs));
  std::printf("MATRIX: %-8s %12s %12s %12s\n", "answers", "table", "jump", "kernel");
  for (const std::string& line : rows) std::printf("MATRIX: %s\n", line.c_str());
}

}  // namespace
