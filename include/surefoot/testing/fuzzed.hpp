/// @file
/// A fuzzer's bytes as a program: a layout of four pages, then changes of it and calls into the code under
/// test, in order.
///
///     extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
///       static surefoot::testing::address_space space;
///       surefoot::testing::fuzzed program(data, size);
///       program.run(space, [&](surefoot::testing::fuzzed_call& call) {
///         const auto r = call.part();
///         const progress met = my_copy(to, space.data() + r.offset, r.length);
///         if (met.done != space.model().reaches<engine::standard>(r, access_kind::read)) __builtin_trap();
///       });
///       return 0;
///     }
///
/// Every byte string is a program. It is a row of records of eight bytes, the last one filled up with
/// zeros, so a small change of the bytes is a small change of the program:
///
///     layout   tile tile tile tile value value value value
///     change   code pages x x x x seed flag       code 0 to 127: code % 8 is the change_kind; x: two places where
///                                                 it writes, else its tile, protection, size, ... (change_of)
///     call     code extra a a b b value value     code 128 to 255: which call, modulo how many there are
///
/// `a` and `b` are places: a byte for the edge of a page (its low three bits) and a distance from it in
/// units of 128 (the others), and a signed byte that is added. What a call needs besides, it takes from the
/// records that follow it: more parts, steps.
///
/// mutate_program() is for LLVMFuzzerCustomMutator and AFL++'s custom mutators: it edits programs, not
/// bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <sstream>
#include <string>
#include <surefoot/testing/address_space.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// Bytes of a record.
///
/// @snippet fuzzed.cpp fuzzed
inline constexpr std::size_t record_size = 8;
/// The layout, a change, or a call.
///
/// @snippet fuzzed.cpp fuzzed
using record = std::array<std::uint8_t, record_size>;

namespace detail {

inline std::size_t place_of(std::uint8_t edge, std::uint8_t distance) noexcept {
  const int page = (edge & 7) % static_cast<int>(space_pages + 1);
  const int at =
      page * static_cast<int>(tile_size) + (edge >> 3) * 128 + static_cast<std::int8_t>(distance);
  return static_cast<std::size_t>(std::clamp(at, 0, static_cast<int>(space_size)));
}

inline reach part_of(const record& r) noexcept {
  const std::size_t a = place_of(r[2], r[3]), b = place_of(r[4], r[5]);
  return {std::min(a, b), std::max(a, b) - std::min(a, b)};
}

inline change change_of(const record& r) noexcept {
  change c{.what = static_cast<change_kind>(r[0] % 8), .first = r[1] % space_pages, .seed = r[6]};
  c.count = 1 + r[1] / space_pages % (space_pages - c.first);
  c.file = c.first;
  switch (c.what) {
    case change_kind::map:
      c.count = 1;
      c.to = static_cast<tile>(r[2] % tile_kinds);
      if (r[3] % 2 == 1) c.file = r[4] % space_pages;
      break;
    case change_kind::protect: {
      constexpr int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
      c.protection = protections[r[2] % 3];
      break;
    }
    case change_kind::truncate:
      c.count = 1;
      // Half of them to a whole page or to nothing.
      c.size = r[3] % 2 == 1
                   ? place_of(static_cast<std::uint8_t>(r[2] & ~7), r[4]) % (tile_size + 1)
                   : r[2] % 2 * tile_size;
      break;
    case change_kind::guard: c.on = r[2] % 2 == 0; break;
    case change_kind::poison: c.count = 1; break;
    case change_kind::advise: {
      constexpr int advice[] = {MADV_DONTNEED, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT};
      c.advice = advice[r[2] % 4];
      break;
    }
    case change_kind::write:
      c.count = 1;
      c.on = r[7] % 2 == 1;
      c.part = part_of(r);
      if (c.on) {  // within the file of one page
        const std::size_t from = c.part.offset % tile_size;
        c.part = {c.first * tile_size + from, std::min(c.part.length, tile_size - from)};
      }
      break;
    case change_kind::unmap: break;
  }
  return c;
}

}  // namespace detail

class fuzzed;

/// A call, and the records behind it: those it takes as more of its arguments.
///
/// @snippet fuzzed.cpp fuzzed
class fuzzed_call {
 public:
  /// 0 to 127: take it modulo how many calls there are.
  unsigned which() const noexcept { return first_[0] & 127u; }
  /// The bytes between its two places.
  reach part() const noexcept { return detail::part_of(first_); }
  /// A byte for whatever the call needs.
  std::uint8_t extra() const noexcept { return first_[1]; }
  /// Another one.
  std::uint8_t value() const noexcept { return first_[6]; }
  /// And one more.
  std::uint8_t other_value() const noexcept { return first_[7]; }
  /// Its first place, as an offset.
  std::size_t begin() const noexcept { return detail::place_of(first_[2], first_[3]); }
  /// Its second place, which may lie before the first.
  std::size_t end() const noexcept { return detail::place_of(first_[4], first_[5]); }

