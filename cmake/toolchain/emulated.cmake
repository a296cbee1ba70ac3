# Debian's cross compiler for surefoot_machine, and qemu's user mode for what it makes. What the tests
# need besides lies where ./run cross has unpacked it; nothing of this machine is looked at.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${surefoot_machine})
set(surefoot_triplet "${surefoot_machine}-linux-gnu")
set(CMAKE_CXX_COMPILER "${surefoot_triplet}-g++")
file(GLOB surefoot_emulator_lacks
  "${CMAKE_CURRENT_LIST_DIR}/qemu_user.txt" "${CMAKE_CURRENT_LIST_DIR}/qemu_user_${surefoot_machine}.txt")
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-${surefoot_machine}-static;-L;/usr/${surefoot_triplet}")

if(DEFINED ENV{XDG_CACHE_HOME})
  set(surefoot_cache "$ENV{XDG_CACHE_HOME}/surefoot")
else()
  set(surefoot_cache "$ENV{HOME}/.cache/surefoot")
endif()
set(CMAKE_FIND_ROOT_PATH "${surefoot_cache}/${surefoot_machine}" "/usr/${surefoot_triplet}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
