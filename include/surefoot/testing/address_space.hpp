/// @file
/// Four pages of real address space that are changed step by step (mapped, unmapped, protected, guarded,
/// poisoned, written; their files cut and written), and a model that says what each byte of them is, and
/// what each access meets.
///
///     address_space space;
///     space.lay({tile::read_write, tile::shared_file, tile::hole, tile::hole});
///     space.make({.what = change_kind::truncate, .first = 1, .size = 0});  // the file of page 1
///     const progress met = my_copy(to, space.data(), 6000);
///     assert(met == space.expected(space.data(), {0, 6000}, access_kind::read));
///
/// A minefield is for layouts that stay; this is for sequences. It is fast enough for a fuzzer: laid
/// again, it changes only the pages that differ (a few microseconds each).
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <surefoot/engine/standard.hpp>
#include <surefoot/testing/drawn.hpp>
#include <surefoot/testing/oracle.hpp>

SUREFOOT_TESTING_UNSEEN
namespace surefoot {
inline namespace SUREFOOT_TESTING_ABI {
namespace testing {

/// How many pages there are.
///
/// @snippet address_space.cpp address_space
inline constexpr std::size_t space_pages = 4;
/// Bytes of all of them.
///
/// @snippet address_space.cpp address_space
inline constexpr std::size_t space_size = space_pages * tile_size;

/// A tile for each page.
///
/// @snippet address_space.cpp address_space
using space_layout = std::array<tile, space_pages>;

/// What a page holds. Copies share it until one of them is written, so a model is cheap to copy. One of them
/// is not for two threads at once, but threads may have copies of one: all models begin with the same. (Not a
/// std::shared_ptr: its counting is seen by a fuzzer, and depends on what was before.)
///
/// @snippet address_space.cpp page_content
class page_content {
 public:
  /// Those of a page.
  using bytes = std::array<unsigned char, tile_size>;

  /// Zeros.
  page_content() : shared_(zeros()) { use(shared_); }
  /// Shares the bytes.
  [[gnu::noinline]] page_content(const page_content& other) noexcept : shared_(other.shared_) {
    use(shared_);
  }
  /// Shares the bytes.
  [[gnu::noinline]] page_content& operator=(const page_content& other) noexcept {
    use(other.shared_);
    release();
    shared_ = other.shared_;
    return *this;
  }
  /// Gives its share back.
  [[gnu::noinline]] ~page_content() { release(); }

  /// What a filled page holds when it is laid: known for each place, and never zero.
  static const page_content& laid(std::size_t page) {
    static const auto all = of_each_page(tile_size);
    return all[page];
  }
  /// The same for the page of a file_tail.
  static const page_content& tail(std::size_t page) {
    static const auto all = of_each_page(file_tiles::tail);
    return all[page];
  }

  /// What it holds.
  const bytes& read() const noexcept { return shared_->content; }
  /// The same, to be written: from now on it is not shared.
  [[gnu::noinline]] bytes& write() {
    if (__atomic_load_n(&shared_->users, __ATOMIC_ACQUIRE) > 1) {
      block* const own = new block{1, shared_->content};
      release();
      shared_ = own;
    }
    return shared_->content;
  }
  /// The same bytes for certain; false says nothing.
  bool is(const page_content& other) const noexcept { return shared_ == other.shared_; }

 private:
  struct block {
    std::size_t users;
    bytes content;
  };

  static block* zeros() {
    static block* const all = new block{1, {}};  // for ever
    return all;
  }
  static std::array<page_content, space_pages> of_each_page(std::size_t filled) {
    std::array<page_content, space_pages> all;
    for (std::size_t i = 0; i < space_pages; ++i)
      for (std::size_t k = 0; k < filled; ++k)
        all[i].write()[k] = pattern(reinterpret_cast<const void*>((16 + i) * tile_size + k));
    return all;
  }
  static void use(block* b) noexcept { __atomic_fetch_add(&b->users, 1, __ATOMIC_RELAXED); }
  void release() noexcept {
    if (__atomic_sub_fetch(&shared_->users, 1, __ATOMIC_ACQ_REL) == 0) delete shared_;
  }

  block* shared_;
};

/// What can be changed. Which members of a change count stands here.
///
/// @snippet address_space.cpp change
enum class change_kind : unsigned char {
  map,  ///< another tile in the place of page `first`; a file tile may be of the file of page `file`
  unmap,     ///< `count` pages from `first` on
  protect,   ///< those, to `protection`
  truncate,  ///< the file of page `first`, to `size` bytes
  guard,     ///< those pages, or the guards away again (`on`)
  poison,    ///< page `first`, in its place
  advise,    ///< those pages, `advice`
  write,  ///< `part` through the mapping, or from the file of page `first` on (`on`), with `seed`
};

/// One change of the layout, or of what stands in it.
///
/// @snippet address_space.cpp change
struct change {
  change_kind what = change_kind::map;  ///< says which of the others count
  std::size_t first = 0;                ///< page
  std::size_t count = 1;                ///< of pages
  tile to = tile::read_write;           ///< another tile
  std::size_t file = 0;                 ///< the page whose file it is
  int protection = PROT_NONE;           ///< PROT_*
  std::size_t size = 0;                 ///< bytes of a file
  bool on = false;                      ///< see change_kind
  int advice = MADV_DONTNEED;           ///< MADV_*
  reach part{};                         ///< of the bytes of all pages
  unsigned char seed = 0;               ///< makes the bytes that are written

  /// The first page behind those.
  std::size_t end() const { return first + count; }
  /// The byte number i of what is written: all alike for an even seed.
  unsigned char byte(std::size_t i) const {
    return static_cast<unsigned char>(seed % 2 == 0 ? seed : seed + i * 31);
  }
};

/// "rw", "r" or "none".
///
/// @snippet address_space.cpp change
inline const char* name_of_protection(int protection) {
  return (protection & PROT_WRITE) != 0 ? "rw" : (protection & PROT_READ) != 0 ? "r" : "none";
}

/// A change as words.
inline std::ostream& operator<<(std::ostream& to, const change& c) {
  const auto pages = [&]() -> std::ostream& {
    to << " page " << c.first;
    if (c.count > 1) to << " to " << c.end() - 1;
    return to;
  };
  switch (c.what) {
    case change_kind::map:
      to << "map page " << c.first << ": " << name(c.to);
      if (c.file != c.first) to << " of the file of page " << c.file;
      return to;
    case change_kind::unmap: to << "unmap"; return pages();
    case change_kind::protect:
      to << "protect";
      return pages() << ": " << name_of_protection(c.protection);
    case change_kind::truncate:
      return to << "truncate the file of page " << c.first << " to " << c.size << " bytes";
    case change_kind::guard: to << (c.on ? "guard" : "unguard"); return pages();
    case change_kind::poison: return to << "poison page " << c.first;
    case change_kind::advise: to << "advise " << c.advice << " (MADV_*) for"; return pages();
    case change_kind::write:
      to << "write " << int{c.seed} << (c.seed % 2 == 0 ? "" : "...") << " to ";
      if (c.on) to << "the file of page " << c.first << ", ";
      return to << c.part;
  }
  return to;
}

/// The model: what each byte is, and what each access meets. A value, cheap to copy.
///
/// @snippet address_space.cpp space_model
class space_model {
 public:
  /// What a page is now.
  struct page {
    tile laid = tile::hole;      ///< as which it was mapped
    int protection = PROT_NONE;  ///< PROT_*
    bool guarded = false;        ///< a guard page, whatever lies there
    bool is_own = false;  ///< of a private file page: it was written, and does not follow the file
    unsigned char file = 0;  ///< the page whose file it is
    page_content own{};      ///< of memory without a file, and of such a page
  };
  /// What the file of a page is now.
  struct file {
    std::size_t size = tile_size;  ///< bytes
    page_content bytes{};          ///< zeros behind its end
  };

  /// In the order of their addresses.
  std::array<page, space_pages> pages{};
  /// Of each page one, whether or not it is mapped.
  std::array<file, space_pages> files{};

  /// Memory without a file.
  static constexpr bool is_anonymous(tile t) noexcept {
    return t <= tile::no_access || t == tile::guard_page || t == tile::huge_page;
  }
  /// Memory with one.
  static constexpr bool is_file(tile t) noexcept {
    return t >= tile::private_file && t <= tile::truncated_file;
  }
  /// Memory with a userfaultfd.
  static constexpr bool is_userfault(tile t) noexcept { return userfault_tiles::make(t); }
  /// Memory without a file that is filled when it is laid.
  static bool is_filled(tile t) noexcept {
    return t == tile::secret || key_tiles::make(t) || tag_tiles::make(t) ||
           (is_anonymous(t) && t != tile::guard_page && filled(t) > 0);
  }
  /// Made by the kit as it is, and left so: only mapped and unmapped.
  static constexpr bool is_rigid(tile t) noexcept { return t >= tile::hardware_poison; }

  /// Everything as it is when it has been laid.
  static space_model laid(const space_layout& layout) {
    space_model s;
    for (std::size_t i = 0; i < space_pages; ++i) {
      s.files[i].bytes = page_content::laid(i);
      s.lay(i, layout[i], i);
    }
    return s;
  }

  /// What the processor meets at this offset.
  [[gnu::noinline]] answer ask(std::size_t offset, access_kind during) const {
    const page& p = pages[offset / tile_size];
    if (is_rigid(p.laid)) return testing::ask(p.laid, offset % tile_size, during);
    if (p.laid == tile::hole) return unmapped;
    if (!allows(p, during)) return denied;
    if (p.guarded) return unmapped;
    if (is_file(p.laid) && files[p.file].size == 0) return no_backing;
    if (is_userfault(p.laid)) return userfault_tiles::ask(p.laid, 0, during);
    if (p.laid == tile::full_tmpfs) return no_backing;
    return {};
  }
  /// What this engine says of it.
  template <class E>
  answer ask(std::size_t offset, access_kind during) const {
    const page& p = pages[offset / tile_size];
    const bool is_reached = is_rigid(p.laid) || allows(p, during);
    const bool is_fine = p.laid == tile::guard_page && !p.guarded;
    const tile t = !is_reached ? tile::no_access
                   : p.guarded ? tile::guard_page
                   : is_fine   ? tile::read_write
                               : p.laid;
    return said_by<E>(t, ask(offset, during), during);
  }

  /// How many bytes come before the first one that refuses.
  template <class E>
  [[gnu::noinline]] std::size_t reaches(const reach& r, access_kind during) const {
    for (std::size_t at = r.offset; at < r.end();) {
      if (!ask<E>(at, during).accessible()) return at - r.offset;
      const std::size_t one = granule(pages[at / tile_size].laid);
      at += one - at % one;
    }
    return r.length;
  }
  /// The answer of an operation that keeps what it did, on pages that begin at `arena`.
  template <class E>
  progress expected(const unsigned char* arena, const reach& r, access_kind during) const {
    const std::size_t done = reaches<E>(r, during), bad = r.offset + done;
    if (done == r.length) return {done, 0};
    return {done, r.length - done, ask<E>(bad, during).at(arena + bad, during)};
  }

  /// The same of one that asks page by page, the first byte in the range: of tags it learns no more.
  template <class E>
  std::size_t reaches_by_page(const reach& r, access_kind during) const {
    for (std::size_t at = r.offset; at < r.end(); at += tile_size - at % tile_size)
      if (!ask<E>(at, during).accessible()) return at - r.offset;
    return r.length;
  }
  /// The answer of fault_in_readable() or fault_in_writeable().
  template <class E>
  progress faulted_in(const unsigned char* arena, const reach& r, access_kind during) const {
    const std::size_t done = reaches_by_page<E>(r, during), bad = r.offset + done;
    if (done == r.length) return {done, 0};
    return {done, r.length - done, ask<E>(bad, during).at(arena + bad, during)};
  }

  /// What this page holds, be it its own or its file's.
  const page_content& content_of(std::size_t i) const {
    const page& p = pages[i];
    return is_file(p.laid) && !p.is_own ? files[p.file].bytes : p.own;
  }
  /// The byte at this offset.
  [[gnu::noinline]] unsigned char byte(std::size_t offset) const {
    return content_of(offset / tile_size).read()[offset % tile_size];
  }
  /// n bytes from this offset on, to `to`.
  [[gnu::noinline]] void read(std::size_t offset, unsigned char* to, std::size_t n) const {
    each_piece(offset, n, [&](std::size_t i, std::size_t from, std::size_t at, std::size_t count) {
      std::memcpy(to + at, content_of(i).read().data() + from, count);
    });
  }
  /// Do n bytes from this offset on hold what stands at `bytes`?
  [[gnu::noinline]] bool holds(std::size_t offset, const unsigned char* bytes,
                               std::size_t n) const {
    bool same = true;
    each_piece(offset, n, [&](std::size_t i, std::size_t from, std::size_t at, std::size_t count) {
      same = same && std::memcmp(content_of(i).read().data() + from, bytes + at, count) == 0;
    });
    return same;
  }

  /// These bytes are written from this offset on, through the mappings.
  [[gnu::noinline]] void store(std::size_t offset, const unsigned char* bytes, std::size_t n) {
    each_piece(offset, n, [&](std::size_t i, std::size_t from, std::size_t at, std::size_t count) {
      touch_for_write(i);
      page& p = pages[i];
      page_content& to = is_file(p.laid) && !p.is_own ? files[p.file].bytes : p.own;
      std::memcpy(to.write().data() + from, bytes + at, count);
    });
  }
  /// This byte has come to be there, by whatever page it was written.
  void shows(std::size_t offset, unsigned char byte) {
    page& p = pages[offset / tile_size];
    page_content& to = is_file(p.laid) && !p.is_own ? files[p.file].bytes : p.own;
    to.write()[offset % tile_size] = byte;
  }
  /// A write, or a write probe, came to this page.
  void touch_for_write(std::size_t i) {
    page& p = pages[i];
    if (p.laid != tile::private_file || p.is_own) return;
    p.own = files[p.file].bytes;
    p.is_own = true;
  }
  /// The same for each page that meets this part.
  void touch_for_write(const reach& r) {
    each_piece(r.offset, r.length,
               [&](std::size_t i, std::size_t, std::size_t, std::size_t) { touch_for_write(i); });
  }

  /// These pages are fresh memory from now on, of the same protection.
  void replace(std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      const int protection = pages[i].protection;
      pages[i] = {};
      pages[i].laid = tile::untouched;
      pages[i].protection = protection;
    }
  }

  /// Do two of the pages that meet this part show one file, and one of them writes it? Then what is
  /// where after a write of both depends on the width of the stores.
  [[gnu::noinline]] bool has_aliases(const reach& r) const {
    const std::size_t first = r.offset / tile_size, end = (r.end() + tile_size - 1) / tile_size;
    for (std::size_t i = first; i < end; ++i)
      for (std::size_t k = first; k < i; ++k)
        if (show_one(i, k)) return true;
    return false;
  }
  /// The same for a page of the one part and a page of the other.
  [[gnu::noinline]] bool has_aliases(const reach& a, const reach& b) const {
    for (std::size_t i = a.offset / tile_size; i * tile_size < a.end(); ++i)
      for (std::size_t k = b.offset / tile_size; k * tile_size < b.end(); ++k)
        if (i != k && show_one(i, k)) return true;
    return false;
  }

  /// Would the kernel make this change, and does the model know what comes of it?
  bool is_possible(const change& c) const {
    if (!would_be_made(c)) return false;
    if constexpr (!reports_loads_of_atomics) return true;
    space_model after = *this;
    after.apply(c);
    return std::none_of(after.pages.begin(), after.pages.end(), [&](const page& p) {
      const auto i = static_cast<std::size_t>(&p - after.pages.data());
      return !is_rigid(p.laid) && allows(p, access_kind::read) && !allows(p, access_kind::write) &&
             !after.ask(i * tile_size, access_kind::read).accessible();
    });
  }

  /// Makes the change. Precondition: is_possible(c).
  void apply(const change& c) {
    switch (c.what) {
      case change_kind::map: return lay(c.first, c.to, c.file);
      case change_kind::unmap:
        for (std::size_t i = c.first; i < c.end(); ++i) pages[i] = {};
        return;
      case change_kind::protect:
        for (std::size_t i = c.first; i < c.end(); ++i) pages[i].protection = c.protection;
        return;
      case change_kind::truncate: return truncate(c.first, c.size);
      case change_kind::guard:
        for (std::size_t i = c.first; i < c.end(); ++i) {
          if (c.on) discard(pages[i]);
          pages[i].guarded = c.on;
        }
        return;
      case change_kind::poison:
        pages[c.first].laid = tile::userfault_poison;
        pages[c.first].own = {};
        return;
      case change_kind::advise:
        if (c.advice != MADV_DONTNEED) return;
        for (std::size_t i = c.first; i < c.end(); ++i) discard(pages[i]);
        return;
      case change_kind::write:
        if (c.on) {
          if (c.part.length == 0) return;
          file& f = files[c.first];
          const std::size_t from = c.part.offset % tile_size;
          f.size = std::max(f.size, from + c.part.length);
          std::memcpy(f.bytes.write().data() + from, bytes_of(c), c.part.length);
        } else {
          store(c.part.offset, bytes_of(c), c.part.length);
        }
        return;
    }
  }

  /// What a change writes; good until the next call.
  static const unsigned char* bytes_of(const change& c) {
    static thread_local std::array<unsigned char, space_size> bytes;
    for (std::size_t i = 0; i < c.part.length; ++i) bytes[i] = c.byte(i);
    return bytes.data();
  }

  /// Does the protection allow this access?
  static bool allows(const page& p, access_kind during) noexcept {
    return (p.protection & (during == access_kind::read ? PROT_READ : PROT_WRITE)) != 0;
  }

  /// As a picture, and a line for each page.
  std::string picture() const {
    std::vector<tile> tiles;
    for (const page& p : pages) tiles.push_back(p.laid);
    std::string text = testing::picture(tiles);
    for (std::size_t i = 0; i < space_pages; ++i) {
      const page& p = pages[i];
      text += "\n  page " + std::to_string(i) + ": " + name(p.laid) + ", " +
              name_of_protection(p.protection);
      if (p.guarded) text += ", guarded";
      if (is_file(p.laid))
        text += ", file of page " + std::to_string(p.file) + " (" +
                std::to_string(files[p.file].size) + " bytes)" + (p.is_own ? ", own copy" : "");
    }
    return text;
  }

 private:
  static constexpr answer unmapped = anonymous_tiles::ask(tile::hole, 0, access_kind::read);
  static constexpr answer denied = anonymous_tiles::ask(tile::no_access, 0, access_kind::read);
  static constexpr answer no_backing =
      file_tiles::ask(tile::past_end_of_file, 0, access_kind::read);

  // Of a read-modify-write that a load would be refused as well arm64 says why the load is, of a store why the
  // store is. So there no page gets two reasons.
#if defined(__aarch64__)
  static constexpr bool reports_loads_of_atomics = true;
#else
  static constexpr bool reports_loads_of_atomics = false;
#endif

  bool would_be_made(const change& c) const {
    if (c.count == 0 || c.end() > space_pages) return false;
    const auto all = [&](auto holds) {
      for (std::size_t i = c.first; i < c.end(); ++i)
        if (!holds(pages[i])) return false;
      return true;
    };
    const auto is_mapped = [](const page& p) { return p.laid != tile::hole && !is_rigid(p.laid); };
    switch (c.what) {
      case change_kind::map:
        return is_here(c.to) && (c.file == c.first || is_whole_file(c.to)) && c.file < space_pages;
      case change_kind::unmap: return true;
      case change_kind::protect:
        return all([&](const page& p) {
          return is_mapped(p) &&
                 (p.laid != tile::read_only_file || (c.protection & PROT_WRITE) == 0);
        });
      case change_kind::truncate: return c.size <= tile_size;
      case change_kind::guard:
        return is_here(tile::guard_page) && all([](const page& p) { return is_anonymous(p.laid); });
      case change_kind::poison:
        return is_here(tile::userfault_poison) &&
               all([](const page& p) { return is_anonymous(p.laid) && !p.guarded; });
      case change_kind::advise:
        // (memfd_secret is locked in memory.)
        return all([&](const page& p) {
          return is_mapped(p) && !is_userfault(p.laid) && p.laid != tile::secret;
        });
      case change_kind::write:
        if (c.part.end() > space_size) return false;
        if (c.on) return c.part.length <= tile_size - c.part.offset % tile_size;
        return !has_aliases(c.part) &&
               reaches<engine::standard>(c.part, access_kind::write) == c.part.length;
    }
    return false;
  }

  static constexpr bool is_whole_file(tile t) noexcept {
    return t == tile::private_file || t == tile::shared_file || t == tile::read_only_file;
  }
  static constexpr int protection_of(tile t) noexcept {
    switch (t) {
      case tile::hole:
      case tile::no_access: return PROT_NONE;
      case tile::read_only:
      case tile::read_only_file: return PROT_READ;
      default: return PROT_READ | PROT_WRITE;
    }
  }

  static void discard(page& p) {
    p.is_own = false;  // a file's page stays in the file
    p.own = {};
    if (p.laid == tile::huge_page) p.laid = tile::untouched;  // a small one, when it comes back
  }

  void lay(std::size_t i, tile t, std::size_t of) {
    page& p = pages[i];
    p = {};
    p.laid = t;
    p.protection = protection_of(t);
    p.guarded = t == tile::guard_page;
    p.file = static_cast<unsigned char>(of);
    if (is_file(t)) {
      if (of != i) return;
      lose_copies_of(i);
      if (t == tile::past_end_of_file || t == tile::truncated_file)
        files[i] = {0, {}};
      else if (t == tile::file_tail)
        files[i] = {file_tiles::tail, page_content::tail(i)};
      else
        files[i] = {tile_size, page_content::laid(i)};
    } else if (is_filled(t)) {
      p.own = page_content::laid(i);
    }
  }

  void truncate(std::size_t which, std::size_t size) {
    file& f = files[which];
    if (size <= f.size && size < tile_size) {
      auto& bytes = f.bytes.write();
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(size), bytes.end(), std::uint8_t{0});
    }
    if (size == 0 && f.size > 0) lose_copies_of(which);
    f.size = size;
  }
  // A file that has no page any more takes private copies of it along.
  void lose_copies_of(std::size_t which) {
    for (page& p : pages)
      if (p.laid == tile::private_file && p.file == which) {
        p.own = {};
        p.is_own = false;
      }
  }

  bool show_one(std::size_t i, std::size_t k) const {
    const page &a = pages[i], &b = pages[k];
    if (!is_file(a.laid) || !is_file(b.laid) || a.file != b.file || a.is_own || b.is_own)
      return false;
    return a.laid != tile::private_file || b.laid != tile::private_file;
  }

  // Calls piece(page, offset in it, offset in the whole, bytes) for each page of a part.
  template <class Piece>
  static void each_piece(std::size_t offset, std::size_t n, Piece piece) {
    for (std::size_t at = 0; at < n;) {
      const std::size_t from = (offset + at) % tile_size,
                        count = std::min(n - at, tile_size - from);
      piece((offset + at) / tile_size, from, at, count);
      at += count;
    }
  }
};

/// The real thing, and the model of it. Not for two threads at once.
///
/// @snippet address_space.cpp address_space
class address_space {
 public:
  /// Throws std::system_error where the kernel refuses.
  address_space() : arena_(detail::reserve(space_size + 2 * tile_size)) { begin_in_this_process(); }
  ~address_space() { ::munmap(arena_, space_size + 2 * tile_size); }
  address_space(const address_space&) = delete;
  address_space& operator=(const address_space&) = delete;

