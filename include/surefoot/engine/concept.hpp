/// @file
/// What an engine is: the mechanism that turns a fault into a return value.
///
/// Primitives know this concept and nothing below it. An engine is a small value, passed as the last
/// argument; all of its members may be called through a const object and are noexcept,
/// async-signal-safe once ready() was true, and free of allocation. Lengths are bytes; no range that
/// is given to an engine wraps or is empty (but the few bytes of a load or store may run over the end
/// of the address space: they begin in the kernel's half and fault there).
///
/// @verbatim
///   static constexpr bool offers(verb v)
///       Is this verb there? A primitive that needs one which is not there does not compile.
///   static constexpr bool sees(cause c)
///       Can this engine tell the cause apart from others? What it cannot see it reports as
///       `unknown`.
///   static constexpr std::size_t page_size()
///       The finest unit of permissions, in bytes: a power of two.
///   static constexpr std::size_t granule()
///       The finest unit in which this machine refuses an access, in bytes: a power of two, at most a
///       page. With memory tags it is less.
///   bool ready() const
///       Called on the way into each primitive. Makes the engine ready if it can; false where it
///       cannot.
///
///   verb::probe
///   template <access_kind K> fault probe(const volatile void* p) const
///       One access of one byte that changes nothing. `kind` is none where it was accessible.
///   template <access_kind K> progress probe_each(const volatile void* p, std::size_t n,
///                                                std::size_t stride) const
///       Probes the first byte, then one of each following unit of `stride` bytes (a power of two; 1:
///       every byte): the first one, or any where all of a unit has one answer. Stops at the first
///       fault; `done` is the distance to the first byte of that unit. Where many pages are asked, some
///       behind that one may have been, too (engine/populate.hpp).
///   verb::scan
///   progress scan(const volatile void* p, std::size_t n) const
///       Loads that cover every byte, and no other. `done` is the distance to the first bad one.
///   verb::copy
///   progress copy(volatile void* dst, const volatile void* src, std::size_t n) const
///       Writes exactly `done` bytes. dst may overlap src from below.
///   verb::fill
///   progress fill(volatile void* dst, std::uint8_t byte, std::size_t n) const
///       Writes exactly `done` bytes.
///   verb::search, for engines that know better than to copy what they look at
///   std::size_t find(const volatile void* p, std::uint8_t byte, std::size_t n, fault& why) const
///       The distance to the first byte of that value; n where there is none; met_fault where a byte that could not
///       be read comes first, and `why`.
///   result<int> compare(const volatile void* a, const volatile void* b, std::size_t n) const
///       As memcmp, for less than SIZE_MAX bytes. Both stop at the first byte that cannot be read, unless their answer lies before it (compare:
///       or at it, on the other side: a is asked first), and touch no page behind the answer's (compare: of a).
///   using searcher
///       The engine that these are about: itself. They are used only then: an engine that derives from another
///       one, and copies or loads in its own way, does not search in the other's.
///   verb::load, verb::store
///   template <class W> result<W> load(const volatile void* p) const
///   template <class W> verdict store(volatile void* p, W word) const
///       One instruction each, any alignment, for the unsigned integers of 1, 2, 4 and 8 bytes and
///       for engine::word16. A store that faults has stored nothing.
///   verb::atomic
///   template <class W> result<W> exchange(volatile void* p, W word) const
///   template <class W> result<W> fetch_add(volatile void* p, W word) const
///   template <class W> result<swap<W>> compare_exchange(volatile void* p, W expected, W to) const
///       One sequentially consistent instruction each, for the same words (fetch_add: not for
///       word16), at an aligned address. A fault has stored nothing. `unknown` for word16 where the
///       processor has no such instruction.
///   verb::tag, on machines that have memory tags
///   result<std::uintptr_t> load_tag(const volatile void* p) const
///       p with the tag of the memory there in place of its own; p itself where the processor has no tags.
///       Faults where a load would, but for the tag, which it does not check.
///   verb::run
///   template <class F> fault run(F& f) const
///   template <class F> fault run_within(const volatile void* p, std::size_t n, F& f) const
///       Runs arbitrary code and catches any fault, or only those whose address lies in the range;
///       `kind` is none where the code came back by itself.
///   verb::survey
///   class survey, made and thrown away by each call that goes on behind faults
///       void met(const fault& why)
///           A load of the call was refused so.
///       outlook look(const volatile void* p, std::size_t n)
///           What is known of [p, p + n) without an access. p never goes back. A refusal it foretells is the
///           very one that loads of all these bytes would meet; whatever it says nothing of is to be accessed.
/// @endverbatim
#pragma once