  /// The next record as a part, whatever it says by itself; so are those below. Where there is none: an empty
  /// part, a whole step, plain memory.
  inline reach next_part() noexcept;
  /// As a step; `safe` as in any_step().
  inline step_plan next_step(bool safe) noexcept;
  /// As a change.
  inline change next_change() noexcept;
  /// As a mapping of another tile.
  inline change next_mapping() noexcept;

 private:
  friend class fuzzed;
  fuzzed_call(fuzzed& of, const record& first) noexcept : of_(of), first_(first) {}

  fuzzed& of_;
  record first_;
};

/// A program. The bytes must last as long as it is used.
///
/// @snippet fuzzed.cpp fuzzed
class fuzzed {
 public:
  /// Any bytes; they are not copied.
  fuzzed(const std::uint8_t* data, std::size_t size) noexcept : data_(data), size_(size) {
    const record head = at(0);
    for (std::size_t i = 0; i < space_pages; ++i)
      layout_[i] = static_cast<tile>(head[i] % tile_kinds);
    values_ = {head[4], head[5]};
  }

  /// What is laid at first.
  const space_layout& layout() const noexcept { return layout_; }
  /// Two bytes for what a target wants to know before the first call.
  std::uint8_t value() const noexcept { return values_[0]; }
  /// The second of them.
  std::uint8_t other_value() const noexcept { return values_[1]; }
  /// How many records come behind the layout.
  std::size_t records() const noexcept {
    return size_ <= record_size ? 0 : (size_ - 1) / record_size;
  }

  /// Lays the layout, makes the changes, and calls on_call(fuzzed_call&) for each call.
  template <class OnCall>
  [[gnu::noinline]] void run(address_space& space, OnCall on_call) {
    space.lay(layout_);
    for (now_ = 0; now_ < records();) {
      const record r = take();
      running_ = now_;
      if (r[0] < 128) {
        (void)space.make(detail::change_of(r));
      } else {
        fuzzed_call call(*this, r);
        on_call(call);
      }
    }
    running_ = 0;
  }

  /// The program as text, a line a record, with the names of the calls; "->" marks the one that is
  /// running. What a call takes as arguments is shown as what it would be by itself.
  template <class Names>
  std::string text(const Names& names) const {
    std::ostringstream to;
    to << testing::picture({layout_.begin(), layout_.end()}) << '\n'
       << "values " << int{values_[0]} << ' ' << int{values_[1]} << '\n';
    for (std::size_t i = 0; i < records(); ++i) {
      const record r = at(i + 1);
      to << (i + 1 == running_ ? "-> " : "   ") << i + 1 << ". ";
      if (r[0] < 128)
        to << detail::change_of(r);
      else
        to << names[(r[0] & 127u) % std::size(names)] << ' ' << detail::part_of(r) << ", extra "
           << int{r[1]} << ", values " << int{r[6]} << ' ' << int{r[7]};
      to << '\n';
    }
    return to.str();
  }

  /// The next record, as what takes it wants it; zeros where there is none.
  [[gnu::noinline]] record take() noexcept { return now_ < records() ? at(++now_) : record{}; }

 private:
  record at(std::size_t i) const noexcept {
    record r{};
    const std::size_t from = i * record_size;
    if (from < size_) std::memcpy(r.data(), data_ + from, std::min(record_size, size_ - from));
    return r;
  }

  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t now_ = 0;      // the record that was taken last
  std::size_t running_ = 0;  // the change or call that is being made
  space_layout layout_{};
  std::array<std::uint8_t, 2> values_{};
};

inline reach fuzzed_call::next_part() noexcept { return detail::part_of(of_.take()); }
inline change fuzzed_call::next_change() noexcept { return detail::change_of(of_.take()); }
inline change fuzzed_call::next_mapping() noexcept {
  record r = of_.take();
  r[0] = static_cast<std::uint8_t>(change_kind::map);
  return detail::change_of(r);
}
inline step_plan fuzzed_call::next_step(bool safe) noexcept {
  const record r = of_.take();
  return {static_cast<step_kind>(r[0] % (safe ? 3 : 5)),
          1 + detail::place_of(static_cast<std::uint8_t>(r[2] & ~6), r[3])};
}

