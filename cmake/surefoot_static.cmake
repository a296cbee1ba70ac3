# surefoot_static_twin(target LIBRARY...): target_static, of the same objects; not built unless asked for.
function(surefoot_static_twin target)
  add_executable(${target}_static EXCLUDE_FROM_ALL $<TARGET_OBJECTS:${target}>)
  set_target_properties(${target}_static PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${target}_static PRIVATE ${ARGN})
  target_link_options(${target}_static PRIVATE -static)
endfunction()
