// What is known of each byte of SRC: copied, bad and why, or not tried yet. In the words and the
// status letters of GNU ddrescue's mapfile.
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <surefoot/fault.hpp>
#include <vector>

namespace tool {

enum class block_status : char {
  non_tried = '?',
  non_trimmed = '*',  // ddrescue's own: failed as a part of something larger
  non_scraped = '/',  // the same, smaller
  bad = '-',
  finished = '+'
};

// What is known of a byte. Of a fault, only what its neighbours share with it.
struct knowledge {
  block_status status = block_status::non_tried;
  surefoot::cause why = surefoot::cause::none;
  int signal = 0;
  int code = 0;

  bool operator==(const knowledge&) const = default;
};
constexpr knowledge copied{block_status::finished};
constexpr knowledge lost(const surefoot::fault& f) {
  return {block_status::bad, f.kind, f.signal, f.code};
}

// A run of bytes of which the same is known.
struct block {
  std::size_t offset = 0;
  std::size_t length = 0;
  knowledge known;

  std::size_t end() const { return offset + length; }
};

class rescue_map {
 public:
  explicit rescue_map(std::size_t size) : size_(size) {
    if (size > 0) from_[0] = {};
  }

  std::size_t size() const { return size_; }

  // More bytes at the end, not tried.
  void grow(std::size_t size) {
    if (size <= size_) return;
    const std::size_t before = size_;
    size_ = size;
    from_[before] = {};
    join(before);
  }

  // Forgets what lies behind that size.
  void cut(std::size_t size) {
    if (size >= size_) return;
    size_ = size;
    from_.erase(from_.lower_bound(size), from_.end());
  }

  // Precondition: within size().
  void set(std::size_t offset, std::size_t length, const knowledge& known) {
    if (length == 0) return;
    const std::size_t end = offset + length;
    if (end < size_) split(end);
    from_.erase(from_.lower_bound(offset), from_.lower_bound(end));
    from_[offset] = known;
    join(end);
    join(offset);
  }

  // All of it, in order, no two neighbours alike.
  std::vector<block> blocks() const {
    return blocks_with([](const knowledge&) { return true; });
  }
  template <class Wanted>
  std::vector<block> blocks_with(Wanted wanted) const {
    std::vector<block> all;
    for (auto at = from_.begin(); at != from_.end(); ++at) {
      const auto next = std::next(at);
      const std::size_t end = next == from_.end() ? size_ : next->first;
      if (wanted(at->second)) all.push_back({at->first, end - at->first, at->second});
    }
    return all;
  }

 private:
  void split(std::size_t at) {
    const auto next = from_.lower_bound(at);
    if (next == from_.end() || next->first != at)
      from_.emplace_hint(next, at, std::prev(next)->second);
  }
  // Forgets the edge at this place where both its sides are alike.
  void join(std::size_t at) {
    const auto edge = from_.find(at);
    if (edge != from_.end() && edge != from_.begin() && std::prev(edge)->second == edge->second)
      from_.erase(edge);
  }

  std::size_t size_;
  std::map<std::size_t, knowledge> from_;  // where each block begins; it ends at the next one
};

inline bool is_bad(const knowledge& k) { return k.status == block_status::bad; }
inline bool is_finished(const knowledge& k) { return k.status == block_status::finished; }
inline bool is_untried(const knowledge& k) { return !is_bad(k) && !is_finished(k); }

inline std::size_t end_of(const std::vector<block>& blocks) {
  return blocks.empty() ? 0 : blocks.back().end();
}
inline std::size_t bytes_of(const std::vector<block>& blocks) {
  std::size_t sum = 0;
  for (const block& b : blocks) sum += b.length;
  return sum;
}

}  // namespace tool
