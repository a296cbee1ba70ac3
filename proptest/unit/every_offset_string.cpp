// The string verbs without gaps, against strnlen, memchr, memcmp and a plain copy.
#include <string.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <surefoot/surefoot.hpp>

#include "engines.hpp"
#include "every_offset.hpp"
#include "memory.hpp"

namespace {

using every_offset::answer;
using every_offset::before;
using every_offset::over_the_grid;
using every_offset::shore;
using memory::kind;
using surefoot::access_kind;
using surefoot::fault;
using surefoot::string_copy;

constexpr char mark = '#';

// A good page of letters between bad pages.
class text {
 public:
  explicit text(kind bad) : land_(bad), bad_(bad) {
    for (std::size_t i = 0; i < memory::page_size; ++i) beginning()[i] = letter(i);
  }

  char* beginning() const { return reinterpret_cast<char*>(land_.beginning()); }
  char* edge() const { return reinterpret_cast<char*>(land_.edge()); }
  // The fault that a read behind the last letter meets.
  template <class E>
  fault behind() const {
    return memory::fault_of<E>(bad_, access_kind::read, edge());
  }
  // Is each letter still there?
  bool intact() const {
    for (std::size_t i = 0; i < memory::page_size; ++i)
      if (beginning()[i] != letter(i)) return false;
    return true;
  }

 private:
  static char letter(std::size_t i) { return static_cast<char>('a' + (i * 7 + i / 26) % 26); }

  shore land_;
  kind bad_;
};

// Puts a character somewhere for as long as it lives.
class put {
 public:
  put(char* p, char c) : p_(p), was_(*p) { *p = c; }
  ~put() { *p_ = was_; }
  put(const put&) = delete;
  put& operator=(const put&) = delete;

 private:
  char* p_;
  char was_;
};

int sign(int order) { return (order > 0) - (order < 0); }

TEMPLATE_TEST_CASE("every length over the grid is strnlen's", "", SUREFOOT_ALL_ENGINES) {
  const text from(kind::past_end_of_file);
  const fault bad = from.behind<TestType>();
  over_the_grid([&](std::size_t src, std::size_t tail, std::size_t n) {
    const std::size_t done = before(n, src);
    const char* const p = from.edge() - done;
    const auto is_strnlen = [&] {
      const std::size_t length = ::strnlen(p, done);
      const auto met = surefoot::try_length(p, n, TestType{});
      const bool ends = length < done || done == n;
      return ends ? met.value_or(~length) == length : met.stopped_by == bad;
    };
    bool fine = is_strnlen();
    // With a terminator `tail` bytes before the last one, in the string or before it.
    const put terminator(from.edge() - 1 - tail, '\0');
    fine = is_strnlen() && fine;
    if (!fine) FAIL("source " << src << ", tail " << tail << ", limit " << n);
  });
  CHECK(from.intact());
}

TEMPLATE_TEST_CASE("every find over the grid is memchr's", "", SUREFOOT_ALL_ENGINES) {
  const text from(kind::no_access);
  const fault bad = from.behind<TestType>();
  over_the_grid([&](std::size_t src, std::size_t tail, std::size_t n) {
    const std::size_t done = before(n, src);
    const char* const p = from.edge() - done;
    const auto is_memchr = [&] {
      const void* const found = std::memchr(p, mark, done);
      const auto met = surefoot::try_find(p, mark, n, TestType{});
      const bool ends = found != nullptr || done == n;
      return ends ? met.value_or(&bad) == found : met.stopped_by == bad;
    };
    bool fine = is_memchr();
    const put first(from.edge() - 1 - tail, mark), last(from.edge() - 1, mark);
    fine = is_memchr() && fine;
    if (!fine) FAIL("source " << src << ", tail " << tail << ", length " << n);
  });
  CHECK(from.intact());
}

// Compares, with a bad page behind one of the two, equal bytes; and with a difference in the last of
// them, and before that, in either direction.
template <class E>
bool compares(char* a, char* b, std::size_t done, std::size_t n, const fault& bad) {
  const auto ends_as = [&](std::size_t compared) {
    const int order = std::memcmp(a, b, compared);
    const auto met = surefoot::try_compare(a, b, n, E{});
    if (order == 0 && compared < n) return met.stopped_by == bad;
    return met.ok() && sign(met.value()) == sign(order);
  };
  bool fine = ends_as(done);
  if (done > 0) {
    const put less(a + done - 1, ' ');
    fine = ends_as(done) && fine;
    const put more(a + done / 2, '~');
    fine = ends_as(done) && fine;
  }
  return fine;
}

TEMPLATE_TEST_CASE("every comparison over the grid is memcmp's, with a bad left side", "",
                   SUREFOOT_ALL_ENGINES) {
  const text left(kind::past_end_of_file), right(kind::hole);
  const fault bad = left.behind<TestType>();
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);
    char* const a = left.edge() - done;
    char* const b = right.beginning() + dst;
    std::memcpy(b, a, done);
    if (!compares<TestType>(a, b, done, n, bad))
      FAIL("left " << src << ", right " << dst << ", length " << n);
  });
  CHECK(left.intact());
}

