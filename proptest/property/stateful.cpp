// Random sequences of mapping changes and calls: a model says what each call must answer and what
// every byte is afterwards, and reality agrees.
#include <rapidcheck/state.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <surefoot/testing/address_space.hpp>
#include <vector>

#include "property.hpp"

namespace {

using namespace property;

using kit::change;
using kit::change_kind;
using kit::space_model;
using reality = kit::address_space;

using command = rc::state::Command<space_model, reality>;

std::uint64_t commands_run = 0;

// Does every byte that can be read hold what the model says, and does the library meet what it says?
// Reading changes nothing in either.
void agree(const space_model& s, reality& real) {
  ++commands_run;
  real.assume(s);
  for (std::size_t i = 0; i < kit::space_pages; ++i) {
    const unsigned char* const p = real.data() + i * kit::tile_size;
    RC_ASSERT(surefoot::try_load<unsigned char>(p).stopped_by ==
              s.ask(i * kit::tile_size, access_kind::read).at(p, access_kind::read));
  }
  RC_ASSERT(real.first_wrong() == kit::space_size);
}

change any_change() {
  const auto number = [](std::size_t least, std::size_t most) {
    return *kit::detail::within<std::size_t>(least, most);
  };
  change c{.what = static_cast<change_kind>(number(0, 7)),
           .first = number(0, kit::space_pages - 1)};
  const bool is_of_one = c.what == change_kind::map || c.what == change_kind::truncate ||
                         c.what == change_kind::poison || c.what == change_kind::write;
  c.count = is_of_one ? 1 : number(1, kit::space_pages - c.first);
  c.to = *kit::any_tile();
  c.file = *rc::gen::arbitrary<bool>() ? c.first : number(0, kit::space_pages - 1);
  c.protection =
      *rc::gen::weightedElement<int>({{4, PROT_READ | PROT_WRITE}, {2, PROT_READ}, {1, PROT_NONE}});
  c.size = *rc::gen::arbitrary<bool>() ? number(0, 1) * kit::tile_size : number(0, kit::tile_size);
  c.on = *rc::gen::weightedElement<bool>({{2, true}, {1, false}});
  c.advice = *rc::gen::element<int>(MADV_DONTNEED, MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT);
  c.seed = *rc::gen::arbitrary<unsigned char>();
  c.part = *kit::any_reach(kit::space_size);
  if (c.what == change_kind::write && c.on) {  // within one page of the file
    const std::size_t from = c.part.offset % kit::tile_size;
    c.part = {from, std::min(c.part.length, kit::tile_size - from)};
  }
  return c;
}

struct change_of_mappings : command {
  change c = any_change();

  void checkPreconditions(const space_model& s) const override { RC_PRE(s.is_possible(c)); }
  void apply(space_model& s) const override { s.apply(c); }
  void run(const space_model& before, reality& real) const override {
    RC_ASSERT(real.make(c));
    agree(this->nextState(before), real);
  }
  void show(std::ostream& to) const override { to << c; }
};

// Calls.

template <class E>
struct call : command {
  kit::reach r = *kit::any_reach(kit::space_size);

  void run(const space_model& before, reality& real) const override {
    const space_model after = this->nextState(before);
    answers(before, real);
    // Whether a probe came to a page that has no copy of its own yet is the engine's business, as
    // long as it stays before the first bad byte: afterwards all of those have one.
    for (std::size_t i = 0; i < kit::space_pages; ++i)
      if (after.pages[i].is_own && !before.pages[i].is_own)
        reality::rewrite(real.data() + i * kit::tile_size);
    agree(after, real);
  }
  // Makes the call, and asserts what it says.
  virtual void answers(const space_model& s, reality& real) const = 0;
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
  surefoot::progress expected(const space_model& s, const reality& real, access_kind during) const {
    return s.template expected<E>(real.data(), r, during);
  }
  std::size_t reaches(const space_model& s, access_kind during) const {
    return s.template reaches<E>(r, during);
  }
  void probe_for_write(space_model& s) const {
    const std::size_t done = reaches(s, access_kind::write);
    s.touch_for_write({r.offset, done});
  }
};

template <class E>
struct copy_out : call<E> {
  void answers(const space_model& s, reality& real) const override {
    std::vector<unsigned char> to(this->r.length + 1, 0x5a);
    const auto met =
        surefoot::try_copy(to.data(), real.data() + this->r.offset, this->r.length, E{});
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
  void checkPreconditions(const space_model& s) const override { RC_PRE(!s.has_aliases(this->r)); }
};

template <class E>
struct copy_in : writing_call<E> {
  unsigned char seed = *rc::gen::arbitrary<unsigned char>();

  unsigned char byte(std::size_t i) const { return static_cast<unsigned char>(seed + i * 31); }
  void apply(space_model& s) const override {
    const std::size_t done = this->reaches(s, access_kind::write);
    for (std::size_t i = 0; i < done; ++i) {
      const unsigned char one = byte(i);
      s.store(this->r.offset + i, &one, 1);
    }
  }
  void answers(const space_model& s, reality& real) const override {
    std::vector<unsigned char> from(this->r.length);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = byte(i);
    RC_ASSERT(surefoot::try_copy(real.data() + this->r.offset, from.data(), from.size(), E{}) ==
              this->expected(s, real, access_kind::write));
  }
  const char* verb() const override { return "copy in"; }
};

template <class E>
struct fill : writing_call<E> {
  unsigned char byte = *rc::gen::arbitrary<unsigned char>();

