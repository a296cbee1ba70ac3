// How Catch2 prints our answers when a comparison fails.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <sstream>
#include <string>
#include <surefoot/fault.hpp>

namespace Catch {

template <>
struct StringMaker<surefoot::cause> {
  static std::string convert(surefoot::cause c) { return surefoot::name(c); }
};

template <>
struct StringMaker<surefoot::access_kind> {
  static std::string convert(surefoot::access_kind k) {
    return k == surefoot::access_kind::read ? "read" : "write";
  }
};

template <>
struct StringMaker<surefoot::fault> {
  static std::string convert(const surefoot::fault& f) {
    char line[160];
    surefoot::format(f, line, sizeof line);
    return line;
  }
};

template <>
struct StringMaker<surefoot::progress> {
  static std::string convert(const surefoot::progress& p) {
    std::ostringstream out;  // g++ 12 warns about string + string (PR 105651)
    out << "{done " << p.done << ", left " << p.left << ", "
        << StringMaker<surefoot::fault>::convert(p.stopped_by) << "}";
    return out.str();
  }
};

template <>
struct StringMaker<surefoot::verdict> {
  static std::string convert(const surefoot::verdict& v) {
    return StringMaker<surefoot::fault>::convert(v.stopped_by);
  }
};

template <class T>
struct StringMaker<surefoot::result<T>> {
  static std::string convert(const surefoot::result<T>& r) {
    return r.ok() ? "a value" : StringMaker<surefoot::fault>::convert(r.stopped_by);
  }
};

}  // namespace Catch
