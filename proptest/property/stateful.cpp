// Random sequences of mapping changes and calls: a model says what each call must answer and what
// every byte is afterwards, and reality agrees.
#include <fcntl.h>
#include <rapidcheck/state.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>
#include <vector>

#include "address_space.hpp"
#include "property.hpp"

namespace {

using namespace property;
using namespace property::model;

// The real thing: holes to map something in, and a file without a name.
class reality {
 public:
  unsigned char* arena() const { return holes_.data(); }
  int file() const { return file_.number(); }

 private:
  kit::minefield holes_{std::vector<kit::tile>(page_count, kit::tile::hole)};
  kit::detail::descriptor file_ = kit::detail::unnamed_file(file_pages * page_size);
};

using command = rc::state::Command<address_space, reality>;

pages any_pages() {
  const auto first = *kit::detail::within<std::size_t>(0, page_count - 1);
  return {first, *kit::detail::within<std::size_t>(1, page_count - first)};
}
int any_protection() {
  return *rc::gen::weightedElement<int>(
      {{4, PROT_READ | PROT_WRITE}, {2, PROT_READ}, {1, PROT_NONE}});
}
const char* name_of(int protection) {
  return (protection & PROT_WRITE) != 0 ? "rw" : (protection & PROT_READ) != 0 ? "r" : "none";
}

std::uint64_t commands_run = 0;

// Does every byte that can be read hold what the model says? Reading changes nothing in either.
void agree(const address_space& s, const reality& real) {
  ++commands_run;
  for (std::size_t i = 0; i < page_count; ++i) {
    const unsigned char* const p = real.arena() + i * page_size;
    const auto met = s.ask(i, access_kind::read);
    const auto first = surefoot::try_load<unsigned char>(p);
    RC_ASSERT(first.stopped_by == met.at(p, access_kind::read));
    if (met.accessible()) RC_ASSERT(std::memcmp(p, s.bytes_of(i).data(), page_size) == 0);
  }
}

// Changes of the mappings.

struct change : command {
  void run(const address_space& before, reality& real) const override {
    kit::detail::require(made(real), "a change of the mappings");
    agree(this->nextState(before), real);
  }
  virtual bool made(reality&) const = 0;
};

struct map_anonymous : change {
  pages where = any_pages();
  int protection = any_protection();

  void apply(address_space& s) const override {
    for (std::size_t i = where.first; i < where.end(); ++i)
      s.at[i] = {.what = backing::anonymous, .protection = protection};
  }
  bool made(reality& real) const override {
    return ::mmap(where.in(real.arena()), where.bytes(), protection,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  }
  void show(std::ostream& to) const override {
    to << "map anonymous " << where << ", " << name_of(protection);
  }
};

struct map_file : change {
  pages where = any_pages();
  std::size_t from = 0;  // page of the file
  bool is_shared = *rc::gen::arbitrary<bool>();
  int protection = any_protection();

  map_file() {
    where.count = std::min(where.count, file_pages);
    from = *kit::detail::within<std::size_t>(0, file_pages - where.count);
  }
  void apply(address_space& s) const override {
    for (std::size_t i = 0; i < where.count; ++i)
      s.at[where.first + i] = {.what = is_shared ? backing::shared_file : backing::private_file,
                               .protection = protection,
                               .of_file = from + i};
  }
  bool made(reality& real) const override {
    return ::mmap(where.in(real.arena()), where.bytes(), protection,
                  (is_shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, real.file(),
                  static_cast<off_t>(from * page_size)) != MAP_FAILED;
  }
  void show(std::ostream& to) const override {
    to << "map " << (is_shared ? "shared" : "private") << " file from its page " << from << ", "
       << where << ", " << name_of(protection);
  }
};

struct unmap : change {
  pages where = any_pages();

  void apply(address_space& s) const override {
    for (std::size_t i = where.first; i < where.end(); ++i) s.at[i] = {};
  }
  bool made(reality& real) const override {
    return ::munmap(where.in(real.arena()), where.bytes()) == 0;
  }
  void show(std::ostream& to) const override { to << "unmap " << where; }
};

struct protect : change {
  pages where = any_pages();
  int protection = any_protection();

