// try_copy between tagged pages: 16 offsets of the source x 16 of the destination x 8 lengths, and in each the
// granule with another tag on either side.
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <surefoot/surefoot.hpp>

#include "tagged.hpp"

namespace {

using surefoot::access_kind;
using surefoot::progress;
using tagged::granule;

constexpr std::size_t lengths[] = {1, 7, 16, 17, 47, 64, 129, 200};
constexpr std::size_t first_granule = 4;

// How many of the n bytes from p on come before the damage.
std::size_t good(const std::uint8_t* p, std::size_t n, const tagged::damage& d) {
  if (p >= d.end || p + n <= d.first) return n;
  return p < d.first ? static_cast<std::size_t>(d.first - p) : 0;
}

template <class E>
progress expected(const std::uint8_t* dst, const tagged::damage& to, const std::uint8_t* src,
                  const tagged::damage& from, std::size_t n) {
  const std::size_t readable = good(src, n, from), writable = good(dst, n, to);
  // A byte is loaded before it is stored.
  if (readable < n && readable <= writable)
    return {readable, n - readable, from.met<E>(access_kind::read, src + readable)};
  if (writable < n) return {writable, n - writable, to.met<E>(access_kind::write, dst + writable)};
  return {n, 0};
}

// Copies, and looks at each byte of the destination's page: the prefix, and nothing else, is new.
template <class E>
bool copies_right(const tagged::page& to, std::size_t dst, const tagged::page& from,
                  std::size_t src, std::size_t n) {
  const progress right =
      expected<E>(to.data() + dst, to.damaged(), from.data() + src, from.damaged(), n);
  const progress met = surefoot::try_copy(to.data() + dst, from.data() + src, n, E{});
  bool fine = met == right;
  for (std::size_t i = 0; i < right.done; ++i)
    fine = fine && *to.own(dst + i) == from.content(src + i);
  to.lay(dst, right.done);
  return fine && to.intact(dst - 32, n + 64);
}

template <class E>
void check_copies(int sharing) {
  if (!tagged::offered()) return;
  const tagged::checks on(tagged::tag_checks::synchronous);
  tagged::page to(sharing), from(sharing);
  for (std::size_t s = 0; s < granule; ++s)
    for (std::size_t d = 0; d < granule; ++d)
      for (const std::size_t n : lengths)
        for (const std::size_t bad : {std::size_t{0}, n / 2 / granule, (n - 1) / granule}) {
          const std::size_t src = first_granule * granule + s, dst = first_granule * granule + d;
          from.spoil(first_granule + bad);
          to.mend();
          bool fine = copies_right<E>(to, dst, from, src, n);
          to.spoil(first_granule + bad);
          fine = copies_right<E>(to, dst, from, src, n) && fine;
          from.mend();
          fine = copies_right<E>(to, dst, from, src, n) && fine;
          if (!fine)
            FAIL_CHECK(n << " bytes from offset " << s << " to offset " << d << ", another tag "
                         << bad << " granules on");
        }
  CHECK((from.intact() && to.intact()));
}

}  // namespace

TEMPLATE_TEST_CASE("a copy between tagged pages writes the exact prefix, at each pair of offsets",
                   "", SUREFOOT_SIGNAL_ENGINES) {
  check_copies<TestType>(tagged::of_one_process);
}
TEMPLATE_TEST_CASE("a copy between tagged pages that are shared writes the exact prefix", "",
                   SUREFOOT_SIGNAL_ENGINES) {
  check_copies<TestType>(tagged::shared);
}
