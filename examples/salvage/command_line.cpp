#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iostream>
#include <optional>
#include <salvage/command_line.hpp>
#include <salvage/failure.hpp>
#include <salvage/version.hpp>
#include <string_view>
#include <system_error>

namespace tool {
namespace {

// 4096, 64K, 3M, 1G.
std::optional<std::size_t> parse_bytes(std::string_view text) {
  std::size_t n = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{}) return {};
  const std::string_view suffix = text.substr(static_cast<std::size_t>(rest - text.data()));
  if (suffix.empty()) return n;
  const std::size_t power = std::string_view("KMG").find(suffix);
  if (suffix.size() != 1 || power == std::string_view::npos) return {};
  const std::size_t unit = std::size_t{1024} << (10 * power);
  if (n > SIZE_MAX / unit) return {};
  return n * unit;
}

std::optional<damage> parse_damage(std::string_view text) {
  if (text == "noaccess") return damage::noaccess;
  if (text == "guard") return damage::guard;
  if (text == "truncate") return damage::truncate;
  if (text == "uffd-poison") return damage::uffd_poison;
  return {};
}

// KIND@OFFSET[+LENGTH]; nothing if it is not.
std::optional<sabotage> parse_sabotage(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos) return {};
  const std::string_view where = std::string_view(text).substr(at + 1);
  const std::size_t plus = where.find('+');
  const auto kind = parse_damage(std::string_view(text).substr(0, at));
  const auto offset = parse_bytes(where.substr(0, plus));
  if (!kind || !offset) return {};
  if (plus == std::string_view::npos) return sabotage{text, *kind, *offset, 0};
  const auto length = parse_bytes(where.substr(plus + 1));
  if (!length || *length == 0) return {};
  return sabotage{text, *kind, *offset, *length};
}

std::string why_no_sabotage(const std::string& text) {
  if (parse_sabotage(text)) return {};
  return "'" + text +
         "' is not KIND@OFFSET[+LENGTH] with KIND noaccess, guard, truncate or uffd-poison";
}

constexpr std::size_t largest_chunk = std::size_t{1} << 30;

std::string why_no_chunk(const std::string& text) {
  const auto bytes = parse_bytes(text);
  if (bytes && *bytes > 0 && *bytes <= largest_chunk) return {};
  return "'" + text + "' is not a number of bytes from 1 to 1G";
}

constexpr const char* story =
    "Copies what can be read of SRC to DST, also while SRC is truncated or fails, leaves holes "
    "for\n"
    "the rest, and says where and why. DST appears when it is whole.\n"
    "Exit status: 0 all copied, 1 DST has holes, 2 usage error, 3 cannot open or write.";

constexpr const char* end_of_help =
    "With --map, what is unfinished is kept as DST.part; FILE is brought up to date as the work\n"
    "goes on, and calls nothing copied that is not on the disk. GNU ddrescue reads it, and\n"
    "--resume reads ddrescue's. Where there is no FILE yet, --resume begins.";

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

command_line parse(int argc, const char* const* argv) {
  command_line asked;
  std::vector<std::string> texts;
  std::string chunk;
  double seconds = 0;
  CLI::App app{story, "salvage"};
  app.add_option("SRC", asked.source, "the file to read; never changed")->required();
  app.add_option("DST", asked.destination, "the file to write; replaced at the end")->required();
  const CLI::Option* const map =
      app.add_option("--map", asked.map,
                     "keep a map of what is copied and what is bad, as GNU ddrescue")
          ->option_text("FILE")
          ->check([](const std::string& name) {
            return name.empty() ? std::string("FILE has no name") : std::string();
          });
  const CLI::Option* const map_interval =
      app.add_option(
             "--map-interval", seconds,
             "bring FILE up to date every SECONDS, 0: after each chunk (default: as often as "
             "it costs little)")
          ->option_text("SECONDS")
          ->check(CLI::Range(0.0, 86400.0).description(""))
          ->check([](const std::string& text) {
            return text.find_first_not_of("0123456789.") == std::string::npos
                       ? std::string()
                       : "'" + text + "' is not a number of seconds";
          });
  app.add_flag("--resume", asked.resume, "go on where FILE and DST.part say that it ended");
  app.add_option("--chunk", chunk,
                 "how much is copied at once; rounded up to pages (default: 512K)")
      ->option_text("BYTES")
      ->check(why_no_chunk);
  app.add_option("--retries", asked.retries, "try again what is bad, N times (default: 0)")
      ->option_text("N")
      ->check(CLI::Range(0u, 1000u).description(""));
  app.add_option("--sabotage", texts,
                 "damage salvage's own view of SRC (repeatable): KIND is noaccess, guard, truncate "
                 "or uffd-poison; K, M and G may follow a number; without LENGTH, one page")
      ->option_text("KIND@OFFSET[+LENGTH]")
      ->allow_extra_args(false)
      ->check(why_no_sabotage);
  app.add_option("--color", asked.color, "colour the picture: auto, always or never")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("-q,--quiet", asked.quiet, "say nothing but why it failed");
  app.set_version_flag("--version", std::string("salvage ") + version);
  app.footer(end_of_help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) throw failure{status::usage, one_line(e.what()) + " (try --help)"};
    app.exit(e, std::cout, std::cerr);
    if (!std::cout.flush()) refuse("standard output", "cannot write");
    asked.only_talk = true;
    return asked;
  }
  for (const auto& [given, name] : {std::pair{asked.resume, "--resume"},
                                    std::pair{map_interval->count() > 0, "--map-interval"}})
    if (given && map->count() == 0)
      throw failure{status::usage, std::string(name) + " is for a --map FILE (try --help)"};
  if (map_interval->count() > 0) asked.map_interval = std::chrono::duration<double>(seconds);
  if (!chunk.empty()) asked.chunk = page_end(*parse_bytes(chunk) - 1);
  for (const std::string& text : texts) asked.sabotage.push_back(*parse_sabotage(text));
  return asked;
}

}  // namespace tool
