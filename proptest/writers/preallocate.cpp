#include "writers.hpp"

#define main main_of_preallocate
#include "../../examples/preallocate.cpp"
#undef main

writers::outcome writers::preallocate(const unsigned char* from, std::size_t n) {
  file_writer to;
  const progress told = to.write(from, n);
  const std::size_t used = (told.done + kit::tile_size - 1) / kit::tile_size * kit::tile_size;
  return {told, to.arrived(), to.on_disk() == used};
}
