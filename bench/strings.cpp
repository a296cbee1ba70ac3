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

}  // namespace

void enter_strings() {
  const auto installed = surefoot::install();
  for (const std::size_t n : sizes) {
    const std::string variant = std::to_string(n) + " B";
    enter({"try_length", 1.3}, variant, [=] {
      const auto text = std::make_shared<texts>(n);
      const char* const p = text->left;
      return ways{{"try_length",
                   [=](std::size_t times) {
                     (void)text;
                     for (; times > 0; --times)
                       keep(surefoot::try_length(hide(p), hide(n + 32), installed).value_or(0));
                   }},
                  {{"strnlen",
                    [=](std::size_t times) {
                      for (; times > 0; --times) keep(libc_strnlen(hide(p), hide(n + 32)));
                    }}},
                  {}};
    });
    enter({"try_find", 1.3}, variant, [=] {
      const auto text = std::make_shared<texts>(n);
      const char* const p = text->left;
      return ways{
          {"try_find",
           [=](std::size_t times) {
             (void)text;
             for (; times > 0; --times)
               keep(surefoot::try_find(hide(p), 0, hide(n + 32), installed).value_or(nullptr));
           }},
          {{"memchr",
            [=](std::size_t times) {
              for (; times > 0; --times) keep(libc_memchr(hide(p), 0, hide(n + 32)));
            }}},
          {}};
    });
    enter({"try_compare", 1.3}, variant, [=] {
      const auto text = std::make_shared<texts>(n);
      const char *const p = text->left, *const q = text->right;
      return ways{
          {"try_compare",
           [=](std::size_t times) {
             (void)text;
             for (; times > 0; --times)
               keep(surefoot::try_compare(hide(p), hide(q), hide(n), installed).value_or(1));
           }},
          {{"memcmp",
            [=](std::size_t times) {
              for (; times > 0; --times) keep(libc_memcmp(hide(p), hide(q), hide(n)));
            }}},
          {}};
    });
  }
}

}  // namespace bench