#include <cstddef>
#include <cstdint>
#include <surefoot/fault.hpp>
#include <surefoot/range.hpp>

namespace surefoot {
inline namespace SUREFOOT_ABI {
namespace engine {

/// What an engine can do at an address; each with its members above.
///
/// @snippet concept.cpp engine
enum class SUREFOOT_PUBLIC verb : unsigned char {
  probe,
  scan,
  copy,
  fill,
  search,
  load,
  store,
  atomic,
  tag,
  run,
  survey
};

/// 16 bytes that are loaded and stored by one instruction.
///
/// @snippet concept.cpp engine
struct SUREFOOT_PUBLIC word16 {
  std::uint64_t low;   ///< the first 8 bytes in memory
  std::uint64_t high;  ///< the others
};

/// What a search returns that met a fault, and so has no place to name. A range may be that long, but none is good to its
/// end: it is asked for before n is.
///
/// @snippet concept.cpp met_fault
inline constexpr std::size_t met_fault = ~std::size_t{0};

/// What a survey knows of the beginning of a range.
///
/// @snippet concept.cpp outlook
struct SUREFOOT_PUBLIC outlook {
  std::size_t bytes;  ///< from the first one on: at least 1, at most all
  /// What a load of the first meets, and for the same reason of each; none: not known.
  fault why{};
};

/// What a compare-and-exchange found, and whether it stored.
///
/// @snippet concept.cpp engine
template <class W>
struct SUREFOOT_PUBLIC swap {
  W was;         ///< what was there
  bool swapped;  ///< the new value was stored
};

/// An engine type: what every model has, whatever it offers.
///
/// @snippet concept.cpp model
template <class E>
concept model = requires(const E e, verb v, cause c) {
  requires noexcept(bool{E::offers(v)})&& noexcept(bool{E::sees(c)});
  requires noexcept(std::size_t{E::page_size()})&& noexcept(std::size_t{E::granule()});
  requires noexcept(bool{e.ready()});
};

namespace detail {
template <class E>
concept probes = requires(const E e, const volatile void* p, std::size_t n) {
  requires noexcept(fault{e.template probe<access_kind::read>(p)});
  requires noexcept(fault{e.template probe<access_kind::write>(p)});
  requires noexcept(progress{e.template probe_each<access_kind::read>(p, n, n)});
  requires noexcept(progress{e.template probe_each<access_kind::write>(p, n, n)});
};
template <class E>
concept scans = requires(const E e, const volatile void* p, std::size_t n) {
  requires noexcept(progress{e.scan(p, n)});
};
template <class E>
concept copies = requires(const E e, volatile void* to, const volatile void* from, std::size_t n) {
  requires noexcept(progress{e.copy(to, from, n)});
};
template <class E, class W>
concept loads_word = requires(const E e, const volatile void* p) {
  requires noexcept(result<W>{e.template load<W>(p)});
};
template <class E, class W>
concept stores_word = requires(const E e, volatile void* p, W w) {
  requires noexcept(verdict{e.template store<W>(p, w)});
};
template <class E>
concept loads = loads_word<E, std::uint8_t> && loads_word<E, std::uint16_t> &&
    loads_word<E, std::uint32_t> && loads_word<E, std::uint64_t> && loads_word<E, word16>;
template <class E>
concept stores = stores_word<E, std::uint8_t> && stores_word<E, std::uint16_t> &&
    stores_word<E, std::uint32_t> && stores_word<E, std::uint64_t> && stores_word<E, word16>;
template <class E>
concept fills = requires(const E e, volatile void* to, std::size_t n) {
  requires noexcept(progress{e.fill(to, std::uint8_t{}, n)});
};
template <class E>
concept searches = requires(const E e, const volatile void* p, std::size_t n, fault& met) {
  typename E::searcher;
  requires noexcept(std::size_t{e.find(p, std::uint8_t{}, n, met)});
  requires noexcept(result<int>{e.compare(p, p, n)});
};
template <class E, class W>
concept swaps_word = requires(const E e, volatile void* p, W w) {
  requires noexcept(result<W>{e.template exchange<W>(p, w)});
  requires noexcept(result<swap<W>>{e.template compare_exchange<W>(p, w, w)});
};
template <class E, class W>
concept adds_word = requires(const E e, volatile void* p, W w) {
  requires noexcept(result<W>{e.template fetch_add<W>(p, w)});
};
template <class E>
concept atomics =
    swaps_word<E, std::uint8_t> && swaps_word<E, std::uint16_t> && swaps_word<E, std::uint32_t> &&
    swaps_word<E, std::uint64_t> && swaps_word<E, word16> && adds_word<E, std::uint8_t> &&
    adds_word<E, std::uint16_t> && adds_word<E, std::uint32_t> && adds_word<E, std::uint64_t>;
template <class E>
concept loads_tags = requires(const E e, const volatile void* p) {
  requires noexcept(result<std::uintptr_t>{e.load_tag(p)});
};
template <class E>
concept runs = requires(const E e, const volatile void* p, std::size_t n, void (*&f)() noexcept) {
  requires noexcept(fault{e.run(f)})&& noexcept(fault{e.run_within(p, n, f)});
};
template <class E>
concept surveys = requires(typename E::survey s, const fault& f, const volatile void* p,
                           std::size_t n) {
  requires noexcept(s.met(f))&& noexcept(outlook{s.look(p, n)});
};
template <class E>
consteval bool has_what_it_offers() noexcept {
  const bool fine[] = {
      !E::offers(verb::probe) || probes<E>,    !E::offers(verb::scan) || scans<E>,
      !E::offers(verb::copy) || copies<E>,     !E::offers(verb::fill) || fills<E>,
      !E::offers(verb::search) || searches<E>, !E::offers(verb::load) || loads<E>,
      !E::offers(verb::store) || stores<E>,    !E::offers(verb::atomic) || atomics<E>,
      !E::offers(verb::tag) || loads_tags<E>,  !E::offers(verb::run) || runs<E>,
      !E::offers(verb::survey) || surveys<E>};
  for (const bool each : fine)
    if (!each) return false;
  return true;
}
}  // namespace detail

/// A model that has every verb it says it offers, with the signatures above.
///
/// @snippet concept.cpp complete
template <class E>
concept complete = model<E> && detail::has_what_it_offers<E>();

/// A model that offers all of these verbs: how primitives say what they need.
///
/// @snippet concept.cpp offering
template <class E, verb... V>
concept offering = model<E> &&(E::offers(V) && ...);

/// An engine that is known to be ready: nothing at all is tested or executed on the way in. Only
/// install() makes one. It is passed like the engine itself.
///
/// @snippet handler.cpp install
template <class E>
class SUREFOOT_PUBLIC installed : public E {
 public:
  /// It is.
  static constexpr bool ready() noexcept { return true; }

  /// Could install() do it? Where not, this object must not be passed to anything.
  constexpr explicit operator bool() const noexcept { return done_; }

 private:
  friend struct installing;  // handler.hpp

  constexpr explicit installed(bool done) noexcept : done_(done) {}

  bool done_;
};

namespace detail {
template <class E>
struct without_proof : surefoot::detail::identity<E> {};
template <class E>
struct without_proof<installed<E>> : surefoot::detail::identity<E> {};
}  // namespace detail

/// An engine that searches by itself.
///
/// @snippet concept.cpp searching
template <class E>
concept searching = offering<E, verb::search> &&
    surefoot::detail::same<typename E::searcher, typename detail::without_proof<E>::type>;

}  // namespace engine
}  // namespace SUREFOOT_ABI
}  // namespace surefoot
