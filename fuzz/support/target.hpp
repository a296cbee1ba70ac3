// What the fuzz targets share. A target is one file: its name, and its calls, with what they do and check;
// target.cpp makes a fuzzer's entry points of it, driver.cpp a program that replays files.
//
// A target checks each call on each engine against the model of the address space: so the engines are compared
// with each other, what may differ between them being said in one place (testing/oracle.hpp).
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <sstream>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/address_space.hpp>
#include <surefoot/testing/fuzzed.hpp>
#include <surefoot/testing/reference.hpp>
#include <type_traits>
#include <vector>

namespace fuzz {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::cause;
using surefoot::fault;
using surefoot::progress;
using surefoot::verdict;

// By the target.
extern const char* const target_name;
struct call {
  const char* name;
  void (*run)(kit::fuzzed_call&);

  friend std::ostream& operator<<(std::ostream& to, const call& c) { return to << c.name; }
};
// An input says which by its number here: a new one comes last.
extern const std::span<const call> calls;
void begin(const kit::fuzzed& program);
void end();

// By target.cpp. The pages that the program is about.
kit::address_space& space();

// Is this the first program of the process, with one call of each kind?
bool is_warming_up();

// Prints what is wrong, the program and the layout, and aborts.
[[noreturn]] void finding(const char* what, const std::string& details = {});

inline void expect(bool holds, const char* what) {
  if (!holds) [[unlikely]]
    finding(what);
}

// A call came back with this fault for an answer. By target.cpp: for whoever counts them.
void survived(const fault& met) noexcept;

template <class T>
std::string shown(const T& value) {
  std::ostringstream to;
  if constexpr (requires { showValue(value, to); })
    showValue(value, to);
  else
    to << value;
  return to.str();
}
template <class T>
void expect_same(const T& is, const T& should, const char* what) {
  if (!(is == should)) [[unlikely]]
    finding(what, "is " + shown(is) + "\nshould be " + shown(should));
  if constexpr (std::is_same_v<T, fault>) survived(is);
  if constexpr (std::is_same_v<T, progress>) survived(is.stopped_by);
}

// Which engines run: all, or those that SUREFOOT_FUZZ_ENGINES names ("table", "jump,kernel").
struct engine_choice {
  bool table = true, jump = true, kernel = true;
};
const engine_choice& engines();

// Calls f(engine) for each.
template <class F>
void on_signal_engines(F f) {
  if (engines().table) f(surefoot::engine::table{});
  if (engines().jump) f(surefoot::engine::jump{});
}
template <class F>
void on_each_engine(F f) {
  on_signal_engines(f);
  if (engines().kernel) f(surefoot::engine::kernel{});
}

// An engine that cannot be made ready: in a process that may not have a handler. What is asked of it is
// answered `unknown`, and nothing is done.
template <class E>
struct unready : E {
  static constexpr bool ready() noexcept { return false; }
};
inline void expect_unready(const fault& met, const volatile void* p, access_kind during) {
  expect_same(met, {.address = p, .kind = cause::unknown, .during = during},
              "an engine that is not ready");
}
inline void expect_unready(const progress& met, std::size_t n, const volatile void* p,
                           access_kind during) {
  if (n == 0) return expect(met.all(), "an engine that is not ready, for nothing");
  expect(met.done == 0 && met.left == n, "an engine that is not ready does something");
  expect_unready(met.stopped_by, p, during);
}

// Is every byte of these pages what the model says?
inline void expect_content(const kit::reach& r = {0, kit::space_size}) {
  const std::size_t at = space().first_wrong(r);
  if (at != kit::space_size) [[unlikely]]
    finding("a byte of the layout is not what it should be",
            "page " + std::to_string(at / kit::tile_size) + ", byte " +
                std::to_string(at % kit::tile_size));
}
// The pages around it as well: what a call may have written by mistake.
inline kit::reach around(const kit::reach& r) {
  const std::size_t first = r.offset < kit::tile_size ? 0 : r.offset - kit::tile_size;
  return {first, r.end() + kit::tile_size - first};
}

// What a call that asks for either kind of access asks for.
inline access_kind kind_of(const kit::fuzzed_call& c) {
  return c.value() % 2 == 0 ? access_kind::read : access_kind::write;
}

// Good memory, every byte of it known; what is around a call's part of it must stay.
class plain {
 public:
  static constexpr std::size_t margin = 128;
  static constexpr std::size_t size = kit::space_size;

  plain() {
    for (std::size_t i = 0; i < original_.size(); ++i)
      original_[i] = static_cast<unsigned char>(i * 7 + i / 251 + 3);
    bytes_ = original_;
  }