/// Edits the program of `size` bytes at `data`, of which there is room for `most`: one record is inserted,
/// dropped, repeated, swapped with another or changed in one thing, one place is moved to the edge of a
/// page, one tile of the layout is another, or some records of `other` are spliced in. Returns the new size.
///
/// @snippet fuzzed.cpp mutate_program
inline std::size_t mutate_program(std::uint8_t* data, std::size_t size, std::size_t most,
                                  std::uint32_t seed, const std::uint8_t* other = nullptr,
                                  std::size_t other_size = 0) {
  if (most < record_size) return size;
  // xorshift: small, and the same everywhere.
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  const auto chance = [&](std::size_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<std::size_t>((state >> 11) % n);
  };
  const auto any_byte = [&] { return static_cast<std::uint8_t>(chance(256)); };

  // Whole records from here on.
  std::size_t count = std::min((size + record_size - 1) / record_size, most / record_size);
  if (count * record_size > size) std::memset(data + size, 0, count * record_size - size);
  if (count == 0) {
    std::memset(data, 0, record_size);
    count = 1;
  }
  const std::size_t room = most / record_size;
  const auto at = [&](std::size_t i) { return data + i * record_size; };
  const auto any_record = [&] { return 1 + chance(count - 1); };  // count > 1
  const auto open_up = [&](std::size_t where, std::size_t n) {
    n = std::min(n, room - count);
    std::memmove(at(where + n), at(where), (count - where) * record_size);
    count += n;
    return n;
  };
  // Places: mostly an edge, and a little beside it.
  const auto draw_place = [&](std::uint8_t* place) {
    place[0] =
        static_cast<std::uint8_t>(chance(space_pages + 1) | (chance(4) == 0 ? chance(32) << 3 : 0));
    place[1] = chance(3) == 0 ? any_byte() : static_cast<std::uint8_t>(chance(17) - 8);
  };
  // Three of four among those that are laid quickly.
  const auto draw_tile = [&] {
    constexpr tile quick[] = {tile::read_write, tile::hole, tile::no_access, tile::read_only};
    return static_cast<std::uint8_t>(chance(4) > 0 ? static_cast<std::size_t>(quick[chance(4)])
                                                   : chance(tile_kinds));
  };
  const auto draw_record = [&](std::uint8_t* r) {
    for (std::size_t i = 0; i < record_size; ++i) r[i] = any_byte();
    draw_place(r + 2);
    draw_place(r + 4);
    const bool maps = r[0] < 128 && r[0] % 8 == static_cast<std::uint8_t>(change_kind::map);
    if (maps) r[2] = draw_tile();
  };

  for (std::size_t edits = 1 + chance(3); edits > 0; --edits) switch (chance(10)) {
      case 0:
      case 1:  // insert
        if (const std::size_t where = 1 + chance(count); open_up(where, 1) == 1)
          draw_record(at(where));
        break;
      case 2:  // drop
        if (count > 1) {
          const std::size_t which = any_record();
          std::memmove(at(which), at(which + 1), (count - which - 1) * record_size);
          --count;
        }
        break;
      case 3:  // repeat
        if (count > 1) {
          const std::size_t which = any_record();
          if (open_up(which, 1) == 1) std::memcpy(at(which), at(which + 1), record_size);
        }
        break;
      case 4:  // swap
        if (count > 2) {
          const std::size_t a = any_record(), b = any_record();
          if (a != b) std::swap_ranges(at(a), at(a) + record_size, at(b));
        }
        break;
      case 5:  // another tile
        data[chance(space_pages)] = draw_tile();
        break;
      case 6:
      case 7:  // another place
        if (count > 1) draw_place(at(any_record()) + (chance(2) == 0 ? 2 : 4));
        break;
      case 8:  // anything else of a record
      {
        std::uint8_t* const r = at(chance(count));
        constexpr std::size_t which[] = {0, 1, 6, 7};
        const std::size_t i = which[chance(4)];
        r[i] = chance(2) == 0 ? any_byte() : static_cast<std::uint8_t>(r[i] + chance(3) - 1);
      } break;
      default:  // splice
        if (const std::size_t theirs = other_size / record_size; theirs > 1) {
          const std::size_t from = 1 + chance(theirs - 1), where = 1 + chance(count);
          const std::size_t n = open_up(where, 1 + chance(std::min<std::size_t>(theirs - from, 4)));
          std::memcpy(at(where), other + from * record_size, n * record_size);
        }
    }
  return count * record_size;
}

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
