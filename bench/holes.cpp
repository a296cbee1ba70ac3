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

// Memory with such runs, and room to copy it to, if it is to be copied.
struct minefield {
  minefield(std::size_t n, std::vector<run> all, made_by how, bool copied)
      : source(n), target(copied ? new memory(n) : nullptr), runs(std::move(all)) {
    for (const run& r : runs) {
      if (!r.bad) continue;
      const int refused = how == made_by::guard
                              ? ::madvise(source.at + r.offset, r.bytes, guard_install)
                              : ::mprotect(source.at + r.offset, r.bytes, PROT_NONE);
      if (refused != 0) give_up("making holes");
    }
  }

  unsigned char* from(std::size_t offset) const { return source.at + offset; }
  unsigned char* to(std::size_t offset) const {
    return target == nullptr ? nullptr : target->at + offset;
  }

  memory source;
  std::unique_ptr<memory> target;
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

// The first is the one with a hole of one page between any two good ones.
std::vector<pattern> patterns(std::size_t size, bool copied) {
  const made_by single = has_guards() ? made_by::guard : made_by::no_access;
  // Less where each hole is a mapping: 2^14 of them, and as many of what is between.
  const std::size_t many = has_guards() ? size : std::min(size, page << 15);
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
  // The same by the share of holes, for the plot. Less where it would take long, or too many mappings.
  const std::size_t less = copied || !has_guards() ? size / 8 : size;
  for (const int per_mille : {1, 10, 100, 250, 500, 750, 900})
    all.push_back({size_name(less) + ", random " + std::to_string(per_mille) + " per mille bad",
                   less, single, at_random(per_mille / 1000.0)});
  return all;
}

// The ways of one contest. Each callable is given (to, from, bytes), `to` null where nothing is copied.
template <class Ours, class Good, class Each>
ways over_holes(const std::shared_ptr<minefield>& field, const char* name, Ours ours,
                const char* good_name, Good good, Each each_page) {
  // What a loop by hand does that knows the runs.
  const auto by_runs = [=](const std::string& way_name, auto good_run, auto bad_page) {
    return repeated(way_name, [=] {
      for (const run& r : field->runs)
        if (r.bad)
          for (std::size_t at = r.offset; at < r.offset + r.bytes; at += page)
            bad_page(field->to(at), field->from(at), page);
        else
          good_run(field->to(r.offset), field->from(r.offset), r.bytes);
    });
  };
  const auto refused = [](void*, void* from, std::size_t n) {
    keep(::madvise(from, n, populate_read));
  };
  const auto read = [self = ::getpid()](void* to, void* from, std::size_t n) {
    const iovec local{to, n}, remote{from, n};
    keep(::process_vm_readv(self, &local, 1, &remote, 1, 0));
  };
  ways made{repeated(name, [=] { ours(field->to(0), field->from(0), field->source.size); }),
            {by_runs(good_name + std::string(", and a refusal a bad page"), good, refused)},
            {repeated("one fault a page", [=] {
              for (std::size_t at = 0; at < field->source.size; at += page)
                each_page(field->to(at), field->from(at), page);
            })}};
  if (field->target != nullptr) made.peers.push_back(by_runs("process_vm_readv", read, read));
  return made;
}

// ours() does all of it in one call; good() is what one does about a good run that knows it to be good, and
// each_page() what one does about a page not knowing.
template <class Ours, class Good, class Each>
void enter_many_holes(const char* name, std::size_t size, bool copied, Ours ours,
                      const char* good_name, Good good, Each each_page) {
  for (const pattern& p : patterns(size, copied))
    enter(
        {std::string(name) + ", many holes", 1.10, 0, "ns",
         "the limit knows where the holes are: ours looks for the next one (2 ns a page), or, "
         "where they "
         "are more than 2 MiB apart, meets it by its signal"},
        p.name,
        [=] {
          return over_holes(
              std::make_shared<minefield>(p.size, runs_of(p.size, p.is_bad), p.how, copied), name,
              ours, good_name, good, each_page);
        },
        few_rounds);
}

// The same beside one fault a page: ours may take so many times that.
template <class Ours, class Each>
void enter_against_faults(const char* name, std::size_t size, Ours ours, Each each_page) {
  const auto all = patterns(size, false);
  for (const pattern& p : all) {
    const bool is_long = p.name.find("bad runs") != std::string::npos;
    if (&p != &all.front() && !is_long) continue;
    enter(
        {std::string(name) + ", to one fault a page, " + (is_long ? "long holes" : "single pages"),
         is_long ? 0.10 : 0.25},
        p.name,
        [=] {
          const auto field =
              std::make_shared<minefield>(p.size, runs_of(p.size, p.is_bad), p.how, false);
          ways made = over_holes(
              field, name, ours, "", [](void*, void*, std::size_t) {}, each_page);
          return ways{made.ours, made.peers, {}};
        },
        few_rounds);
  }
}

// A touch of each page, of another cache line each time: one line in all of them falls into one cache set.
void touch_pages(const void* from, std::size_t n) {
  const auto* const p = static_cast<const volatile unsigned char*>(from);
  for (std::size_t i = 0; i < n / page; ++i) (void)p[i * page + i % 64 * 64];
}

}  // namespace

void enter_holes() {
  const auto installed = surefoot::install();
  enter_many_holes(
      "salvage", std::size_t{256} << 20, true,
      [=](void* to, const void* from, std::size_t n) {
        std::size_t lost = 0;
        const auto count = [&](const surefoot::fault&, std::size_t, std::size_t bytes) {
          lost += bytes;
        };
        keep(surefoot::salvage(to, from, n, count, installed).copied);
        keep(lost);
      },
      "memcpy", [](void* to, const void* from, std::size_t n) { libc_memcpy(to, from, n); },
      [=](void* to, const void* from, std::size_t n) {
        keep(surefoot::try_copy(to, from, n, installed).done);
      });

  const std::size_t whole = std::size_t{1} << 30;
  const auto find = [=](void*, const void* from, std::size_t n) {
    std::size_t bad = 0;
    const auto count = [&](const surefoot::fault&, std::size_t, std::size_t bytes) {
      bad += bytes;
    };
    keep(surefoot::find_holes(from, n, count, installed).good);
    keep(bad);
  };
  const auto ask = [=](void*, const void* from, std::size_t n) {
    keep(surefoot::fault_in_readable(from, n, installed).done);
  };
  enter_many_holes(
      "find_holes", whole, false, find, "touch",
      [](void*, void* from, std::size_t n) { touch_pages(from, n); }, ask);
  enter_against_faults("find_holes", whole, find, ask);
}

}  // namespace bench
