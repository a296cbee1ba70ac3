// What is said at the end: the whole file as one line of blocks, and a table of the bad runs.
#pragma once

#include <signal.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <salvage/rescue_map.hpp>
#include <salvage/source.hpp>
#include <string>
#include <surefoot/fault.hpp>
#include <vector>

namespace tool {

struct look {
  char letter;
  int color;  // of the background, as ANSI counts them
};

constexpr look look_of(surefoot::cause c) {
  switch (c) {
    case surefoot::cause::none: return {'.', 42};
    case surefoot::cause::unmapped: return {'U', 45};
    case surefoot::cause::denied: return {'D', 43};
    case surefoot::cause::no_backing: return {'N', 41};
    case surefoot::cause::poisoned: return {'P', 46};
    case surefoot::cause::tag_mismatch: return {'T', 44};
    default: return {'X', 47};
  }
}

class report {
 public:
  report(const rescue_map& map, bool color)
      : size_(map.size()), bad_(map.blocks_with(is_bad)), color_(color) {}

  void picture() const {
    const std::size_t blocks = std::min<std::size_t>(64, (size_ + page_size - 1) / page_size);
    std::size_t next = 0;  // the first run that may reach into the block
    for (std::size_t i = 0; i < blocks; ++i) draw_block(edge(i, blocks), edge(i + 1, blocks), next);
    std::puts("");
    legend();
  }

  void table() const {
    if (bad_.empty()) return;
    std::printf("%15s %15s  %-12s %-8s %4s\n", "offset", "length", "cause", "signal", "code");
    for (const block& run : bad_)
      std::printf("%15zu %15zu  %-12s %-8s %4d\n", run.offset, run.length,
                  surefoot::name(run.known.why), signal_name(run.known.signal), run.known.code);
  }

  void total() const {
    const std::size_t runs = bad_.size();
    std::printf("copied %zu of %zu bytes; %zu bad %s, %zu bytes\n", size_ - bytes_of(bad_), size_,
                runs, runs == 1 ? "run" : "runs", bytes_of(bad_));
  }

 private:
  // Where block i of n begins. In two steps, because size * i may not fit.
  std::size_t edge(std::size_t i, std::size_t n) const { return size_ / n * i + size_ % n * i / n; }

  // The worst of a block decides: one bad byte is seen at any size of file.
  void draw_block(std::size_t begin, std::size_t end, std::size_t& next) const {
    while (next < bad_.size() && bad_[next].end() <= begin) ++next;
    std::size_t lost = 0;
    std::size_t most = 0;
    surefoot::cause shown = surefoot::cause::none;
    for (std::size_t i = next; i < bad_.size() && bad_[i].offset < end; ++i) {
      const std::size_t part = std::min(end, bad_[i].end()) - std::max(begin, bad_[i].offset);
      lost += part;
      if (part > most) {
        most = part;
        shown = bad_[i].known.why;
      }
    }
    const look l = look_of(shown);
    put(lost == end - begin ? l.letter : static_cast<char>(std::tolower(l.letter)), l.color);
  }

  void legend() const {
    put('.', look_of(surefoot::cause::none).color);
    std::fputs(" copied", stdout);
    std::string said;
    for (const block& run : bad_) {
      const look l = look_of(run.known.why);
      if (said.find(l.letter) != std::string::npos) continue;
      said += l.letter;
      std::fputs("   ", stdout);
      put(l.letter, l.color);
      std::printf(" %s", surefoot::name(run.known.why));
    }
    if (!said.empty()) std::fputs("   (small letter: a part of the block)", stdout);
    std::puts("");
  }

  void put(char c, int color) const {
    if (color_)
      std::printf("\033[%d;30m%c\033[0m", color, c == '.' ? ' ' : c);
    else
      std::putchar(c);
  }

  static const char* signal_name(int signal) {
    switch (signal) {
      case 0: return "-";
      case SIGSEGV: return "SIGSEGV";
      case SIGBUS: return "SIGBUS";
      default: return "?";
    }
  }

  std::size_t size_;
  std::vector<block> bad_;
  bool color_;
};

}  // namespace tool
