set(surefoot_machine aarch64)
include("${CMAKE_CURRENT_LIST_DIR}/emulated.cmake")
