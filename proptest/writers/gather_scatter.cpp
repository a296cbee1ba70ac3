#include "writers.hpp"

#define main main_of_gather_scatter
#include "../../examples/gather_scatter.cpp"
#undef main

// Both sides in buffers, of other sizes.
writers::outcome writers::gather_scatter(const unsigned char* from, std::size_t n) {
  std::vector<unsigned char> to(n + 1, 0xee);
  mover now;
  const progress told = now.move(pieces(to.data(), n, 1500), pieces(from, n, 700));
  outcome all{told, {to.begin(), to.begin() + static_cast<std::ptrdiff_t>(told.done)}};
  for (std::size_t i = told.done; i < to.size(); ++i) all.left_nothing_else &= to[i] == 0xee;
  return all;
}

surefoot::progress writers::scatter(unsigned char* to, const std::vector<unsigned char>& content) {
  mover now;
  return now.move(pieces(to, content.size(), 1500), pieces(content.data(), content.size(), 700));
}
