// What a driver calls: libFuzzer's interface, and one function of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" {
int LLVMFuzzerInitialize(int* count, char*** arguments);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed);
std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data, std::size_t size,
                                      const std::uint8_t* other, std::size_t other_size,
                                      std::uint8_t* out, std::size_t most, unsigned seed);
}

namespace fuzz {

// The file that is being replayed, for a finding's report; null where there is none.
extern const char* replayed;

// The program that these bytes are, a line a record.
std::string text_of(const std::uint8_t* data, std::size_t size);

}  // namespace fuzz
