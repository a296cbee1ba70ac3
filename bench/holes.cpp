// Memory with many holes, in one call.
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <surefoot/surefoot.hpp>
#include <vector>

#include "contest.hpp"
#include "libc.hpp"
#include "memory.hpp"

namespace bench {

namespace {

// Pages in a row, all good or all bad.
struct run {
  std::size_t offset, bytes;
  bool bad;
};

std::vector<run> runs_of(std::size_t n, const std::function<bool(std::size_t)>& is_bad) {
  std::vector<run> all;
  for (std::size_t at = 0; at < n; at += page) {
    const bool bad = is_bad(at / page);
    if (all.empty() || all.back().bad != bad) all.push_back({at, 0, bad});
    all.back().bytes += page;
  }
  return all;
}

// How a page is made bad: guard pages lie within a mapping; what may not be accessed is a mapping of its own, of
// which a process can have 65,530.
enum class made_by { guard, no_access };

bool has_guards() {
  static const bool yes = [] {
    const memory one(page);
    return ::madvise(one.at, page, guard_install) == 0;
  }();
  return yes;
}

// Memory with such runs, and room to copy it to.
struct minefield {
  minefield(std::size_t n, std::vector<run> all, made_by how)
      : source(n), target(n), runs(std::move(all)) {
    for (const run& r : runs) {
      if (!r.bad) continue;
      const int refused = how == made_by::guard
                              ? ::madvise(source.at + r.offset, r.bytes, guard_install)
                              : ::mprotect(source.at + r.offset, r.bytes, PROT_NONE);
      if (refused != 0) give_up("making holes");
    }
  }

  memory source, target;
  std::vector<run> runs;
};

struct pattern {
  std::string name;
  std::size_t size;
  made_by how;
  std::function<bool(std::size_t)> is_bad;
};

// Drawn once, alike in each run of the program: bad with this probability.
std::function<bool(std::size_t)> at_random(double share) {
  return [share, drawn = std::mt19937_64(8)](std::size_t) mutable {
    return std::uniform_real_distribution<>()(drawn) < share;
  };
}

std::vector<pattern> patterns() {
  constexpr std::size_t mebibyte = 1u << 20, size = 256 * mebibyte;
  const made_by single = has_guards() ? made_by::guard : made_by::no_access;
  // Half as much where each hole is a mapping: there may be no more of these.
  const std::size_t many = has_guards() ? size : size / 2;
  const std::string kind = has_guards() ? "guard pages" : "pages without access";
  const auto in_runs_of = [](std::size_t pages) {
    return [pages](std::size_t i) { return i / pages % 2 != 0; };
  };
  std::vector<pattern> all{
      {size_name(many) + ", alternating " + kind, many, single, in_runs_of(1)},
      {size_name(size) + ", one in 64 bad", size, single,
       [](std::size_t i) { return i % 64 == 63; }},
      {size_name(many) + ", random half bad", many, single, at_random(0.5)},
      {size_name(size) + ", bad runs of 64", size, made_by::no_access, in_runs_of(64)},
      {size_name(size) + ", bad runs of 512", size, made_by::no_access, in_runs_of(512)}};
  // The same by the share of holes, for the plot.
  constexpr std::size_t less = 32 * mebibyte;
  for (const int per_mille : {1, 10, 100, 250, 500, 750, 900})
    all.push_back({size_name(less) + ", random " + std::to_string(per_mille) + " per mille bad",
                   less, single, at_random(per_mille / 1000.0)});
  return all;
}

// What is done: ours(target, source, n) in one call; and what is done by hand, which knows the runs: good(target,
// source, n) for a good one, and for a page of a bad one the cheapest refusal that there is.
template <class Ours, class Good, class Each>
void enter_many_holes(const char* name, Ours ours, const char* good_name, Good good,
                      Each each_page) {
  for (const pattern& p : patterns())
    enter(
        {std::string(name) + ", many holes", 1.10}, p.name,
        [=] {
          const auto field = std::make_shared<minefield>(p.size, runs_of(p.size, p.is_bad), p.how);
          const auto by_runs = [=](const char* way_name, auto good_run, auto bad_page) {
            return repeated(way_name, [=] {
              for (const run& r : field->runs) {
                unsigned char *const to = field->target.at + r.offset, *const from =
                                                                           field->source.at +
                                                                           r.offset;
                if (!r.bad) good_run(to, from, r.bytes);
                for (std::size_t at = 0; r.bad && at < r.bytes; at += page)
                  bad_page(to + at, from + at);
              }
            });
          };
          const auto read = [self = ::getpid()](void* to, void* from, std::size_t n) {
            const iovec local{to, n}, remote{from, n};
            keep(::process_vm_readv(self, &local, 1, &remote, 1, 0));
          };
          return ways{
              repeated(name, [=] { ours(field->target.at, field->source.at, field->source.size); }),
              {by_runs((good_name + std::string(", and a refusal a bad page")).c_str(), good,
                       [](void*, void* from) { keep(::madvise(from, page, populate_read)); })},
              {repeated("one fault a page",
                        [=] {
                          for (std::size_t at = 0; at < field->source.size; at += page)
                            each_page(field->target.at + at, field->source.at + at);
                        }),
               by_runs("process_vm_readv", read,
                       [=](void* to, void* from) { read(to, from, page); })}};
        },
        few_rounds);
}

}  // namespace

void enter_holes() {
  const auto installed = surefoot::install();
  const auto copy_page = [=](void* to, const void* from) {
    keep(surefoot::try_copy(to, from, page, installed).done);
  };
  const auto copy = [](void* to, const void* from, std::size_t n) { libc_memcpy(to, from, n); };
  enter_many_holes(
      "salvage",
      [=](void* to, const void* from, std::size_t n) {
        std::size_t lost = 0;
        keep(surefoot::salvage(
                 to, from, n,
                 [&](const surefoot::fault&, std::size_t, std::size_t bytes) { lost += bytes; },
                 installed)
                 .copied);
        keep(lost);
      },
      "memcpy", copy, copy_page);
}

}  // namespace bench