  void checkPreconditions(const address_space& s) const override { RC_PRE(s.is_mapped(where)); }
  void apply(address_space& s) const override {
    for (std::size_t i = where.first; i < where.end(); ++i) s.at[i].protection = protection;
  }
  bool made(reality& real) const override {
    return ::mprotect(where.in(real.arena()), where.bytes(), protection) == 0;
  }
  void show(std::ostream& to) const override {
    to << "protect " << where << ", " << name_of(protection);
  }
};

// Guards, and takes guards away.
struct guard : change {
  pages where = any_pages();
  bool installs = *rc::gen::weightedElement<bool>({{2, true}, {1, false}});

  void checkPreconditions(const address_space& s) const override {
    RC_PRE(kit::is_here(kit::tile::guard_page));
    RC_PRE(s.is_anonymous(where));
  }
  void apply(address_space& s) const override {
    for (std::size_t i = where.first; i < where.end(); ++i) {
      if (installs) s.at[i].own = {};
      s.at[i].guarded = installs;
    }
  }
  bool made(reality& real) const override {
    constexpr int install = 102, remove = 103;  // MADV_GUARD_*, not in Debian 12's headers
    return ::madvise(where.in(real.arena()), where.bytes(), installs ? install : remove) == 0;
  }
  void show(std::ostream& to) const override { to << (installs ? "guard " : "unguard ") << where; }
};

struct discard : change {
  pages where = any_pages();

  void checkPreconditions(const address_space& s) const override { RC_PRE(s.is_mapped(where)); }
  void apply(address_space& s) const override {
    for (std::size_t i = where.first; i < where.end(); ++i) {
      s.at[i].own = {};
      s.at[i].is_own = false;
    }
  }
  bool made(reality& real) const override {
    return ::madvise(where.in(real.arena()), where.bytes(), MADV_DONTNEED) == 0;
  }
  void show(std::ostream& to) const override { to << "discard " << where; }
};

struct resize_file : change {
  std::size_t size = *kit::detail::within<std::size_t>(0, file_pages);

  void apply(address_space& s) const override {
    for (std::size_t i = size; i < s.file_size; ++i) s.file[i] = {};
    for (page& p : s.at)
      if (p.what == backing::private_file && p.of_file >= size) {  // copies go as well
        p.own = {};
        p.is_own = false;
      }
    s.file_size = size;
  }
  bool made(reality& real) const override {
    return ::ftruncate(real.file(), static_cast<off_t>(size * page_size)) == 0;
  }
  void show(std::ostream& to) const override { to << "resize file to " << size << " pages"; }
};

struct write_file : change {
  std::size_t which = *kit::detail::within<std::size_t>(0, file_pages - 1);
  unsigned char byte = *rc::gen::arbitrary<unsigned char>();

  void checkPreconditions(const address_space& s) const override { RC_PRE(which < s.file_size); }
  void apply(address_space& s) const override { s.file[which].write().fill(byte); }
  bool made(reality& real) const override {
    const std::vector<unsigned char> all(page_size, byte);
    return ::pwrite(real.file(), all.data(), page_size, static_cast<off_t>(which * page_size)) ==
           static_cast<ssize_t>(page_size);
  }
  void show(std::ostream& to) const override {
    to << "write page " << which << " of the file with " << int{byte};
  }
};

// Calls.

template <class E>
struct call : command {
  kit::reach r = *kit::any_reach(space_size);

  void run(const address_space& before, reality& real) const override {
    const address_space after = this->nextState(before);
    answers(before, real);
    // Whether a probe came to a page that has no copy of its own yet is the engine's business, as
    // long as it stays before the first bad byte: afterwards all of those have one.
    for (std::size_t i = 0; i < page_count; ++i)
      if (after.at[i].is_own && !before.at[i].is_own)
        __atomic_fetch_or(real.arena() + i * page_size, 0, __ATOMIC_RELAXED);
    agree(after, real);
  }
  // Makes the call, and asserts what it says.
  virtual void answers(const address_space& s, reality& real) const = 0;
  virtual const char* verb() const = 0;
  void show(std::ostream& to) const override {
    to << verb() << " with " << engine_name() << ", " << r;
  }