  /// Where the first page begins; before it and behind the last there is one without access.
  unsigned char* data() const noexcept { return arena_ + tile_size; }
  /// What should be there now.
  const space_model& model() const noexcept { return now_; }

  /// All anew. A tile that this machine does not have becomes read_write. In a child of fork() it begins from
  /// nothing: it has its parent's files, and a fuzzer's server forks one child after the other.
  [[gnu::noinline]] void lay(space_layout layout) {
    begin_in_this_process();
    for (tile& t : layout)
      if (!is_here(t)) t = tile::read_write;
    const space_model wanted = space_model::laid(layout);
    for (std::size_t i = 0; i < space_pages; ++i)
      if (!lies(i, wanted) || !has_file(i, wanted)) {
        if (!has_file(i, wanted)) lay_file(i, wanted.files[i]);
        lay(i, wanted.pages[i]);
      }
    now_ = wanted;
    for (std::size_t i = 0; i < space_pages; ++i) adopt_rigid(i);
  }

  /// True where it was possible, and is done.
  [[gnu::noinline]] bool make(const change& c) {
    if (!now_.is_possible(c)) return false;
    unsigned char* const at = data() + c.first * tile_size;
    const std::size_t n = c.count * tile_size;
    switch (c.what) {
      case change_kind::map: {
        space_model after = now_;
        after.apply(c);
        if (space_model::is_file(c.to) && c.file == c.first) {
          truncate(c.first, 0);  // so private copies of it are lost
          lay_file(c.first, after.files[c.first]);
        }
        lay(c.first, after.pages[c.first]);
        break;
      }
      case change_kind::unmap: detail::require(::munmap(at, n) == 0, "munmap"); break;
      case change_kind::protect:
        detail::require(::mprotect(at, n, c.protection) == 0, "mprotect");
        break;
      case change_kind::truncate: truncate(c.first, c.size); break;
      case change_kind::guard: {
        detail::require(::madvise(at, n, c.on ? detail::install_guard : detail::remove_guard) == 0,
                        "MADV_GUARD_*");
        break;
      }
      case change_kind::poison:
        testing::lay(tile::userfault_poison, at, kept_);
        detail::protect(at, now_.pages[c.first].protection);
        break;
      case change_kind::advise:
        // Only advice that is an order must be followed.
        detail::require(::madvise(at, n, c.advice) == 0 || c.advice != MADV_DONTNEED, "madvise");
        break;
      case change_kind::write:
        if (c.on)
          write_file(c.first, space_model::bytes_of(c), c.part.offset % tile_size, c.part.length);
        else
          std::memcpy(data() + c.part.offset, space_model::bytes_of(c), c.part.length);
        break;
    }
    now_.apply(c);
    if (c.what == change_kind::map) adopt_rigid(c.first);
    return true;
  }

