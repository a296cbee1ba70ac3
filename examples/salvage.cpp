// salvage SRC DST: copies what can be copied of a file that may be truncated, or fail, under it.
//
// `cp` reads, and gets an error. Who maps a file gets a SIGBUS instead, and most programs die of
// it. Here the mapping is read with surefoot::salvage, so a bad page is an answer: where it lies,
// why, and the copy goes on behind it.
//
// Accessible is not "in the file": after a truncation inside a page, the rest of that page reads as
// zeros, without any fault. So the size is asked for again after each chunk, and what lies past it
// does not count, whatever it read as.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <salvage/checkpoint.hpp>
#include <salvage/command_line.hpp>
#include <salvage/destination.hpp>
#include <salvage/failure.hpp>
#include <salvage/interruption.hpp>
#include <salvage/mapfile.hpp>
#include <salvage/progress.hpp>
#include <salvage/report.hpp>
#include <salvage/rescue.hpp>
#include <salvage/sabotage.hpp>
#include <salvage/source.hpp>
#include <string_view>

namespace {

bool with_color(std::string_view when) {
  if (when != "auto") return when == "always";
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

void say(const tool::source& src, const tool::rescue_map& map, bool color) {
  const tool::report report(map, color);
  if (map.size() > 0) report.picture();
  report.table();
  report.total();
  if (const std::size_t now = src.size_now(); now != map.size())
    std::printf("%s has %zu bytes now\n", src.name().c_str(), now);
  if (std::fflush(stdout) != 0) tool::refuse("standard output", "cannot write");
}

// What an earlier run has left.
std::optional<tool::mapfile> earlier(const tool::command_line& asked) {
  if (asked.map.empty()) return {};
  std::optional<tool::mapfile> found = tool::read_mapfile(asked.map);
  if (found && !asked.resume)
    throw tool::failure{tool::status::usage,
                        asked.map + ": is there already; --resume goes on with it"};
  return found;
}

// The map must not be written over what it is the map of.
void refuse_same_file(const std::string& map, const std::string& other) {
  std::error_code none;
  const auto real = [&](const std::string& name) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(name, none), none);
  };
  if (real(map) == real(other) || std::filesystem::equivalent(map, other, none))
    throw tool::failure{tool::status::usage, map + " and " + other + " are the same file"};
}

// A map that nothing has been copied for yet. It is there before the part is: no part is ever
// without one.
void begin(const std::string& file, const tool::rescue_map& map, tool::destination& dst) {
  if (dst.part_exists())
    throw tool::failure{tool::status::usage,
                        dst.part() + ": is there already, and no map says what is in it"};
  tool::write_mapfile(file, map, {});
  try {
    dst.create_part();
  } catch (const tool::failure&) {
    ::unlink(file.c_str());
    throw;
  }
}

// The bytes that the map calls copied are in DST.part; or in DST, if the work had ended, or if
// ddrescue did it.
void go_on(const tool::mapfile& before, tool::destination& dst) {
  const std::vector<tool::block> copied = before.map.blocks_with(tool::is_finished);
  if (copied.empty() && !dst.part_exists())
    dst.create_part();
  else
    dst.reopen_part(copied.empty() ? 0 : copied.back().end(),
                    before.at.status == '+' || !before.ours);
}

void run_passes(const tool::command_line& asked, const tool::source& src, tool::destination& dst,
                tool::rescue_map& map, tool::checkpoint* saved) {
  tool::rescue work(src, dst, map, saved, asked.chunk);
  const auto pass = [&](std::vector<tool::block> blocks, const tool::stage& at) {
    if (blocks.empty() || tool::interrupted()) return;
    tool::progress bar(tool::bytes_of(blocks), asked.quiet);
    work.pass(std::move(blocks), at, bar);
  };
  pass(map.blocks_with(tool::is_untried), {0, '?', 1});
  for (unsigned i = 1; i <= asked.retries; ++i) pass(map.blocks_with(tool::is_bad), {0, '-', i});
}

void copy_once(const tool::command_line& asked, const tool::source& src, tool::destination& dst,
               tool::rescue_map& map) {
  tool::handle_interruptions(tool::on_interruption::remove_temporary);
  dst.open_temporary();
  run_passes(asked, src, dst, map, nullptr);
  dst.set_length(map.size());
  dst.finish();
}

void copy_with_map(const tool::command_line& asked, const tool::source& src, tool::destination& dst,
                   tool::rescue_map& map, const std::optional<tool::mapfile>& before) {
  tool::handle_interruptions(tool::on_interruption::end_at_the_next_chunk);
  if (before)
    go_on(*before, dst);
  else
    begin(asked.map, map, dst);
  tool::checkpoint saved(asked.map, dst, asked.map_interval);
  try {
    run_passes(asked, src, dst, map, &saved);
  } catch (const tool::failure&) {
    saved.save(map, {});
    throw;
  }
  if (tool::interrupted()) {
    saved.save(map, {});
    if (!asked.quiet)
      std::fprintf(stderr, "salvage: interrupted; --resume goes on with %s and %s\n",
                   asked.map.c_str(), dst.part().c_str());
    tool::die_of_interruption();
  }
  dst.set_length(map.size());
  saved.save(map, {0, '+', 1});
  dst.finish();
}

// Nothing is left to be tried, and DST is in its place.
bool is_done(const tool::command_line& asked, const tool::destination& dst,
             const tool::rescue_map& map) {
  return asked.resume && map.blocks_with(tool::is_untried).empty() &&
         (asked.retries == 0 || map.blocks_with(tool::is_bad).empty()) && dst.exists() &&
         !dst.part_exists();
}

tool::status salvage(const tool::command_line& asked) {
  tool::source src(asked.source);
  tool::destination dst(asked.destination, src);
  if (!asked.map.empty())
    for (const std::string& other : {src.name(), dst.name(), dst.part()})
      refuse_same_file(asked.map, other);
  const std::optional<tool::mapfile> before = earlier(asked);
  tool::rescue_map map = before ? before->map : tool::rescue_map(0);
  map.grow(src.size_at_start());
  src.map(map.size());
  for (const tool::sabotage& one : asked.sabotage) tool::apply(one, src);
  if (asked.map.empty())
    copy_once(asked, src, dst, map);
  else if (!before || !is_done(asked, dst, map))
    copy_with_map(asked, src, dst, map, before);
  if (!asked.quiet) say(src, map, with_color(asked.color));
  return map.blocks_with(tool::is_bad).empty() ? tool::status::all_copied : tool::status::holes;
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