 protected:
  static const char* engine_name() {
    return is_kernel<E>                                         ? "kernel"
           : surefoot::detail::same<E, surefoot::engine::table> ? "table"
                                                                : "jump";
  }
  surefoot::progress expected(const address_space& s, const reality& real,
                              access_kind during) const {
    return progress_of<E>(s, real.arena(), r, during);
  }
  std::size_t reaches(const address_space& s, access_kind during) const {
    return model::reaches<E>(s, r, during);
  }
  void probe_for_write(address_space& s) const {
    const std::size_t done = reaches(s, access_kind::write);
    for (std::size_t at = r.offset; at < r.offset + done; at += page_size - at % page_size)
      s.touch_for_write(at / page_size);
  }
};

template <class E>
struct copy_out : call<E> {
  void answers(const address_space& s, reality& real) const override {
    std::vector<unsigned char> to(this->r.length + 1, 0x5a);
    const auto met =
        surefoot::try_copy(to.data(), real.arena() + this->r.offset, this->r.length, E{});
    RC_ASSERT(met == this->expected(s, real, access_kind::read));
    for (std::size_t i = 0; i < met.done; ++i) RC_ASSERT(to[i] == s.byte(this->r.offset + i));
    RC_ASSERT(std::all_of(to.begin() + static_cast<std::ptrdiff_t>(met.done), to.end(),
                          [](unsigned char b) { return b == 0x5a; }));
  }
  const char* verb() const override { return "copy out"; }
};

// A call that writes what it was given.
template <class E>
struct writing_call : call<E> {
  void checkPreconditions(const address_space& s) const override {
    RC_PRE(!s.copies_what_it_changes(this->r.offset / page_size,
                                     (this->r.end() + page_size - 1) / page_size));
  }
};

template <class E>
struct copy_in : writing_call<E> {
  unsigned char seed = *rc::gen::arbitrary<unsigned char>();

  unsigned char byte(std::size_t i) const { return static_cast<unsigned char>(seed + i * 31); }
  void apply(address_space& s) const override {
    const std::size_t done = this->reaches(s, access_kind::write);
    for (std::size_t i = 0; i < done; ++i) s.store(this->r.offset + i, byte(i));
  }
  void answers(const address_space& s, reality& real) const override {
    std::vector<unsigned char> from(this->r.length);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = byte(i);
    RC_ASSERT(surefoot::try_copy(real.arena() + this->r.offset, from.data(), from.size(), E{}) ==
              this->expected(s, real, access_kind::write));
  }
  const char* verb() const override { return "copy in"; }
};

template <class E>
struct fill : writing_call<E> {
  unsigned char byte = *rc::gen::arbitrary<unsigned char>();

  void apply(address_space& s) const override {
    const std::size_t done = this->reaches(s, access_kind::write);
    for (std::size_t i = 0; i < done; ++i) s.store(this->r.offset + i, byte);
  }
  void answers(const address_space& s, reality& real) const override {
    RC_ASSERT(surefoot::try_fill(real.arena() + this->r.offset, byte, this->r.length, E{}) ==
              this->expected(s, real, access_kind::write));
  }
  const char* verb() const override { return "fill"; }
};

template <class E>
struct store : writing_call<E> {
  std::uint64_t value = *rc::gen::arbitrary<std::uint64_t>();

  store() { this->r = {std::min(this->r.offset, space_size - sizeof value), sizeof value}; }
  void apply(address_space& s) const override {
    if (this->reaches(s, access_kind::write) < sizeof value) return this->probe_for_write(s);
    s.store_value(this->r.offset, value);
  }
  void answers(const address_space& s, reality& real) const override {
    auto* const p = reinterpret_cast<std::uint64_t*>(real.arena() + this->r.offset);
    RC_ASSERT(surefoot::try_store(p, value, E{}).stopped_by ==
              this->expected(s, real, access_kind::write).stopped_by);
  }
  const char* verb() const override { return "store"; }
};

template <class E>
struct add : call<E> {
  std::uint32_t value = *rc::gen::arbitrary<std::uint32_t>();