  /// The library wrote these bytes there, as far as it came.
  void wrote(std::size_t offset, const unsigned char* bytes, std::size_t n) {
    now_.store(offset, bytes, n);
  }
  /// Stores the byte that is there, in one step. (The compiler may not know that nothing changes: clang makes a load
  /// of that.)
  static void rewrite(unsigned char* p) noexcept {
    const volatile unsigned char nothing = 0;
    __atomic_fetch_or(p, nothing, __ATOMIC_RELAXED);
  }
  /// A write probe came to these bytes, or may have: now it has.
  [[gnu::noinline]] void probed_for_write(const reach& r) {
    for (std::size_t at = r.offset; at < r.end(); at += tile_size - at % tile_size)
      if (now_.ask(at, access_kind::write).accessible())  // engine::kernel may know better
        rewrite(data() + at);
    now_.touch_for_write(r);
  }
  /// These pages are fresh memory now, of the same protection (surefoot::heal).
  void replaced(std::size_t first, std::size_t count) { now_.replace(first, count); }
  /// The library did to it what this model says.
  void assume(const space_model& after) { now_ = after; }
  /// What came to stand there cannot be foretold: from now on it is what is there.
  [[gnu::noinline]] void adopt(const reach& r) {
    for (std::size_t at = r.offset, n; at < r.end(); at += n) {
      const std::size_t one = granule(now_.pages[at / tile_size].laid);
      n = std::min(one - at % one, r.end() - at);
      if (!now_.ask(at, access_kind::read).accessible() || now_.holds(at, data() + at, n)) continue;
      for (std::size_t i = at; i < at + n; ++i)
        if (now_.byte(i) != data()[i]) now_.shows(i, data()[i]);
    }
  }

