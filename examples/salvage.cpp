// salvage SRC DST: copies what can be copied of a file that may be truncated, or fail, under it.
//
// `cp` reads, and gets an error. Who maps a file gets a SIGBUS instead, and most programs die of
// it. Here the mapping is read with surefoot::resume and surefoot::try_copy, so a bad page is an
// answer: how far the copy came, where it stopped, and why.
//
// Accessible is not "in the file": after a truncation inside a page, the rest of that page reads as
// zeros, without any fault. So the size is asked for again after each chunk, and what lies past it
// does not count, whatever it read as.
#include <surefoot/surefoot.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <salvage/bad_runs.hpp>
#include <salvage/command_line.hpp>
#include <salvage/destination.hpp>
#include <salvage/failure.hpp>
#include <salvage/progress_bar.hpp>
#include <salvage/report.hpp>
#include <salvage/sabotage.hpp>
#include <salvage/source.hpp>
#include <string_view>

namespace {

using surefoot::access_kind;

// Small enough to be in the cache still when it is written; a multiple of any page.
constexpr std::size_t chunk_size = std::size_t{256} * 1024;
alignas(64) unsigned char chunk[chunk_size];

// Copies into the chunk, from its beginning, all that comes before the first bad byte at `from`.
surefoot::progress copy_readable(const unsigned char* from, std::size_t n) {
  return surefoot::resume<access_kind::read>(
      from, n, [from](const volatile void* p, std::size_t left) {
        const auto done = static_cast<const volatile unsigned char*>(p) - from;
        return surefoot::try_copy(chunk + done, p, left);
      });
}

// Records the bad run that begins at `from`, page by page until one can be read again, at most to
// `limit`. Returns where it ends.
std::size_t skip_bad_run(const unsigned char* view, std::size_t from, std::size_t limit,
                         surefoot::fault why, tool::bad_runs& bad) {
  std::size_t at = from;
  for (;;) {
    const std::size_t end = std::min(tool::page_end(at), limit);
    bad.add(at, end - at, why);
    at = end;
    if (at == limit) return at;
    const surefoot::progress probe = surefoot::fault_in_readable(view + at, 1);
    if (probe.all()) return at;
    why = probe.stopped_by;
  }
}

void copy(const tool::source& src, tool::destination& dst, tool::bad_runs& bad) {
  constexpr surefoot::fault past_the_end{.kind = surefoot::cause::no_backing};
  tool::progress_bar bar(src.size());
  for (std::size_t at = 0; at < src.size();) {
    const std::size_t limit = std::min(src.size(), at - at % chunk_size + chunk_size);
    const surefoot::progress got = copy_readable(src.view() + at, limit - at);
    if (got.stopped_by.during == access_kind::write)
      throw tool::failure{tool::status::cannot_open_or_write, "salvage's own buffer is bad memory"};
    // After the copy, not before it: else a truncation in between would go unseen.
    const std::size_t in_file = std::clamp(src.size_now(), at, at + got.done) - at;
    dst.write(chunk, in_file, at);
    bad.add(at + in_file, got.done - in_file, past_the_end);
    at += got.done;
    if (!got.all()) at = skip_bad_run(src.view(), at, limit, got.stopped_by, bad);
    bar.reached(at);
  }
}

bool with_color(std::string_view when) {
  if (when != "auto") return when == "always";
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

void say(const tool::source& src, const tool::bad_runs& bad, bool color) {
  const tool::report report(src.size(), bad, color);
  if (src.size() > 0) report.picture();
  report.table();
  report.total();
  if (const std::size_t now = src.size_now(); now != src.size())
    std::printf("%s has %zu bytes now\n", src.name().c_str(), now);
  if (std::fflush(stdout) != 0) tool::refuse("standard output", "cannot write");
}

tool::status salvage(const tool::command_line& asked) {
  const tool::source src(asked.source);
  for (const tool::sabotage& one : asked.sabotage) tool::apply(one, src);
  tool::remove_temporary_on_signals();
  tool::destination dst(asked.destination, src);
  tool::bad_runs bad;
  copy(src, dst, bad);
  dst.finish(src.size());
  say(src, bad, with_color(asked.color));
  return bad.bytes() == 0 ? tool::status::all_copied : tool::status::holes;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const tool::command_line asked = tool::parse(argc, argv);
    return static_cast<int>(asked.only_talk ? tool::status::all_copied : salvage(asked));
  } catch (const tool::failure& why) {
    std::fprintf(stderr, "salvage: %s\n", why.line.c_str());
    return static_cast<int>(why.exit);
  }
}
