#include "writers.hpp"

#define main main_of_batch_filler
#include "../../examples/batch_filler.cpp"
#undef main

writers::outcome writers::batch_filler(const unsigned char* from, std::size_t n) {
  outcome all;
  ::batch_filler filler([&](const message& m) {
    all.left_nothing_else &= m.offset == all.arrived.size() && m.size > 0;
    all.arrived.insert(all.arrived.end(), m.data, m.data + m.size);
    return true;
  });
  all.told = filler.write(from, n);
  return all;
}
