// salvage SRC DST: copies what can be copied of a file that may be truncated, or fail, under it.
//
// `cp` reads, and gets an error. Who maps a file gets a SIGBUS instead, and most programs die of
// it. Here the mapping is read with surefoot::salvage, so a bad page is an answer: where it lies,
// why, and the copy goes on behind it.
//
// Accessible is not "in the file": after a truncation inside a page, the rest of that page reads as
// zeros, without any fault. So the size is asked for again after each chunk, and what lies past it
// does not count, whatever it read as.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <salvage/checkpoint.hpp>
#include <salvage/command_line.hpp>
#include <salvage/destination.hpp>
#include <salvage/failure.hpp>
#include <salvage/files.hpp>
#include <salvage/interruption.hpp>
#include <salvage/mapfile.hpp>
#include <salvage/name_lock.hpp>
#include <salvage/progress.hpp>
#include <salvage/report.hpp>
#include <salvage/rescue.hpp>
#include <salvage/sabotage.hpp>
#include <salvage/source.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    tool::refuse("standard output", "cannot write");
}

// What an earlier run has left.
std::optional<tool::mapfile> earlier(const tool::command_line& asked) {
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
  dst.refuse_unwritable();
  if (dst.size_of_part())
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

// Where are the bytes that the map calls copied?
//  - The map is ours, and the work on it has not ended: in DST.part.
//  - It has ended, or is ddrescue's: in DST; or in DST.part, where there is no DST. Both at once would
//    be somebody else's file beside ours, and a guess would lose one of them.
// DST itself is never worked on: a new DST.part gets what it has.
void go_on(const std::string& file, const tool::mapfile& before, const tool::rescue_map& map,
           tool::destination& dst) {
  const std::vector<tool::block> there = map.blocks_with(tool::is_finished);
  const tool::step doing = before.at.doing;
  bool has_part = dst.size_of_part().has_value();
  if (doing == tool::step::seeding && has_part && dst.size()) {
    ::unlink(dst.part().c_str());  // ours, and killed before it was worth anything
    has_part = false;
  }
  const bool in_target = doing != tool::step::none || before.at.status == '+' || !before.ours;
  if (has_part && in_target && dst.size() && doing != tool::step::renaming)
    throw tool::failure{tool::status::usage, dst.part() + ": is there, and so is " + dst.name() +
                                                 ": which of them does " + file + " speak of?"};
  if (has_part) return dst.reopen_part(tool::end_of(there));
  if (there.empty()) return dst.create_part();
  if (!in_target || !dst.size())
    throw tool::failure{tool::status::cannot_open_or_write,
                        dst.part() + ": is not there, but " + file + " says that " +
                            std::to_string(tool::bytes_of(there)) + " bytes are copied"};
  dst.refuse_shorter(dst.name(), *dst.size(), tool::end_of(there));
  tool::write_mapfile(file, map, {.doing = tool::step::seeding});
  dst.create_part();
  dst.seed_part(there);
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
  dst.refuse_unwritable();
  dst.open_temporary();
  run_passes(asked, src, dst, map, nullptr);
  dst.set_length(map.size());
  dst.finish();
}

[[noreturn]] void end_interrupted(const tool::command_line& asked, const tool::destination& dst) {
  if (!asked.quiet)
    std::fprintf(stderr, "salvage: interrupted; --resume goes on with %s and %s\n",
                 asked.map.c_str(), dst.part().c_str());
  tool::die_of_interruption();
}

void copy_with_map(const tool::command_line& asked, const tool::source& src, tool::destination& dst,
                   tool::rescue_map& map, const std::optional<tool::mapfile>& before) {
  tool::handle_interruptions(tool::on_interruption::end_at_the_next_chunk);
  if (before)
    go_on(asked.map, *before, map, dst);
  else
    begin(asked.map, map, dst);
  if (tool::interrupted()) end_interrupted(asked, dst);
  dst.set_length(map.size());
  tool::checkpoint saved(asked.map, dst, asked.map_interval);
  if (before) saved.save(map, {});  // from here on it speaks of DST.part
  try {
    run_passes(asked, src, dst, map, &saved);
  } catch (...) {
    saved.save(map, {});
    throw;
  }
  if (tool::interrupted()) {
    saved.save(map, {});
    end_interrupted(asked, dst);
  }
  saved.save(map, {0, '+', 1, tool::step::renaming});
  dst.finish();
  saved.save(map, {0, '+', 1});
}

// Nothing is left to be tried, and DST is in its place.
bool is_done(const tool::command_line& asked, const tool::mapfile& before,
             const tool::destination& dst, const tool::rescue_map& map) {
  const bool ended =
      !before.ours || (before.at.status == '+' && before.at.doing == tool::step::none);
  if (!ended || !dst.size() || !map.blocks_with(tool::is_untried).empty()) return false;
  if (asked.retries > 0 && !map.blocks_with(tool::is_bad).empty()) return false;
  dst.refuse_shorter(dst.name(), *dst.size(), tool::end_of(map.blocks_with(tool::is_finished)));
  return true;
}

// What is known already, of as many bytes as SRC and the copy have: ddrescue's maps may reach to
// the end of all numbers.
tool::rescue_map known_before(const tool::mapfile& before, const tool::source& src,
                              const tool::destination& dst) {
  tool::rescue_map map = before.map;
  const std::size_t copy = dst.size_of_part().value_or(dst.size().value_or(0));
  map.cut(std::max({src.size_at_start(), copy, tool::end_of(map.blocks_with(tool::is_finished))}));
  return map;
}

void copy(const tool::command_line& asked, tool::source& src, tool::destination& dst,
          tool::rescue_map& map) {
  std::optional<tool::name_lock> one;
  std::optional<tool::mapfile> before;
  if (!asked.map.empty()) {
    for (const std::string& other : {src.name(), dst.name(), dst.part()})
      refuse_same_file(asked.map, other);
    one.emplace(asked.map);
    before = earlier(asked);
    if (before) map = known_before(*before, src, dst);
  }
  map.grow(src.size_at_start());
  src.map(map.size());
  for (const tool::sabotage& each : asked.sabotage) tool::apply(each, src);
  if (asked.map.empty())
    copy_once(asked, src, dst, map);
  else if (!before || !is_done(asked, *before, dst, map))
    copy_with_map(asked, src, dst, map, before);
}

tool::status salvage(const tool::command_line& asked) {
  tool::source src(asked.source);
  tool::destination dst(asked.destination, src);
  tool::rescue_map map(0);
  copy(asked, src, dst, map);
  if (!asked.quiet) say(src, map, with_color(asked.color));
  return map.blocks_with(tool::is_bad).empty() ? tool::status::all_copied : tool::status::holes;
}

// With one of the first three closed, the next file that is opened would take its place, and what is
// said would be written into DST.
void open_what_is_closed() {
  while (true) {
    const int file = ::open("/dev/null", O_RDWR);
    if (file < 0) std::_Exit(static_cast<int>(tool::status::cannot_open_or_write));
    if (file > STDERR_FILENO) {
      ::close(file);
      return;
    }
  }
}

int explain(const std::string& line, tool::status exit) {
  std::fprintf(stderr, "salvage: %s\n", line.c_str());
  return static_cast<int>(exit);
}

}  // namespace

int main(int argc, char** argv) {
  open_what_is_closed();
  try {
    tool::command_line asked = tool::parse(argc, argv);
    if (!asked.map.empty()) asked.map = tool::without_links(asked.map);
    return static_cast<int>(asked.only_talk ? tool::status::all_copied : salvage(asked));
  } catch (const tool::failure& why) {
    return explain(why.line, why.exit);
  } catch (const std::bad_alloc&) {
    return explain("out of memory", tool::status::cannot_open_or_write);
  } catch (const std::exception& why) {
    return explain(why.what(), tool::status::cannot_open_or_write);
  }
}
