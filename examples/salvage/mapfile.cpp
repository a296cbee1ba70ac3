#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <salvage/failure.hpp>
#include <salvage/mapfile.hpp>
#include <salvage/version.hpp>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace tool {
namespace {

constexpr std::string_view created_by = "# Mapfile. Created by salvage";

// As integer constants in C++. ddrescue's numbers are signed.
std::optional<std::size_t> parse_number(std::string_view word) {
  int base = 10;
  if (word.size() > 1 && word[0] == '0') {
    base = word[1] == 'x' || word[1] == 'X' ? 16 : 8;
    word.remove_prefix(base == 16 ? 2 : 1);
  }
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n, base);
  if (error != std::errc{} || end != word.data() + word.size() || n > PTRDIFF_MAX) return {};
  return n;
}

// The words of a line without its comment, which begins at a # that is the first of a word.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; in >> word && word[0] != '#';) words.push_back(word);
  return words;
}

class reader {
 public:
  reader(const std::string& name, std::istream& in) : name_(name), in_(in) {}

  mapfile all() {
    mapfile read{rescue_map(0), read_stage(), ours_};
    for (std::vector<std::string> words; next(words);) read_block(words, read.map);
    return read;
  }

 private:
  bool next(std::vector<std::string>& words) {
    for (std::string line; std::getline(in_, line);) {
      ++line_;
      if (line.starts_with(created_by)) ours_ = true;
      words = words_of(line);
      if (!words.empty()) return true;
    }
    if (in_.bad()) tool::refuse(name_, "cannot read");
    return false;
  }

  stage read_stage() {
    std::vector<std::string> words;
    if (!next(words)) refuse("it has no status line");
    const auto position = words.size() == 2 || words.size() == 3 ? parse_number(words[0])
                                                                 : std::optional<std::size_t>{};
    const auto pass = words.size() == 3 ? parse_number(words[2]) : 1;
    if (!position || !pass || *pass > 0xffff || words[1].size() != 1 ||
        std::string_view("?*/-FG+").find(words[1]) == std::string_view::npos)
      refuse("not a position, a status and a pass");
    return {*position, words[1][0], static_cast<unsigned>(*pass)};
  }

  void read_block(const std::vector<std::string>& words, rescue_map& map) {
    const auto offset = words.size() == 3 ? parse_number(words[0]) : std::optional<std::size_t>{};
    const auto length = words.size() == 3 ? parse_number(words[1]) : std::optional<std::size_t>{};
    if (!offset || !length || words[2].size() != 1 ||
        std::string_view("?*/-+").find(words[2]) == std::string_view::npos)
      refuse("not a position, a size and a status");
    if (*offset < map.size()) refuse("blocks overlap");
    if (*length > PTRDIFF_MAX - *offset) refuse("a block ends nowhere");
    map.grow(*offset + *length);
    knowledge known{static_cast<block_status>(words[2][0])};
    if (known.status == block_status::bad) known.why = surefoot::cause::unknown;
    map.set(*offset, *length, known);
  }

  [[noreturn]] void refuse(const char* why) const {
    throw failure{status::cannot_open_or_write,
                  name_ + ": not a ddrescue mapfile: line " + std::to_string(line_) + ": " + why};
  }

  const std::string& name_;
  std::istream& in_;
  std::size_t line_ = 0;
  bool ours_ = false;
};

void print(std::FILE* to, const rescue_map& map, const stage& at) {
  std::fprintf(to, "%s %s\n", created_by.data(), version);
  std::fputs("# current_pos  current_status  current_pass\n", to);
  std::fprintf(to, "0x%08zX     %c               %u\n", at.position, at.status, at.pass);
  std::fputs("#      pos        size  status\n", to);
  const auto line = [to](const block& b) {
    std::fprintf(to, "0x%08zX  0x%08zX  %c\n", b.offset, b.length,
                 static_cast<char>(b.known.status));
  };
  // The format knows no causes: bad neighbours are one block in it.
  block run;
  for (const block& b : map.blocks()) {
    if (run.length > 0 && b.known.status == run.known.status) {
      run.length += b.length;
      continue;
    }
    if (run.length > 0) line(run);
    run = b;
  }
  if (run.length > 0) line(run);
}

}  // namespace

std::optional<mapfile> read_mapfile(const std::string& name) {
  std::ifstream in(name);
  if (!in) {
    if (errno == ENOENT) return {};
    refuse(name, "cannot open");
  }
  return reader(name, in).all();
}

void write_mapfile(const std::string& name, const rescue_map& map, const stage& at) {
  // A name that nobody else uses, and always the same: a process that is killed leaves no second.
  const std::size_t slash = name.rfind('/') + 1;
  const std::string unfinished = name.substr(0, slash) + "." + name.substr(slash) + ".salvage";
  std::FILE* const to = std::fopen(unfinished.c_str(), "we");
  if (to == nullptr) refuse(name, "cannot write");
  print(to, map, at);
  const bool written = std::fflush(to) == 0 && ::fsync(::fileno(to)) == 0;
  const int error = errno;
  std::fclose(to);
  if (!written) refuse(name, "cannot write", error);
  if (std::rename(unfinished.c_str(), name.c_str()) != 0) refuse(name, "cannot write");
}

}  // namespace tool
