// decode_context: decodes a struct that a caller points to, and that may be older or newer than ours.
//
// swapcontext() and debug_setcontext() (powerpc) touched the caller's context first, and then
// copied it into place, which can fail all the same: another thread unmaps it in between, and then the task is
// killed. Right is one checked copy to a fresh struct, each byte fetched once, and no probe before it. This one is extensible as
// the kernel's copy_struct_from_user() is: what is shorter is zero-filled, what is longer must be zero.
//
//   decode_context [SIZE]    also decodes a caller's context of SIZE bytes, all of them zero (128)
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>

namespace {

namespace kit = surefoot::testing;
using kit::tile;

struct context {
  std::uint64_t flags;
  std::uint64_t stack;
  std::uint64_t instruction;
  std::uint64_t shadow_stack;  // since version 2
};
constexpr std::size_t version_1 = 24;
constexpr std::size_t largest = 4096;  // what any version may have

// 0, or what a system call would answer; `to` is then as it was.
int decode(context& to, const void* from, std::size_t size) {
  if (size < version_1) return EINVAL;
  if (size > largest) return E2BIG;
  const std::size_t known = size < sizeof to ? size : sizeof to;
  context fresh{};
  const surefoot::progress copied = surefoot::try_copy(&fresh, from, known);
  if (!copied.all()) return surefoot::to_errno(copied.stopped_by);
  // The caller is newer. What we do not know it must not want.
  static constexpr unsigned char zeros[largest]{};
  const unsigned char* const rest = static_cast<const unsigned char*>(from) + known;
  const surefoot::result<int> unknown = surefoot::try_compare(rest, zeros, size - known);
  if (!unknown.ok()) return surefoot::to_errno(unknown.stopped_by);
  if (unknown.value() != 0) return E2BIG;
  to = fresh;
  return 0;
}

bool as_expected = true;

void show(const char* caller, const void* from, std::size_t size, int expected) {
  constexpr context before{1, 2, 3, 4};
  context got = before;
  const int error = decode(got, from, size);
  std::printf("%-34s %5zu bytes  %s\n", caller, size,
              error == 0 ? "decoded" : std::strerror(error));
  as_expected &= error == expected;
  if (error != 0) {
    as_expected &= std::memcmp(&got, &before, sizeof got) == 0;
    return;
  }
  context whole{};
  std::memcpy(&whole, from, size < sizeof whole ? size : sizeof whole);
  as_expected &= std::memcmp(&got, &whole, sizeof got) == 0;
}

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t size = argc > 1 ? number(argv[1]) : 128;
  if (argc > 2 || size == 0 || size > 2 * largest) {
    std::fprintf(stderr, "usage: decode_context [SIZE], from 1 to %zu bytes (128)\n", 2 * largest);
    return 2;
  }
  // A caller's memory: a full page, two pages of zeros, and nothing behind them.
  kit::minefield caller({tile::read_write, tile::untouched, tile::untouched, tile::hole});
  const unsigned char* const full = caller.data();
  const unsigned char* const zero = caller.begin_of(1);
  const unsigned char* const end = caller.begin_of(3);

  show("as ours", full, sizeof(context), 0);
  show("an older one", full, version_1, 0);
  show("older than any", full, version_1 - 1, EINVAL);
  show("a newer one that wants nothing new", zero - sizeof(context), 128, 0);
  show("a newer one that wants more", full, 128, E2BIG);
  show("one that claims too much", full, largest + 1, E2BIG);
  show("one that ends in a hole", end - version_1, sizeof(context), EFAULT);
  show("a newer one that ends in a hole", end - 64, 128, EFAULT);
  show("no pointer at all", nullptr, sizeof(context), EFAULT);
  show("a caller's own size", zero, size, size < version_1 ? EINVAL : size > largest ? E2BIG : 0);

  // What the probe was worth: it says "fine", and the copy comes short.
  const surefoot::progress probed = surefoot::fault_in_readable(zero, sizeof(context));
  caller.change(1, tile::hole);
  context got{};
  const int error = decode(got, zero, sizeof(context));
  std::printf("%-34s %5zu bytes  probe: %s, copy: %s\n", "unmapped between probe and copy",
              sizeof(context), probed.all() ? "fine" : "short", std::strerror(error));
  as_expected &= probed.all() && error == EFAULT;

  std::printf("swapcontext, debug_setcontext | nothing | try_copy, try_compare | - | 1 | %zu\n",
              sizeof(context));
  return as_expected ? 0 : 1;
}
