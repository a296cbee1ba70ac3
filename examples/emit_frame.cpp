// emit_frame: writes a frame of which only some parts are in use to memory that may be gone.
//
// copy_fpstate_to_sigframe() (x86) saves the FPU registers to the user's stack; those that are not in use are
// left out. When it faulted, the kernel faulted in *some* of the stack and began again: for ever, where the
// second page was bad. And what is in use may change between two attempts: what the first one left stays in
// the frame for the user to see. Right: clear every byte, which also asks for it, then write from the start.
//
//   emit_frame [PAGES]       the size of the frame (2)
#include <charconv>
#include <cstdio>
#include <cstring>
#include <surefoot/surefoot.hpp>
#include <surefoot/testing/minefield.hpp>
#include <vector>

namespace {

namespace kit = surefoot::testing;
using surefoot::access_kind;
using surefoot::progress;

constexpr std::size_t part_size = 512;

// One part begins each page, and one ends it.
class frame_writer {
 public:
  explicit frame_writer(std::size_t pages) : in_use_(2 * pages, true) {}

  std::size_t size() const { return in_use_.size() / 2 * kit::tile_size; }
  void set_in_use(std::size_t part, bool used) { in_use_[part] = used; }

  // From the start, what is in use.
  progress write(unsigned char* frame) {
    ++calls_;
    for (std::size_t part = 0; part < in_use_.size(); ++part) {
      if (!in_use_[part]) continue;
      const std::size_t at = offset_of(part);
      const progress written = surefoot::try_fill(frame + at, value_of(part), part_size);
      if (!written.all())
        return {at + written.done, size() - at - written.done, written.stopped_by};
    }
    return {size(), 0};
  }

  // As it was: no end where some of the frame is there.
  void write_as_before(unsigned char* frame, unsigned most_rounds) {
    while (calls_ < most_rounds && !write(frame).all())
      if (!surefoot::fault_in_writeable(frame, size()).any()) return;
  }

  // Twice at most: once all of it could be cleared, writing it can fail only if it went away again.
  template <class FaultIn = const surefoot::touch_with<>&>
  progress emit(unsigned char* frame, FaultIn&& fault_in = surefoot::touch) {
    const progress first = write(frame);
    if (first.all()) return first;
    const auto clear = [](volatile void* p, std::size_t n) { return surefoot::try_zero(p, n); };
    const progress cleared =
        surefoot::resume<access_kind::write>(frame, size(), clear, {}, fault_in);
    if (!cleared.all()) return {0, size(), cleared.stopped_by};
    return write(frame);
  }

  // Does the frame hold what is in use, and nothing else?
  bool is_in(const unsigned char* frame) const {
    std::vector<unsigned char> wanted(size(), 0);
    for (std::size_t part = 0; part < in_use_.size(); ++part)
      if (in_use_[part]) std::memset(wanted.data() + offset_of(part), value_of(part), part_size);
    return std::memcmp(frame, wanted.data(), size()) == 0;
  }

  unsigned calls() const { return calls_; }

 private:
  static unsigned char value_of(std::size_t part) {
    return static_cast<unsigned char>(part % 255 + 1);
  }
  static std::size_t offset_of(std::size_t part) {
    return part / 2 * kit::tile_size + (part % 2 == 0 ? 0 : kit::tile_size - part_size);
  }

  std::vector<bool> in_use_;
  unsigned calls_ = 0;
};

std::size_t number(const char* text) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), n);
  return error == std::errc{} && *end == '\0' ? n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t pages = argc > 1 ? number(argv[1]) : 2;
  if (argc > 2 || pages < 2 || pages > kit::minefield::most_tiles) {
    std::fprintf(stderr, "usage: emit_frame [PAGES], from 2 to %zu (2)\n",
                 kit::minefield::most_tiles);
    return 2;
  }
  std::vector<kit::tile> tiles(pages - 1, kit::tile::untouched);
  tiles.push_back(kit::tile::no_access);
  kit::minefield stack(tiles);

  frame_writer before(pages);
  before.write_as_before(stack.data(), 1000);
  std::printf("fault in some, begin again:   %4u times, no end\n", before.calls());

  stack.restore();
  frame_writer refused(pages);
  const progress nothing = refused.emit(stack.data());
  std::printf("clear, then from the start:   %4u time, then: %s\n", refused.calls(),
              surefoot::name(nothing.stopped_by.kind));

  // The last page comes when it is asked for, and meanwhile the first part fell out of use.
  stack.restore();
  frame_writer now(pages);
  const auto pager = [&](access_kind kind, const volatile void* p, std::size_t n) {
    stack.change(pages - 1, kit::tile::read_write);
    now.set_in_use(0, false);
    return surefoot::touch(kind, p, n);
  };
  const progress written = now.emit(stack.data(), pager);
  const bool is_exact = written.all() && now.is_in(stack.data());
  std::printf("the same, with a pager:       %4u times, nothing of the first attempt is left\n",
              now.calls());

  std::printf("copy_fpstate_to_sigframe | zeroing | try_zero, try_fill | %u | %u | %zu\n",
              before.calls(), now.calls(), written.done);
  const bool as_expected = before.calls() == 1000 && refused.calls() == 1 &&
                           nothing.stopped_by.address == stack.begin_of(pages - 1) && is_exact &&
                           now.calls() == 2;
  return as_expected ? 0 : 1;
}