  /// The answer of an operation on this part that keeps what it did, as this engine gives it.
  template <class E>
  progress expected(const reach& r, access_kind during) const {
    return now_.expected<E>(data(), r, during);
  }
  /// The same of fault_in_readable() or fault_in_writeable().
  template <class E>
  progress faulted_in(const reach& r, access_kind during) const {
    return now_.faulted_in<E>(data(), r, during);
  }

  /// The first byte that does not hold what the model says, among those of the pages that meet this
  /// part; space_size where there is none.
  [[gnu::noinline]] std::size_t first_wrong(const reach& r = {0, space_size}) const {
    for (std::size_t i = r.offset / tile_size; i < space_pages && i * tile_size < r.end(); ++i) {
      const std::size_t first = i * tile_size, one = granule(now_.pages[i].laid);
      for (std::size_t at = first; at < first + tile_size; at += one) {
        if (!now_.ask(at, access_kind::read).accessible()) continue;
        const unsigned char* const should = now_.content_of(i).read().data() + (at - first);
        if (std::memcmp(data() + at, should, one) == 0) continue;
        return static_cast<std::size_t>(std::mismatch(should, should + one, data() + at).second -
                                        data());
      }
    }
    return space_size;
  }

 private:
  struct real_file {
    detail::descriptor both, reading;
  };