  unsigned char* data() { return bytes_.data() + margin; }
  unsigned char original(std::size_t at) const { return original_[margin + at]; }
  const unsigned char* originals(std::size_t at = 0) const {
    return original_.data() + margin + at;
  }
  // Everything near `n` bytes from `at` on is as it was but these; then they are put back too.
  void expect_rest(std::size_t at, std::size_t n, const char* what) {
    const std::size_t from = at, to = margin + at + n, end = std::min(to + margin, bytes_.size());
    expect(std::memcmp(bytes_.data() + from, original_.data() + from, margin) == 0, what);
    expect(std::memcmp(bytes_.data() + to, original_.data() + to, end - to) == 0, what);
    std::memcpy(bytes_.data() + from + margin, original_.data() + from + margin, n);
  }
  void expect_all(const char* what) {
    expect(std::memcmp(bytes_.data(), original_.data(), bytes_.size()) == 0, what);
  }

 private:
  std::array<unsigned char, size + 2 * margin> bytes_, original_;
};
// Two of them, shared by all calls of a process.
plain& memory();
plain& more_memory();

// Some parts as a vector of buffers; together they fit into memory().
struct buffers {
  std::vector<kit::reach> parts;
  std::vector<iovec> all;

  buffers(kit::fuzzed_call& c, unsigned most = 6) {
    std::size_t room = plain::size;
    for (unsigned n = c.extra() % (most + 1); n > 0; --n) {
      kit::reach r = c.next_part();
      r.length = std::min(r.length, room / n);
      room -= r.length;
      parts.push_back(r);
      all.push_back({space().data() + r.offset, r.length});
    }
  }
  // The answer where they are done one after the other, each with one(part) -> progress: whole ones, then
  // the first short one.
  template <class One>
  progress in_turn(One one) const {
    progress sum{};
    for (const kit::reach& r : parts) sum.left += r.length;
    for (const kit::reach& r : parts) {
      const progress part = one(r);
      sum.done += part.done;
      sum.left -= part.done;
      sum.stopped_by = part.stopped_by;
      if (!part.all()) break;
    }
    return sum;
  }
  template <class E>
  progress expected(access_kind during) const {
    return in_turn([&](const kit::reach& r) { return space().expected<E>(r, during); });
  }
};

// An address that is none of ours, and stays so: null, unmapped, kernel half, non-canonical, at the end of
// the address space.
inline unsigned char* wild(std::uint8_t which) {
  constexpr std::uintptr_t last_page = 0x7fff'ffff'f000;  // of the user's half: never mapped
  constexpr std::uintptr_t some[] = {0,
                                     1,
                                     4095,
                                     last_page,
                                     0x8000'0000'0000,
                                     0x1234'5678'9abc'def0,
                                     0xffff'7fff'ffff'ffff,
                                     0xffff'8000'0000'0000,
                                     0xffff'ffff'ffff'f000,
                                     0xffff'ffff'ffff'fff8,
                                     0xffff'ffff'ffff'ffff};
  // For qemu's user mode, which reports an address that is not canonical as null.
  static const bool canonical = std::getenv("SUREFOOT_FUZZ_CANONICAL") != nullptr;
  const std::uintptr_t at = some[which % std::size(some)], sign = at >> 47;
  return reinterpret_cast<unsigned char*>(canonical && sign != 0 && sign != 0x1'ffff ? last_page
                                                                                     : at);
}
// Would n bytes from there leave the address space? That is known before any access.
inline bool wraps(const void* p, std::size_t n) {
  return n > 0 && reinterpret_cast<std::uintptr_t>(p) > UINTPTR_MAX - (n - 1);
}
// What there may be said of such an address.
inline bool is_wild(cause c) {
  return c == cause::bad_address || c == cause::unmapped || c == cause::unknown;
}
inline void expect_wild(const progress& met, const unsigned char* p, std::size_t n,
                        const char* what) {
  if (n == 0) return expect(met.all() && met.stopped_by == fault{}, what);
  expect(met.done == 0 && met.left == n && is_wild(met.stopped_by.kind), what);
  expect(met.stopped_by.address == p, what);
  survived(met.stopped_by);
  if (wraps(p, n))
    expect(met.stopped_by.kind == cause::bad_address && met.stopped_by.signal == 0, what);
}

// A call that every target has: the kernel itself, asked byte by byte, agrees with the model around the
// places of this call.
void ask_reference(kit::fuzzed_call& c);
inline void ask(const kit::reference& kernel, kit::fuzzed_call& c) {
  for (const std::size_t at : {c.begin(), c.end()}) {
    if (at == kit::space_size) continue;
    const unsigned char* const p = space().data() + at;
    const kit::tile t = space().model().pages[at / kit::tile_size].laid;
    if (kit::space_model::is_rigid(t)) continue;
    const auto byte = kernel.load(p);
    expect(byte.has_value() == space().model().ask(at, access_kind::read).accessible(),
           "the kernel and the model do not agree about reading");
    if (byte)
      expect(*byte == space().model().byte(at), "the kernel and the model differ in a byte");
    const bool is_writable = kernel.writable(p);
    expect(is_writable ==
               (byte.has_value() && space().model().ask(at, access_kind::write).accessible()),
           "the kernel and the model do not agree about writing");
    if (is_writable) space().probed_for_write({at, 1});
  }
}
inline constexpr call ask_kernel{"ask the kernel", ask_reference};

}  // namespace fuzz
