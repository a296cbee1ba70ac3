#include "writers.hpp"

#define main main_of_direct_read
#include "../../examples/direct_read.cpp"
#undef main

surefoot::progress writers::direct_read(unsigned char* to,
                                        const std::vector<unsigned char>& content) {
  mapped_file file(content);
  return file.read(0, to, content.size());
}