  void begin_in_this_process() {
    if (!process_.is_new()) return;
    (void)page_content::tail(0);  // made here, where no fuzzer sees it
    detail::require(::munmap(data(), space_size) == 0, "munmap");
    now_ = {};
    kept_ = {};
    for (std::size_t i = 0; i < space_pages; ++i) {
      real_file& f = files_[i];
      f.both = detail::unnamed_file(tile_size);
      const std::string same = "/proc/self/fd/" + std::to_string(f.both.number());
      f.reading = detail::descriptor(::open(same.c_str(), O_RDONLY | O_CLOEXEC));
      detail::require(static_cast<bool>(f.reading), "open of a memfd for reading");
      write_file(i, page_content::laid(i).read().data(), 0, tile_size);
      now_.files[i].bytes = page_content::laid(i);
    }
    if (is_here(tile::secret)) secret_ = detail::secret_file(space_size);
  }

  unsigned char* place(std::size_t i) const noexcept { return data() + i * tile_size; }

  void write_file(std::size_t i, const unsigned char* bytes, std::size_t from, std::size_t n) {
    detail::require(::pwrite(files_[i].both.number(), bytes, n, static_cast<off_t>(from)) ==
                        static_cast<ssize_t>(n),
                    "write to a memfd");
  }
  void truncate(std::size_t i, std::size_t size) {
    detail::require(::ftruncate(files_[i].both.number(), static_cast<off_t>(size)) == 0,
                    "ftruncate");
  }