  add() { this->r = {std::min(this->r.offset, space_size - sizeof value) / 4 * 4, sizeof value}; }
  std::uint32_t was(const address_space& s) const {
    std::uint32_t word = 0;
    std::memcpy(&word, s.bytes_of(this->r.offset / page_size).data() + this->r.offset % page_size,
                sizeof word);
    return word;
  }
  void apply(address_space& s) const override {
    if (this->reaches(s, access_kind::write) == 0) return;
    s.store_value(this->r.offset, was(s) + value);
  }
  void answers(const address_space& s, reality& real) const override {
    auto* const p = reinterpret_cast<std::uint32_t*>(real.arena() + this->r.offset);
    const auto met = surefoot::try_fetch_add(p, value, E{});
    RC_ASSERT(met.stopped_by == this->expected(s, real, access_kind::write).stopped_by);
    if (met.ok()) RC_ASSERT(met.value() == was(s));
  }
  const char* verb() const override { return "fetch_add"; }
};

// A call that only asks, for reading or for writing.
template <class E>
struct probing_call : call<E> {
  access_kind during = *rc::gen::element(access_kind::read, access_kind::write);

  void apply(address_space& s) const override {
    if (during == access_kind::write) this->probe_for_write(s);
  }
};

template <class E>
struct fault_in : probing_call<E> {
  void answers(const address_space& s, reality& real) const override {
    unsigned char* const p = real.arena() + this->r.offset;
    const auto met = this->during == access_kind::read
                         ? surefoot::fault_in_readable(p, this->r.length, E{})
                         : surefoot::fault_in_writeable(p, this->r.length, E{});
    RC_ASSERT(met == this->expected(s, real, this->during));
  }
  const char* verb() const override {
    return this->during == access_kind::read ? "fault_in_readable" : "fault_in_writeable";
  }
};

template <class E>
struct ensure : probing_call<E> {
  void answers(const address_space& s, reality& real) const override {
    unsigned char* const p = real.arena() + this->r.offset;
    const auto loads = this->expected(s, real, access_kind::read);
    if (this->during == access_kind::read)
      RC_ASSERT(surefoot::ensure_readable(p, this->r.length, E{}).stopped_by == loads.stopped_by);
    else
      RC_ASSERT(surefoot::ensure_writeable(p, this->r.length, E{}).stopped_by ==
                refused_for_writing(loads, this->expected(s, real, access_kind::write)));
  }
  const char* verb() const override {
    return this->during == access_kind::read ? "ensure_readable" : "ensure_writeable";
  }
};

template <class E>
struct length : call<E> {
  void answers(const address_space& s, reality& real) const override {
    const auto readable = this->expected(s, real, access_kind::read);
    std::size_t n = 0;
    while (n < readable.done && s.byte(this->r.offset + n) != 0) ++n;
    const auto met = surefoot::try_length(
        reinterpret_cast<const char*>(real.arena() + this->r.offset), this->r.length, E{});
    if (n < readable.done || readable.all())
      RC_ASSERT(met.ok() && met.value() == n);
    else
      RC_ASSERT(met.stopped_by == readable.stopped_by);
  }
  const char* verb() const override { return "length"; }
};

using surefoot::engine::jump;
using surefoot::engine::kernel;
using surefoot::engine::table;

TEST_CASE("any sequence of mapping changes and calls leaves memory as a model says") {
  commands_run = 0;
  rc::prop("commands", [] {
    reality real;
    rc::state::check(
        address_space{}, real,
        rc::state::gen::execOneOfWithArgs<
            map_anonymous, map_file, unmap, protect, guard, discard, resize_file, write_file,
            copy_out<table>, copy_out<jump>, copy_out<kernel>, copy_in<table>, copy_in<jump>,
            copy_in<kernel>, fill<table>, fill<jump>, fill<kernel>, store<table>, store<jump>,
            store<kernel>, add<table>, add<jump>, fault_in<table>, fault_in<jump>, fault_in<kernel>,
            ensure<table>, ensure<jump>, ensure<kernel>, length<table>, length<jump>,
            length<kernel>>());
  });
  std::printf("%llu commands\n", static_cast<unsigned long long>(commands_run));
  if (!build::is_sanitized) CHECK((commands_run >= 100'000 || !default_cases()));
}

}  // namespace
