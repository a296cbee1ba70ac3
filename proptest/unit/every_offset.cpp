// Byte-exactness without gaps: every source offset 0 to 16, destination offset 0 to 16 and length 0
// to 300, with a bad page right behind either side, against a plain reference.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "memory.hpp"

namespace {

using memory::kind;
using surefoot::access_kind;
using surefoot::progress;

constexpr std::size_t offsets = 17;
constexpr std::size_t longest = 300;
// The kernel engine and the sanitizers are slower by far: their grid has gaps, with every offset
// and length in it.
template <class E>
constexpr std::size_t gap =
    memory::sanitized || surefoot::detail::same<E, surefoot::engine::kernel> ? 5 : 1;

// The 400 bytes that end at the bad page behind `land`'s first good one, and a plain copy of them.
class shore {
 public:
  explicit shore(kind bad) : land_{kind::no_access, kind::good, bad} {}

  std::uint8_t* edge() const { return land_.page(2); }
  // Are the bytes as they were, but for n at p, which must equal those at `reference`? Then they
  // are again.
  bool became(std::uint8_t* p, const std::uint8_t* reference, std::size_t n) const {
    const bool fine = std::memcmp(p, reference, n) == 0 && land_.intact(p, n);
    memory::fill(p, n);
    return fine;
  }

 private:
  memory::pages land_;
};

// Calls check(src, dst, n, offset of the bad page behind the bad side's beginning) for the whole
// grid. The offset is the distance of the range's end from the bad page: 0 ends flush, 16 runs 16
// bytes into it.
template <class E, class Check>
void over_the_grid(Check check) {
  for (std::size_t src = 0; src < offsets; ++src)
    for (std::size_t dst = 0; dst < offsets; ++dst)
      for (std::size_t n = (src * offsets + dst) % gap<E>; n <= longest; n += gap<E>)
        check(src, dst, n);
}

template <class E>
bool answers(const progress& met, std::size_t n, std::size_t done, kind bad, access_kind during,
             const void* at) {
  return met == (done == n ? memory::finished(n) : memory::stopped<E>(done, n, bad, during, at));
}
constexpr std::size_t before(std::size_t n, std::size_t into) { return n > into ? n - into : 0; }

TEMPLATE_TEST_CASE("every copy over the grid is byte-exact, with a bad source", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  over_the_grid<TestType>([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);  // the source runs `src` bytes into the bad page
    const std::uint8_t* const p = from.edge() - done;
    std::uint8_t* const q = to.edge() - 16 - longest + dst;
    const progress met = surefoot::try_copy(q, p, n, TestType{});
    const bool fine =
        answers<TestType>(met, n, done, kind::past_end_of_file, access_kind::read, from.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every copy over the grid is byte-exact, with a bad destination", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  over_the_grid<TestType>([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, dst);
    const std::uint8_t* const p = from.edge() - 16 - longest + src;
    std::uint8_t* const q = to.edge() - done;
    const progress met = surefoot::try_copy(q, p, n, TestType{});
    const bool fine = answers<TestType>(met, n, done, kind::hole, access_kind::write, to.edge());
    if (!to.became(q, p, done) || !fine)
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

TEMPLATE_TEST_CASE("every fill over the grid is byte-exact", "", SUREFOOT_ALL_ENGINES) {
  const shore to(kind::no_access);
  std::uint8_t reference[longest];
  std::memset(reference, 0x3c, sizeof reference);
  over_the_grid<TestType>([&](std::size_t skew, std::size_t into, std::size_t n) {
    if (skew > into) return;  // one offset is enough: the alignment follows from it and the length
    const std::size_t done = before(n, into);
    std::uint8_t* const q = to.edge() - done;
    const progress met = surefoot::try_fill(q, 0x3c, n, TestType{});
    const bool fine =
        answers<TestType>(met, n, done, kind::no_access, access_kind::write, to.edge());
    if (!to.became(q, reference, done) || !fine)
      FAIL(into << " bytes into the bad page, length " << n);
  });
}

TEMPLATE_TEST_CASE("every gather and scatter over the grid is byte-exact", "",
                   SUREFOOT_ALL_ENGINES) {
  const shore many(kind::past_end_of_file), one(kind::hole);
  over_the_grid<TestType>([&](std::size_t cut, std::size_t into, std::size_t n) {
    const std::size_t done = before(n, into);
    std::uint8_t* const p = many.edge() - done;
    std::uint8_t* const q = one.edge() - longest;
    const std::size_t first = cut < n ? cut : n;
    const iovec buffers[] = {{p, first}, {nullptr, 0}, {p + first, n - first}};
    const progress gathered = surefoot::try_gather(q, buffers, TestType{});
    bool fine = answers<TestType>(gathered, n, done, kind::past_end_of_file, access_kind::read,
                                  many.edge());
    fine = one.became(q, p, done) && fine;
    const progress scattered = surefoot::try_scatter(buffers, q, TestType{});
    fine = answers<TestType>(scattered, n, done, kind::past_end_of_file, access_kind::write,
                             many.edge()) &&
           fine;
    fine = many.became(p, q, done) && fine;
    if (!fine) FAIL("cut at " << cut << ", " << into << " bytes into the bad page, length " << n);
  });
}

TEMPLATE_TEST_CASE("every string copy over the grid is byte-exact", "", SUREFOOT_ALL_ENGINES) {
  const shore from(kind::past_end_of_file), to(kind::hole);
  // No terminator before the fault; or one right before it.
  std::memset(from.edge() - longest, 'x', longest);
  over_the_grid<TestType>([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);
    auto* const p = reinterpret_cast<char*>(from.edge() - done);
    std::uint8_t* const q = to.edge() - 16 - longest + dst;
    const auto met = surefoot::try_copy_string(reinterpret_cast<char*>(q), p, n, TestType{});
    bool fine = answers<TestType>(met.copied, n, done, kind::past_end_of_file, access_kind::read,
                                  from.edge());
    fine = to.became(q, from.edge() - done, done) && fine;
    if (done > 0) {
      p[done - 1] = 0;
      const auto whole = surefoot::try_copy_string(reinterpret_cast<char*>(q), p, n, TestType{});
      fine = whole == surefoot::string_copy{memory::finished(done), true} && fine;
      fine = to.became(q, from.edge() - done, done) && fine;
      p[done - 1] = 'x';
    }
    if (!fine) FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
}

}  // namespace