  bool has_file(std::size_t i, const space_model& wanted) const {
    return now_.files[i].size == wanted.files[i].size &&
           now_.files[i].bytes.is(wanted.files[i].bytes);
  }
  // Is this page mapped as it should be already, with the content that it should have?
  bool lies(std::size_t i, const space_model& wanted) const {
    const space_model::page &is = now_.pages[i], &should = wanted.pages[i];
    return is.laid == should.laid && is.protection == should.protection &&
           is.guarded == should.guarded && is.file == should.file && is.is_own == should.is_own &&
           is.own.is(should.own) && is.laid != tile::untouched && is.laid != tile::zero_page &&
           !space_model::is_rigid(is.laid);
  }

  // The kit fills these by their address.
  void adopt_rigid(std::size_t i) {
    if (space_model::is_rigid(now_.pages[i].laid)) adopt({i * tile_size, tile_size});
  }

  // Zeros behind the end of a file that ends within its page, whatever was stored there.
  void lay_file(std::size_t i, const space_model::file& to) {
    if (now_.files[i].size < to.size && to.size < tile_size)
      truncate(i, 0);  // growing keeps what stood there (tmpfs, Linux 6.18)
    if (to.size < tile_size || now_.files[i].size != to.size) truncate(i, to.size);
    if (to.size > 0) write_file(i, to.bytes.read().data(), 0, to.size);
  }

