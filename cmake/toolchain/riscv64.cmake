set(surefoot_machine riscv64)
include("${CMAKE_CURRENT_LIST_DIR}/emulated.cmake")
