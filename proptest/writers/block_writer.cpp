#include "writers.hpp"

#define main main_of_block_writer
#include "../../examples/block_writer.cpp"
#undef main

writers::outcome writers::block_writer(const unsigned char* from, std::size_t n) {
  ::block_writer to;
  const progress told = to.write(from, n);
  return {told, to.arrived()};
}