  // Page i anew; its file is as it should be.
  void lay(std::size_t i, const space_model::page& to) {
    constexpr int both = PROT_READ | PROT_WRITE;
    unsigned char* const at = place(i);
    const tile t = to.laid;
    const std::size_t of = to.file;
    const space_model::page& is = now_.pages[i];
    const bool stays = is.laid == t && is.protection == to.protection && is.guarded == to.guarded &&
                       is.file == to.file;
    if (stays && (space_model::is_file(t) || t == tile::secret)) {
      if (t == tile::secret) std::memcpy(at, to.own.read().data(), tile_size);
      if (is.is_own) discard(i);
      return;
    }
    switch (t) {
      case tile::hole: detail::require(::munmap(at, tile_size) == 0, "munmap"); return;
      case tile::private_file:
        return detail::map_tile(at, both, MAP_PRIVATE, files_[of].both.number());
      case tile::read_only_file:
        return detail::map_tile(at, PROT_READ, MAP_SHARED, files_[of].reading.number());
      case tile::shared_file:
      case tile::file_tail:
      case tile::past_end_of_file:
        return detail::map_tile(at, both, MAP_SHARED, files_[of].both.number());
      case tile::truncated_file:
        truncate(i, tile_size);
        detail::map_tile(at, both, MAP_SHARED, files_[of].both.number());
        (void)*static_cast<volatile unsigned char*>(at);
        return truncate(i, 0);
      case tile::secret:
        detail::require(::mmap(at, tile_size, both, MAP_SHARED | MAP_FIXED, secret_.number(),
                               static_cast<off_t>(i * tile_size)) == at,
                        "mmap of memfd_secret");
        break;
      case tile::untouched:
      case tile::zero_page:
      case tile::read_write:
      case tile::read_only:
      case tile::no_access:
      case tile::huge_page: return lay_anonymous(i, to);
      default: testing::lay(t, at, kept_); break;
    }
    if (key_tiles::make(t))
      write_behind_key(at, to.own.read());
    else if (tag_tiles::make(t))
      write_by_tags(at, to.own.read());
    else if (space_model::is_filled(t))
      std::memcpy(at, to.own.read().data(), tile_size);
  }

