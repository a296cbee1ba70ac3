// The kit for fuzzers: every byte string is a program, a small change of it is a small change of the
// program, and edits stay within their room. And the dictionary says what it means.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <surefoot/testing/fuzzed.hpp>
#include <vector>

#include "pages.hpp"
#include "property.hpp"

namespace {

using namespace property;

using bytes = std::vector<std::uint8_t>;
constexpr const char* names[] = {"one call", "another call"};

kit::fuzzed program_of(const bytes& b) { return {b.data(), b.size()}; }
std::vector<std::string> lines_of(const bytes& b) {
  std::istringstream from(program_of(b).text(names));
  std::vector<std::string> all;
  for (std::string line; std::getline(from, line);) all.push_back(line);
  return all;
}

rc::Gen<bytes> any_bytes(int most = 100) {
  return rc::gen::resize(most, rc::gen::arbitrary<bytes>());
}

TEST_CASE("every byte string is a program that runs, and leaves the layout as its model says") {
  static kit::address_space space;
  std::size_t made = 0, calls = 0;
  prop("any bytes", [&] {
    const bytes b = *any_bytes();
    kit::fuzzed program = program_of(b);
    program.run(space, [&](kit::fuzzed_call& c) {
      ++calls;
      const kit::reach r = c.part();
      RC_ASSERT(r.end() <= kit::space_size);
      // What it takes of the records behind it is within bounds as well, also where there are none.
      RC_ASSERT(c.next_part().end() <= kit::space_size);
      const kit::step_plan step = c.next_step(false);
      RC_ASSERT((step.amount >= 1 && step.kind <= kit::step_kind::ended));
      if (space.make(c.next_change())) ++made;
      const auto met = surefoot::fault_in_readable(space.data() + r.offset, r.length);
      RC_ASSERT(met == space.faulted_in<surefoot::engine::standard>(r, access_kind::read));
    });
    RC_ASSERT(space.first_wrong() == kit::space_size);
    RC_ASSERT(lines_of(b).size() == 2 + program.records());
  });
  CHECK(calls > (build::is_emulated ? 20 : 100));
  CHECK(made > (build::is_emulated ? 2 : 10));
}

TEST_CASE("a program runs the same whatever ran before it") {
  static kit::address_space space;
  prop("any two", [] {
    const bytes one = *any_bytes(), other = *any_bytes();
    const auto run = [](const bytes& b) {
      std::string all;
      program_of(b).run(space, [&](kit::fuzzed_call&) { all += space.model().picture(); });
      return all + space.model().picture();
    };
    const std::string alone = run(one);
    (void)run(other);
    RC_ASSERT(run(one) == alone);
    RC_ASSERT(space.first_wrong() == kit::space_size);
  });
}

// Are these pages what cannot be seen in their bytes: without memory yet, the kernel's page of zeros, part of a
// huge page? True also where the kernel does not say.
bool is_really(kit::tile t, const unsigned char* page) {
  switch (t) {
    case kit::tile::untouched: return is_present(page) != true;
    case kit::tile::zero_page:
      return is_present(page) != false && is(page_flag::zero_page, page) != false;
    case kit::tile::huge_page: return is(page_flag::piece_of_a_huge_page, page) != false;
    default: return true;
  }
}

TEST_CASE("a page is laid the same whatever was there and became of it") {
  using kit::change_kind;
  static kit::address_space space;
  const kit::change changes[] = {
      {.what = change_kind::write, .part = {100, 3000}, .seed = 9},
      {.what = change_kind::protect, .protection = PROT_NONE},
      {.what = change_kind::protect, .protection = PROT_READ},
      {.what = change_kind::guard, .on = true},
      {.what = change_kind::poison},
      {.what = change_kind::truncate, .size = 0},
      {.what = change_kind::truncate, .size = 1000},
      {.what = change_kind::advise, .advice = MADV_DONTNEED},
      {.what = change_kind::unmap},
  };
  const auto same = [](kit::tile t) { return kit::space_layout{t, t, t, t}; };
  space.lay(same(kit::tile::read_write));
  if (!is(page_flag::zero_page, space.data()))
    std::puts("SKIPPED: whether a laid page is huge, or the page of zeros: needs root and /proc");
  std::size_t made = 0;
  for (std::size_t was = 0; was < kit::tile_kinds; ++was)
    for (std::size_t is = 0; is < kit::tile_kinds; ++is)
      for (const kit::change& became : changes) {
        // Emulated: each change of each kind, and each kind after each other one.
        const auto which = static_cast<std::size_t>(&became - changes);
        if (build::is_emulated && (was + is + which) % 3 != 0) continue;
        space.lay(same(static_cast<kit::tile>(was)));
        if (space.make(became)) ++made;
        const bool became_so = space.first_wrong() == kit::space_size;
        space.lay(same(static_cast<kit::tile>(is)));
        const kit::reach page{0, kit::tile_size};
        const bool is_so = is_really(space.model().pages[0].laid, space.data()) &&
                           space.first_wrong() == kit::space_size;
        const auto readable = surefoot::fault_in_readable(space.data(), page.length);
        const auto writeable = surefoot::fault_in_writeable(space.data(), page.length);
        space.probed_for_write({0, writeable.done});
        if (became_so && is_so &&
            readable == space.faulted_in<surefoot::engine::standard>(page, access_kind::read) &&
            writeable == space.faulted_in<surefoot::engine::standard>(page, access_kind::write))
          continue;
        std::ostringstream said;
        said << became;
        FAIL_CHECK(name(static_cast<kit::tile>(was))
                   << ", " << said.str() << ", then " << name(static_cast<kit::tile>(is)));
      }
  CHECK(made > (build::is_emulated ? 300 : 1000));
}

TEST_CASE("a child of fork has an address space of its own") {
  static kit::address_space space;
  prop("whatever either does", [] {
    const bytes before = *any_bytes(), in_child = *any_bytes(), after = *any_bytes();
    const auto run = [](const bytes& b) { program_of(b).run(space, [](kit::fuzzed_call&) {}); };
    run(before);
    const kit::answer userfault = kit::ask(kit::tile::userfault_missing, 0, access_kind::read);
    const ::pid_t child = ::fork();
    RC_ASSERT(child >= 0);
    if (child == 0) {
      run(in_child);
      const bool right = space.first_wrong() == kit::space_size;
      // A userfaultfd stays behind in the parent: the child needs one of its own.
      space.lay({kit::tile::userfault_missing, kit::tile::shared_file, kit::tile::secret,
                 kit::tile::private_file});
      const auto met = surefoot::try_load<unsigned char>(space.data()).stopped_by;
      const bool has_own =
          !kit::is_here(kit::tile::userfault_missing) || met.kind == userfault.kind;
      ::_exit(right && has_own && space.first_wrong() == kit::space_size ? 0 : 1);
    }
    int status = 0;
    RC_ASSERT(::waitpid(child, &status, 0) == child);
    RC_ASSERT(status == 0);
    RC_ASSERT(space.first_wrong() == kit::space_size);
    run(after);
    RC_ASSERT(space.first_wrong() == kit::space_size);
  });
}

TEST_CASE("a truncation takes private copies along, and what stood behind the end") {
  using kit::change_kind;
  using kit::tile;
  kit::address_space space;
  space.lay({tile::private_file, tile::shared_file, tile::hole, tile::hole});
  const auto write = [&](std::size_t page) {
    return space.make(
        {.what = change_kind::write, .part = {page * kit::tile_size + 3000, 100}, .seed = 8});
  };
  const auto cut = [&](std::size_t page, std::size_t size) {
    return space.make({.what = change_kind::truncate, .first = page, .size = size});
  };
  REQUIRE((write(0) && write(1)));
  CHECK((space.data()[3000] == 8 && space.first_wrong() == kit::space_size));
  REQUIRE((cut(0, 0) && cut(1, 2000)));
  CHECK(space.expected<surefoot::engine::standard>({0, 1}, access_kind::read).stopped_by.kind ==
        surefoot::cause::no_backing);
  REQUIRE((cut(0, kit::tile_size) && cut(1, kit::tile_size)));
  CHECK(space.first_wrong() == kit::space_size);
  CHECK((space.data()[3000] == 0 && space.data()[kit::tile_size + 3000] == 0));
}

TEST_CASE("another byte changes one line of a program") {
  prop("anywhere", [] {
    bytes b = *rc::gen::nonEmpty(any_bytes());
    const auto before = lines_of(b);
    const std::size_t at = *kit::detail::within<std::size_t>(0, b.size() - 1);
    b[at] = *rc::gen::arbitrary<std::uint8_t>();
    const auto after = lines_of(b);
    RC_ASSERT(before.size() == after.size());
    std::size_t changed = 0;
    for (std::size_t i = 0; i < before.size(); ++i) changed += before[i] != after[i] ? 1u : 0u;
    RC_ASSERT(changed <= 1u);
  });
}

TEST_CASE("an edit of a program stays in its room, keeps whole records, and is one of many") {
  std::set<std::size_t> grown;
  std::set<std::string> layouts;
  std::size_t unchanged = 0, edits = 0;
  prop("of any program", [&] {
    bytes b = *any_bytes();
    const bytes other = *any_bytes();
    const std::size_t size = b.size(), room = *kit::detail::within<std::size_t>(size, size + 40);
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    b.resize(room + 16, 0xa5);
    const bytes before = b;
    const std::size_t now =
        kit::mutate_program(b.data(), size, room, seed, other.data(), other.size());
    RC_ASSERT(now <= std::max(room, size));
    RC_ASSERT((std::all_of(b.begin() + static_cast<std::ptrdiff_t>(room), b.end(),
                           [](std::uint8_t byte) { return byte == 0xa5; })));
    if (room < kit::record_size) return;
    RC_ASSERT(now % kit::record_size == 0u);
    RC_ASSERT(now > 0u);
    ++edits;
    if (now == size &&
        std::equal(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(now), before.begin()))
      ++unchanged;
    grown.insert(now / kit::record_size + 100 - (size + 7) / kit::record_size);
    layouts.insert(lines_of(b)[0]);
    // The same seed does the same.
    bytes again = before;
    RC_ASSERT(kit::mutate_program(again.data(), size, room, seed, other.data(), other.size()) ==
              now);
    RC_ASSERT(again == b);
  });
  CHECK(unchanged < edits / 3);
  CHECK(grown.size() > 3);
  CHECK(layouts.size() > 20);
}

TEST_CASE("an edit finds every kind of change, every tile and every edge of a page") {
  std::set<kit::change_kind> kinds;
  std::set<kit::tile> tiles;
  std::set<std::size_t> edges;
  for (std::uint32_t seed = 0; seed < 5000; ++seed) {
    bytes b(64);
    const std::size_t now = kit::mutate_program(b.data(), 16, b.size(), seed);
    const kit::fuzzed program(b.data(), now);
    for (const kit::tile t : program.layout()) tiles.insert(t);
    for (std::size_t i = 1; i < now / kit::record_size; ++i) {
      kit::record r;
      std::copy_n(b.begin() + static_cast<std::ptrdiff_t>(i * kit::record_size), kit::record_size,
                  r.begin());
      const kit::change c = kit::detail::change_of(r);
      if (r[0] < 128) kinds.insert(c.what);
      const kit::reach part = kit::detail::part_of(r);
      if (part.offset % kit::tile_size == 0) edges.insert(part.offset / kit::tile_size);
    }
  }
  CHECK(kinds.size() == 8);
  CHECK(tiles.size() == kit::tile_kinds);
  CHECK(edges.size() == kit::space_pages + 1);
}

// A line of comment says what the record below it is.
TEST_CASE("the dictionary's records are what their comments say") {
  std::ifstream from(SUREFOOT_FUZZ_DICTIONARY);
  REQUIRE(from);
  std::string comment;
  std::size_t records = 0;
  for (std::string line; std::getline(from, line);) {
    if (line.empty()) continue;
    if (line[0] == '#') {
      comment = line.size() > 2 ? line.substr(2) : "";
      continue;
    }
    const std::size_t begin = line.find('"'), end = line.rfind('"');
    INFO(line);
    REQUIRE((begin != std::string::npos && end > begin));
    bytes token;
    for (std::size_t at = begin + 1; at < end; at += 4) {
      REQUIRE(line.compare(at, 2, "\\x") == 0);
      token.push_back(static_cast<std::uint8_t>(std::stoul(line.substr(at + 2, 2), nullptr, 16)));
    }
    if (token.size() != kit::record_size) {
      CHECK(token.size() == 2);  // a place
      CHECK(comment == "byte " + std::to_string(kit::detail::place_of(token[0], token[1])));
      continue;
    }
    ++records;
    bytes program(kit::record_size);
    program.insert(program.end(), token.begin(), token.end());
    CHECK(lines_of(program)[2] == "   1. " + comment);
  }
  CHECK(records >= 20);
}

}  // namespace
