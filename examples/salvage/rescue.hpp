// The work itself: passes over SRC, chunk by chunk, by two workers at once (one reads while the
// other writes).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <salvage/checkpoint.hpp>
#include <salvage/destination.hpp>
#include <salvage/failure.hpp>
#include <salvage/interruption.hpp>
#include <salvage/progress.hpp>
#include <salvage/reading.hpp>
#include <salvage/rescue_map.hpp>
#include <salvage/source.hpp>
#include <surefoot/salvage.hpp>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tool {

class rescue {
 public:
  // `saved` is null where no map is kept.
  rescue(const source& src, destination& dst, rescue_map& map, checkpoint* saved, std::size_t chunk)
      : src_(src), dst_(dst), map_(map), saved_(saved), chunk_(chunk) {}

  // Tries each byte of these blocks, of which there is one at least, once. `at` is what the map file
  // says of the work meanwhile.
  void pass(std::vector<block> blocks, const stage& at, progress& bar) {
    todo_ = std::move(blocks);
    next_block_ = 0;
    offset_ = todo_[0].offset;
    done_ = 0;
    at_ = at;
    bar_ = &bar;
    std::thread other;
    try {
      other = std::thread([this] { work(); });
    } catch (const std::system_error&) {
      // No thread is to be had: one worker does it too.
    }
    work();
    if (other.joinable()) other.join();
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  struct range {
    std::size_t begin, end;
  };
  struct hole {
    surefoot::fault why;
    std::size_t offset, bytes;
  };
  // A worker's own.
  struct desk {
    explicit desk(std::size_t chunk)
        : bytes(static_cast<unsigned char*>(std::aligned_alloc(page_size, chunk)), &std::free) {
      if (bytes == nullptr) refuse("--chunk", "no memory for it");
      holes.reserve(chunk / page_size);
    }
    std::unique_ptr<unsigned char, decltype(&std::free)> bytes;
    std::vector<hole> holes;
  };

  void work() {
    try {
      desk mine(chunk_);
      while (const std::optional<range> r = next()) copy(*r, mine);
    } catch (...) {
      const std::lock_guard one(mutex_);
      if (failed_ == nullptr) failed_ = std::current_exception();
    }
  }

  // The next piece, which ends at a multiple of the chunk at the latest. Nothing: all are given
  // out, or the work is to end.
  std::optional<range> next() {
    const std::lock_guard one(mutex_);
    if (failed_ != nullptr || interrupted()) return {};
    while (next_block_ < todo_.size() && offset_ == todo_[next_block_].end())
      if (++next_block_ < todo_.size()) offset_ = todo_[next_block_].offset;
    if (next_block_ == todo_.size()) return {};
    const std::size_t begin = offset_;
    offset_ = std::min(begin - begin % chunk_ + chunk_, todo_[next_block_].end());
    return range{begin, offset_};
  }

  void copy(const range& r, desk& mine) {
    // What lies past the end is not tried: a page there costs a signal, and there may be millions.
    const std::size_t n = within(r, size_ < r.end ? src_.size_now() : size_.load());
    mine.holes.clear();
    const surefoot::salvaged met = surefoot::salvage(
        mine.bytes.get(), src_.view() + r.begin, n,
        [&](const surefoot::fault& why, std::size_t offset, std::size_t bytes) {
          mine.holes.push_back({why, offset, bytes});  // there is room for one a page
        },
        reading{});
    if (met.stopped_by.kind != surefoot::cause::none)
      throw failure{status::cannot_open_or_write, "salvage's own buffer is bad memory"};
    // Asked for again after the copy: else a truncation in between would go unseen. What lies past
    // the end reads as zeros up to the end of the page, and does not count.
    size_ = src_.size_now();
    const std::size_t in_file = std::min(n, within(r, size_));
    each_good(mine, n, [&](std::size_t from, std::size_t end) {
      end = std::min(end, in_file);
      if (from < end) dst_.write(mine.bytes.get() + from, end - from, r.begin + from);
    });
    note(r, mine, in_file);
  }

  // How many bytes of the range a file of this size has.
  static std::size_t within(const range& r, std::size_t size) {
    return std::clamp(size, r.begin, r.end) - r.begin;
  }

  // What lies before, between and behind the holes.
  template <class Each>
  static void each_good(const desk& mine, std::size_t n, Each each) {
    std::size_t from = 0;
    for (const hole& h : mine.holes) {
      each(from, h.offset);
      from = h.offset + h.bytes;
    }
    each(from, n);
  }

  // Only what has been written is called copied.
  void note(const range& r, const desk& mine, std::size_t in_file) {
    constexpr surefoot::fault past_the_end{.kind = surefoot::cause::no_backing};
    const std::lock_guard one(mutex_);
    each_good(mine, r.end - r.begin, [&](std::size_t from, std::size_t end) {
      const std::size_t good = std::clamp(in_file, from, end);
      map_.set(r.begin + from, good - from, copied);
      map_.set(r.begin + good, end - good, lost(past_the_end));
    });
    for (const hole& h : mine.holes) map_.set(r.begin + h.offset, h.bytes, lost(h.why));
    done_ += r.end - r.begin;
    bar_->reached(done_);
    at_.position = r.begin;
    if (saved_ != nullptr) saved_->save_if_due(map_, at_);
  }

  const source& src_;
  destination& dst_;
  rescue_map& map_;
  checkpoint* saved_;
  std::size_t chunk_;
  std::atomic<std::size_t> size_{0};  // of SRC, at the last look

  std::mutex mutex_;  // guards what follows, map_ and *saved_
  std::vector<block> todo_;
  std::size_t next_block_ = 0;
  std::size_t offset_ = 0;
  std::size_t done_ = 0;
  stage at_;
  progress* bar_ = nullptr;
  std::exception_ptr failed_;
};

}  // namespace tool
