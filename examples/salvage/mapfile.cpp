#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <salvage/failure.hpp>
#include <salvage/files.hpp>
#include <salvage/mapfile.hpp>
#include <salvage/version.hpp>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace tool {
namespace {

constexpr std::string_view created_by = "# Mapfile. Created by salvage";
constexpr std::string_view seeding = "# DST.part is being made from DST";
constexpr std::string_view renaming = "# DST.part is whole and becomes DST";

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
    read.at.doing = doing_;
    return read;
  }

 private:
  bool next(std::vector<std::string>& words) {
    for (std::string line; std::getline(in_, line);) {
      ++line_;
      if (line.starts_with(created_by)) ours_ = true;
      if (line == seeding) doing_ = step::seeding;
      if (line == renaming) doing_ = step::renaming;
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
    if (*offset != map.size()) refuse("blocks are not contiguous");
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
  step doing_ = step::none;
};

template <class... Values>
void print(std::string& to, const char* format, Values... values) {
  char line[120];
  to.append(line, static_cast<std::size_t>(std::snprintf(line, sizeof line, format, values...)));
}

std::string text_of(const rescue_map& map, const stage& at) {
  std::string text;
  print(text, "%s %s\n", created_by.data(), version);
  if (at.doing == step::seeding) print(text, "%s\n", seeding.data());
  if (at.doing == step::renaming) print(text, "%s\n", renaming.data());
  text += "# current_pos  current_status  current_pass\n";
  print(text, "0x%08zX     %c               %u\n", at.position, at.status, at.pass);
  text += "#      pos        size  status\n";
  const auto line = [&](const block& b) {
    print(text, "0x%08zX  0x%08zX  %c\n", b.offset, b.length, static_cast<char>(b.known.status));
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
  return text;
}

// Is this what a write_mapfile() that was killed has left: the beginning of a map of ours?
bool is_left_over(const std::string& name) {
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  struct stat about {};
  char begin[created_by.size()];
  const bool regular = ::fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 1;
  const ssize_t n = regular ? ::read(file, begin, sizeof begin) : -1;
  ::close(file);
  return n >= 0 && created_by.starts_with(std::string_view(begin, static_cast<std::size_t>(n)));
}

}  // namespace

std::optional<mapfile> read_mapfile(const std::string& name) {
  struct stat about {};
  if (::stat(name.c_str(), &about) != 0) {
    if (errno == ENOENT) return {};
    refuse(name, "cannot open");
  }
  if (!S_ISREG(about.st_mode)) refuse_kind(name, about.st_mode);
  std::ifstream in(name);
  if (!in) refuse(name, "cannot open");
  return reader(name, in).all();
}

void write_mapfile(const std::string& name, const rescue_map& map, const stage& at) {
  const std::string text = text_of(map, at);
  // Always the same name, so that a process that is killed leaves one at the most; and nobody's file.
  const std::size_t slash = name.rfind('/') + 1;
  const std::string fresh = name.substr(0, slash) + "." + name.substr(slash) + ".salvage";
  const auto create = [&] {
    return ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  };
  int file = create();
  if (file < 0 && errno == EEXIST) {
    if (!is_left_over(fresh)) refuse(fresh, "is in the way", EEXIST);
    ::unlink(fresh.c_str());
    file = create();
  }
  if (file < 0) refuse(name, "cannot write");
  struct stat old {};
  if (::stat(name.c_str(), &old) == 0) ::fchmod(file, old.st_mode & 0777);
  bool written = write_all(file, text.data(), text.size()) && ::fsync(file) == 0;
  int error = errno;
  if (::close(file) != 0 && written) written = false, error = errno;
  if (written && std::rename(fresh.c_str(), name.c_str()) == 0) return;
  if (written) error = errno;
  ::unlink(fresh.c_str());
  refuse(name, "cannot write", error);
}

}  // namespace tool