TEMPLATE_TEST_CASE("every comparison over the grid is memcmp's, with a bad right side", "",
                   SUREFOOT_ALL_ENGINES) {
  const text left(kind::past_end_of_file), right(kind::hole);
  const fault bad = right.behind<TestType>();
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, dst);
    char* const a = left.beginning() + src;
    char* const b = right.edge() - done;
    std::memcpy(a, b, done);
    if (!compares<TestType>(a, b, done, n, bad))
      FAIL("left " << src << ", right " << dst << ", length " << n);
  });
  CHECK(right.intact());
}

// Copies the string at p to q: without a terminator in the first `done` bytes, and with one that is
// the last of them.
template <class E>
bool copies(char* p, const shore& to, std::uint8_t* q, std::size_t done, std::size_t n,
            const string_copy& unterminated) {
  auto* const dst = reinterpret_cast<char*>(q);
  const auto reference = reinterpret_cast<const std::uint8_t*>(p);
  bool fine = surefoot::try_copy_string(dst, p, n, E{}) == unterminated;
  fine = to.became(q, reference, done) && fine;
  if (done > 0) {
    const put terminator(p + done - 1, '\0');
    fine = surefoot::try_copy_string(dst, p, n, E{}) == string_copy{memory::finished(done), true} &&
           fine;
    fine = to.became(q, reference, done) && fine;
  }
  return fine;
}

TEMPLATE_TEST_CASE("every string copy over the grid is byte-exact, with a bad source", "",
                   SUREFOOT_ALL_ENGINES) {
  const text from(kind::past_end_of_file);
  const shore to(kind::hole);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, src);
    const string_copy cut_short{
        answer<TestType>(done, n, kind::past_end_of_file, access_kind::read, from.edge())};
    if (!copies<TestType>(from.edge() - done, to, to.beginning() + dst, done, n, cut_short))
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
  CHECK(from.intact());
}

TEMPLATE_TEST_CASE("every string copy over the grid is byte-exact, with a bad destination", "",
                   SUREFOOT_ALL_ENGINES) {
  const text from(kind::past_end_of_file);
  const shore to(kind::hole);
  over_the_grid([&](std::size_t src, std::size_t dst, std::size_t n) {
    const std::size_t done = before(n, dst);
    char* const p = from.beginning() + src;
    const string_copy cut_short{
        answer<TestType>(done, n, kind::hole, access_kind::write, to.edge())};
    // The first byte that is left out is the terminator: of the limit, or because it does not fit.
    const put terminator(p + done, '\0');
    if (!copies<TestType>(p, to, to.edge() - done, done, n, cut_short))
      FAIL("source " << src << ", destination " << dst << ", length " << n);
  });
  CHECK(from.intact());
}

}  // namespace
