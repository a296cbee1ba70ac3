#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iostream>
#include <optional>
#include <salvage/command_line.hpp>
#include <string_view>
#include <surefoot/version.hpp>
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
  return "'" + text + "' is not KIND@OFFSET[+LENGTH] with KIND noaccess, guard or truncate";
}

constexpr const char* story =
    "Copies what can be read of SRC to DST, also while SRC is truncated or fails, leaves holes "
    "for\n"
    "the rest, and says where and why.\n"
    "Exit status: 0 all copied, 1 DST has holes, 2 usage error, 3 cannot open or write.";

#define SALVAGE_TEXT_(x) #x
#define SALVAGE_TEXT(x) SALVAGE_TEXT_(x)
constexpr const char* version = "salvage " SALVAGE_TEXT(SUREFOOT_VERSION_MAJOR) "." SALVAGE_TEXT(
    SUREFOOT_VERSION_MINOR) "." SALVAGE_TEXT(SUREFOOT_VERSION_PATCH);

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

command_line parse(int argc, const char* const* argv) {
  command_line asked;
  std::vector<std::string> texts;
  CLI::App app{story, "salvage"};
  app.add_option("SRC", asked.source, "the file to read; never changed")->required();
  app.add_option("DST", asked.destination, "the file to write; replaced at the end")->required();
  app.add_option("--sabotage", texts,
                 "damage salvage's own view of SRC (repeatable): KIND is noaccess, guard or "
                 "truncate; K, M and G may follow a number; without LENGTH, one page")
      ->option_text("KIND@OFFSET[+LENGTH]")
      ->allow_extra_args(false)
      ->check(why_no_sabotage);
  app.add_option("--color", asked.color, "colour the picture: auto, always or never")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.set_version_flag("--version", version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) throw failure{status::usage, one_line(e.what()) + " (try --help)"};
    app.exit(e, std::cout, std::cerr);
    asked.only_talk = true;
  }
  for (const std::string& text : texts) asked.sabotage.push_back(*parse_sabotage(text));
  return asked;
}

}  // namespace tool