  void apply(space_model& s) const override {
    const std::size_t done = this->reaches(s, access_kind::write);
    const std::vector<unsigned char> bytes(done, byte);
    s.store(this->r.offset, bytes.data(), done);
  }
  void answers(const space_model& s, reality& real) const override {
    RC_ASSERT(surefoot::try_fill(real.data() + this->r.offset, byte, this->r.length, E{}) ==
              this->expected(s, real, access_kind::write));
  }
  const char* verb() const override { return "fill"; }
};

template <class E>
struct store : writing_call<E> {
  std::uint64_t value = *rc::gen::arbitrary<std::uint64_t>();

  store() { this->r = {std::min(this->r.offset, kit::space_size - sizeof value), sizeof value}; }
  void apply(space_model& s) const override {
    if (this->reaches(s, access_kind::write) < sizeof value) return this->probe_for_write(s);
    s.store(this->r.offset, reinterpret_cast<const unsigned char*>(&value), sizeof value);
  }
  void answers(const space_model& s, reality& real) const override {
    auto* const p = reinterpret_cast<std::uint64_t*>(real.data() + this->r.offset);
    RC_ASSERT(surefoot::try_store(p, value, E{}).stopped_by ==
              this->expected(s, real, access_kind::write).stopped_by);
  }
  const char* verb() const override { return "store"; }
};

template <class E>
struct add : call<E> {
  std::uint32_t value = *rc::gen::arbitrary<std::uint32_t>();

  add() {
    this->r = {std::min(this->r.offset, kit::space_size - sizeof value) / 4 * 4, sizeof value};
  }
  std::uint32_t was(const space_model& s) const {
    std::uint32_t word = 0;
    s.read(this->r.offset, reinterpret_cast<unsigned char*>(&word), sizeof word);
    return word;
  }
  void apply(space_model& s) const override {
    if (this->reaches(s, access_kind::write) == 0) return;
    const std::uint32_t now = was(s) + value;
    s.store(this->r.offset, reinterpret_cast<const unsigned char*>(&now), sizeof now);
  }
  void answers(const space_model& s, reality& real) const override {
    auto* const p = reinterpret_cast<std::uint32_t*>(real.data() + this->r.offset);
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

  void apply(space_model& s) const override {
    if (during == access_kind::write) this->probe_for_write(s);
  }
};

template <class E>
struct fault_in : probing_call<E> {
  void apply(space_model& s) const override {
    if (this->during == access_kind::read) return;
    s.touch_for_write({this->r.offset, s.template reaches_by_page<E>(this->r, this->during)});
  }
  void answers(const space_model& s, reality& real) const override {
    unsigned char* const p = real.data() + this->r.offset;
    const auto met = this->during == access_kind::read
                         ? surefoot::fault_in_readable(p, this->r.length, E{})
                         : surefoot::fault_in_writeable(p, this->r.length, E{});
    RC_ASSERT(met == s.template faulted_in<E>(real.data(), this->r, this->during));
  }
  const char* verb() const override {
    return this->during == access_kind::read ? "fault_in_readable" : "fault_in_writeable";
  }
};

template <class E>
struct ensure : probing_call<E> {
  void answers(const space_model& s, reality& real) const override {
    unsigned char* const p = real.data() + this->r.offset;
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
  void answers(const space_model& s, reality& real) const override {
    const auto readable = this->expected(s, real, access_kind::read);
    std::size_t n = 0;
    while (n < readable.done && s.byte(this->r.offset + n) != 0) ++n;
    const auto met = surefoot::try_length(
        reinterpret_cast<const char*>(real.data() + this->r.offset), this->r.length, E{});
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

TEST_CASE("a page of a private file that is rewritten is the process's own") {
  const int file = ::memfd_create("surefoot-rewritten", MFD_CLOEXEC);
  REQUIRE(file >= 0);
  REQUIRE(::ftruncate(file, static_cast<off_t>(kit::tile_size)) == 0);
  void* const at = ::mmap(nullptr, kit::tile_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  REQUIRE(at != MAP_FAILED);
  auto* const p = static_cast<unsigned char*>(at);
  reality::rewrite(p);
  const unsigned char other = 1;
  CHECK(::pwrite(file, &other, 1, 0) == 1);
  CHECK(*static_cast<volatile unsigned char*>(p) == 0);
  ::munmap(at, kit::tile_size);
  ::close(file);
}

TEST_CASE("any sequence of mapping changes and calls leaves memory as a model says") {
  commands_run = 0;
  prop("commands", [] {
    static reality real;  // laid anew for each run: making one costs more than a run
    const kit::space_layout layout = {*kit::any_tile(), *kit::any_tile(), *kit::any_tile(),
                                      *kit::any_tile()};
    real.lay(layout);
    rc::state::check(
        real.model(), real,
        rc::state::gen::execOneOfWithArgs<
            change_of_mappings, change_of_mappings, change_of_mappings, change_of_mappings,
            change_of_mappings, copy_out<table>, copy_out<jump>, copy_out<kernel>, copy_in<table>,
            copy_in<jump>, copy_in<kernel>, fill<table>, fill<jump>, fill<kernel>, store<table>,
            store<jump>, store<kernel>, add<table>, add<jump>, fault_in<table>, fault_in<jump>,
            fault_in<kernel>, ensure<table>, ensure<jump>, ensure<kernel>, length<table>,
            length<jump>, length<kernel>>());
  });
  std::printf("%llu commands\n", static_cast<unsigned long long>(commands_run));
  if (!build::is_sanitized) CHECK((commands_run >= 100'000 || !default_cases()));
}

}  // namespace
