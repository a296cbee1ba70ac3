// riscv64 only: no signal frame there says whether an access was a store, so the instruction is read.
#include <catch2/catch.hpp>
#include <surefoot/surefoot.hpp>

#include <cstdint>
#include <cstring>

namespace {

struct instruction {
  const char* name;
  bool stores;
};

// In the order of `surefoot_test_instructions` below, as the assembler has them.
constexpr instruction instructions[] = {
    {"lbu", false},      {"ld", false},    {"fld", false},  {"sb", true},      {"sd", true},
    {"fsd", true},       {"lr.w", false},  {"lr.d", false}, {"sc.w", true},    {"amoadd.w", true},
    {"amoswap.d", true}, {"addi", false},  {"c.lw", false}, {"c.ld", false},   {"c.fld", false},
    {"c.sw", true},      {"c.sd", true},   {"c.fsd", true}, {"c.ldsp", false}, {"c.sdsp", true},
    {"c.fsdsp", true},   {"c.swsp", true}, {"c.mv", false}, {"c.addi", false}, {"c.j", false},
    {"c.lbu", false},    {"c.lh", false},  {"c.sb", true},  {"c.sh", true},    {"ld.aq", false},
    {"cbo.zero", true},
};

// The last six by their numbers: assemblers before 2.41 do not know them (Zcb, Zalasr, Zicboz).
asm(R"(
  .pushsection .rodata.surefoot_test_instructions, "a", @progbits
  .option push
  .option norvc
  .balign 4
surefoot_test_instructions:
  lbu a0, 0(a1)
  ld a0, 0(a1)
  fld fa0, 0(a1)
  sb a0, 0(a1)
  sd a0, 0(a1)
  fsd fa0, 0(a1)
  lr.w a0, (a1)
  lr.d a0, (a1)
  sc.w a2, a0, (a1)
  amoadd.w a0, a2, (a1)
  amoswap.d a0, a2, (a1)
  addi a0, a1, 7
  .option rvc
  c.lw a0, 0(a1)
  c.ld a0, 0(a1)
  c.fld fa0, 0(a1)
  c.sw a0, 0(a1)
  c.sd a0, 0(a1)
  c.fsd fa0, 0(a1)
  c.ldsp a0, 8(sp)
  c.sdsp a0, 8(sp)
  c.fsdsp fa0, 8(sp)
  c.swsp a0, 8(sp)
  c.mv a0, a1
  c.addi a0, 1
  c.j .
  .2byte 0x8188, 0x85c8, 0x8988, 0x8d88
  .4byte 0x3405332f, 0x0045a00f
  .option pop
  .popsection
)");
extern "C" const unsigned char surefoot_test_instructions[];

}  // namespace

TEST_CASE("what is a store is read from the instruction") {
  const unsigned char* at = surefoot_test_instructions;
  for (const instruction& i : instructions) {
    INFO(i.name);
    const bool is_long = (at[0] & 3) == 3;
    std::uint32_t code = 0;
    std::memcpy(&code, at, is_long ? 4 : 2);
    CHECK(surefoot::arch::context::stores(code) == i.stores);
    at += is_long ? 4 : 2;
  }
}
