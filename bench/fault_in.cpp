// Faulting memory in: cold, and when all of it is there already.
#include <sys/mman.h>

#include <memory>
#include <surefoot/surefoot.hpp>

#include "contest.hpp"
#include "memory.hpp"
#include "touch.hpp"

namespace bench {

namespace {

using proof = decltype(surefoot::install());

// The two forms, each with what else would do it.
struct reading {
  static constexpr const char* name = "fault_in_readable";
  static void ours(unsigned char* p, std::size_t n, const proof& installed) {
    keep(surefoot::fault_in_readable(p, n, installed).done);
  }
  static void each_page(unsigned char* p, std::size_t n) { touch(p, n); }
  static constexpr const char* advice = "MADV_POPULATE_READ";
  static void populate(unsigned char* p, std::size_t n) { ::madvise(p, n, populate_read); }
  static void chill(const memory& all) { all.chill(); }
};
struct writing {
  static constexpr const char* name = "fault_in_writeable";
  static void ours(unsigned char* p, std::size_t n, const proof& installed) {
    keep(surefoot::fault_in_writeable(p, n, installed).done);
  }
  static void each_page(unsigned char* p, std::size_t n) { touch_to_write(p, n); }
  static constexpr const char* advice = "MADV_POPULATE_WRITE";
  static void populate(unsigned char* p, std::size_t n) { ::madvise(p, n, populate_write); }
  static void chill(const memory& all) { all.chill_for_writing(); }
};

std::shared_ptr<memory> made_of(backing kind, std::size_t n) {
  auto all = std::make_shared<memory>(n, kind);
  if (kind == backing::huge_pages && all->in_huge_pages() < n)
    throw not_here("the kernel gives no huge pages (AnonHugePages)");
  return all;
}

// Compared with the best of the methods that answer for every page.
template <class Form>
void enter_cold(std::size_t n, backing kind, std::size_t rounds) {
  enter(
      {std::string(Form::name) + ", cold", 1.05, 0, "ns",
       "that memory is cold shows by a touch, which faults: of 1 MiB of huge pages, all of which "
       "the kernel makes in 1.5 us, one fault is half. What a fault brings in around itself is "
       "touched ahead by 1 MiB at most, and a fault takes longer where a function has returned "
       "since "
       "the one before: 2 to 12 %"},
      size_name(n) + ", " + name_of(kind),
      [=] {
        const auto all = made_of(kind, n);
        const auto cold = [=](const char* name, auto fault_in) {
          return prepared(
              name, [=] { Form::chill(*all); }, [=] { fault_in(hide(all->at), all->size); });
        };
        return ways{
            cold(Form::name, [installed = surefoot::install()](
                                 unsigned char* p, std::size_t k) { Form::ours(p, k, installed); }),
            {cold("touch loop", Form::each_page), cold(Form::advice, Form::populate),
             cold("fault-around and touch",
                  [](unsigned char* p, std::size_t k) {
                    touch_around(p, k);
                    Form::each_page(p, k);
                  })},
            {}};
      },
      rounds);
}

// Compared with limit(memory, bytes).
template <class Form, class Limit>
void enter_resident(const char* of, double each, const std::string& variant, std::size_t n,
                    backing kind, const char* limit_name, Limit limit) {
  enter({std::string(Form::name) + ", resident " + of, each}, variant, [=] {
    const auto all = made_of(kind, n);
    const auto resident = [=](const char* name, auto fault_in) {
      return repeated(name, [=] { fault_in(hide(all->at), all->size); });
    };
    return ways{
        resident(Form::name, [installed = surefoot::install()](
                                 unsigned char* p, std::size_t k) { Form::ours(p, k, installed); }),
        {resident(limit_name, limit)},
        {}};
  });
}

template <class Form>
void enter_form() {
  for (const std::size_t pages : {1u, 16u, 256u, 4096u})
    enter_resident<Form>("small pages", 1.05,
                         std::to_string(pages) + (pages == 1 ? " page" : " pages"), pages * page,
                         backing::small_pages, "staggered touch loop", Form::each_page);
  for (const std::size_t mebibytes : {64u, 256u})
    enter_resident<Form>("huge pages", 2.0, size_name(mebibytes << 20), mebibytes << 20,
                         backing::huge_pages, Form::advice, Form::populate);
  for (const backing kind :
       {backing::small_pages, backing::huge_pages, backing::memfd, backing::file})
    for (const std::size_t mebibytes : {1u, 16u, 128u})
      enter_cold<Form>(mebibytes << 20, kind, mebibytes < 16 ? usual_rounds : few_rounds);
  enter_cold<Form>(std::size_t{16} << 20, backing::file_by_page, few_rounds);
}

}  // namespace

void enter_fault_in() {
  enter_form<reading>();
  enter_form<writing>();
}

}  // namespace bench