  // The kernel does not look at the key of what it writes to for somebody else, as we are to it here.
  static void write_behind_key(unsigned char* at, const page_content::bytes& all) {
    const iovec from{const_cast<std::uint8_t*>(all.data()), all.size()}, to{at, all.size()};
    detail::require(
        ::process_vm_writev(::getpid(), &from, 1, &to, 1, 0) == static_cast<ssize_t>(all.size()),
        "process_vm_writev");
  }

  // Each granule through a pointer that has its tag.
  static void write_by_tags(unsigned char* at, const page_content::bytes& all) {
    for (std::size_t i = 0; i < tile_size; i += tag_granule)
      std::memcpy(with_tag(at + i, tag_tiles::tag(i)), all.data() + i, tag_granule);
  }

  // Changes only what must be: most of a fuzzer's layouts are of such pages.
  void lay_anonymous(std::size_t i, const space_model::page& to) {
    constexpr int both = PROT_READ | PROT_WRITE;
    const space_model::page& is = now_.pages[i];
    const bool is_huge = to.laid == tile::huge_page, fills = space_model::is_filled(to.laid);
    const bool stays = !is.guarded && (is_huge ? is.laid == tile::huge_page : is_small(is.laid));
    int protection = is.protection;
    if (!stays) {
      if (is_huge)
        detail::huge_stock::move_piece(place(i));
      else  // with its page where that is filled: a page fault costs more
        detail::map_tile(place(i), both, MAP_PRIVATE | MAP_ANONYMOUS | (fills ? MAP_POPULATE : 0));
      protection = both;
    } else if (!fills) {
      discard(i);
    }
    if (fills && (!stays || !is.own.is(to.own))) {
      if ((protection & PROT_WRITE) == 0) detail::protect(place(i), protection = both);
      std::memcpy(place(i), to.own.read().data(), tile_size);
    }
    if (protection != to.protection) detail::protect(place(i), to.protection);
    if (to.laid == tile::zero_page) (void)*static_cast<volatile unsigned char*>(place(i));
  }
  static constexpr bool is_small(tile t) noexcept { return t <= tile::no_access; }
  void discard(std::size_t i) {
    detail::require(::madvise(place(i), tile_size, MADV_DONTNEED) == 0, "MADV_DONTNEED");
  }

  unsigned char* arena_;
  detail::process_mark process_;
  ground kept_;
  std::array<real_file, space_pages> files_;
  detail::descriptor secret_;
  space_model now_;
};

}  // namespace testing
}  // namespace SUREFOOT_TESTING_ABI
}  // namespace surefoot
SUREFOOT_TESTING_SEEN
