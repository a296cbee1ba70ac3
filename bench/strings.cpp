// Strings in good memory, beside libc's.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"

namespace bench {

namespace {

constexpr std::size_t sizes[] = {1,  4,   7,   8,   15,   16,   31,    32,    63,
                                 64, 100, 256, 511, 1024, 4096, 16384, 262144};

std::size_t (*volatile libc_strnlen)(const char*, std::size_t) = ::strnlen;
const void* (*volatile libc_memchr)(const void*, int, std::size_t) = std::memchr;
int (*volatile libc_memcmp)(const void*, const void*, std::size_t) = std::memcmp;

// n letters, and what ends them; twice.
struct texts {
  explicit texts(std::size_t n) {
    for (char** p : {&left, &right}) {
      *p = static_cast<char*>(std::aligned_alloc(4096, (n + 64 + 4095) / 4096 * 4096)) + 5;
      std::memset(*p, 'a', n);
      std::memset(*p + n, 0, 32);
    }
  }
  ~texts() {
    std::free(left - 5);
    std::free(right - 5);
  }
  texts(const texts&) = delete;
  texts& operator=(const texts&) = delete;

  char *left, *right;
};

// ours(left, right, n) beside libc(left, right, n).
template <class Ours, class Libc>
void enter_text(const char* row, const char* peer, std::size_t n, Ours ours, Libc libc) {
  const goal wanted{.row = row,
                    .each = 1.3,
                    .reason =
                        "up to 31 B libc looks at 32 bytes, also behind the range, in 4 cycles; to "
                        "look at no more than the range, and the tests of it, take 1 to 2 cycles "
                        "more on a core of our own, up to 8 on one that another tenant uses, too"};
  enter(wanted, std::to_string(n) + " B", [=] {
    const auto text = std::make_shared<texts>(n);
    const char *const left = text->left, *const right = text->right;
    const auto asked = [=](auto ask) {
      return [ask, left, right, n, owner = text] { keep(ask(hide(left), hide(right), hide(n))); };
    };
    return ways{repeated(row, asked(ours)), {repeated(peer, asked(libc))}, {}};
  });
}

}  // namespace

void enter_strings() {
  const auto installed = surefoot::install();
  for (const std::size_t n : sizes) {
    enter_text(
        "try_length", "strnlen", n,
        [=](const char* p, const char*, std::size_t k) {
          return surefoot::try_length(p, k + 32, installed).value_or(0);
        },
        [](const char* p, const char*, std::size_t k) { return libc_strnlen(p, k + 32); });
    enter_text(
        "try_find", "memchr", n,
        [=](const char* p, const char*, std::size_t k) {
          return surefoot::try_find(p, 0, k + 32, installed).value_or(nullptr);
        },
        [](const char* p, const char*, std::size_t k) { return libc_memchr(p, 0, k + 32); });
    enter_text(
        "try_compare", "memcmp", n,
        [=](const char* p, const char* q, std::size_t k) {
          return surefoot::try_compare(p, q, k, installed).value_or(1);
        },
        [](const char* p, const char* q, std::size_t k) { return libc_memcmp(p, q, k); });
  }
}

}  // namespace bench
