#include "writers.hpp"

#define main main_of_page_by_page
#include "../../examples/page_by_page.cpp"
#undef main

writers::outcome writers::page_by_page(const unsigned char* from, std::size_t n) {
  const std::size_t size = (n / page + 2) * page;
  overwriter file(size);
  const progress told = file.write(from, n);
  outcome all{told, file.content(size), lost(file, told.done, size) == 0};
  all.arrived.resize(told.done);
  return all;
}
