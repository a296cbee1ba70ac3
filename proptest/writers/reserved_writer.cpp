#include "writers.hpp"

#define main main_of_reserved_writer
#include "../../examples/reserved_writer.cpp"
#undef main

writers::outcome writers::reserved_writer(const unsigned char* from, std::size_t n) {
  ::reserved_writer to(std::size_t{1} << 20);
  const progress told = to.write(from, n);
  return {told, to.arrived(), to.on_disk() == whole_blocks(told.done)};
}
