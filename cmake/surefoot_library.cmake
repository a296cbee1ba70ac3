# The library: headers only, so the targets carry an include directory and a language level.
# No flag may travel through them: whoever links us keeps his own.

add_library(surefoot INTERFACE)
add_library(surefoot::surefoot ALIAS surefoot)
target_compile_features(surefoot INTERFACE cxx_std_20)
target_include_directories(surefoot INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>"
  "$<INSTALL_INTERFACE:include>")

# For shared objects that install a handler: the kernel keeps a pointer into them, so an unload
# would leave it dangling. `nodelete` makes dlclose() keep the object.
add_library(surefoot_pinned INTERFACE)
add_library(surefoot::pinned ALIAS surefoot_pinned)
set_target_properties(surefoot_pinned PROPERTIES EXPORT_NAME pinned)
target_link_libraries(surefoot_pinned INTERFACE surefoot)
target_link_options(surefoot_pinned INTERFACE "LINKER:-z,nodelete")
