# SUREFOOT_SANITIZE=address,undefined instruments everything built in this tree: for the whole
# directory, because an uninstrumented object among instrumented ones hides errors.

if(SUREFOOT_SANITIZE)
  add_compile_options("-fsanitize=${SUREFOOT_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options("-fsanitize=${SUREFOOT_SANITIZE}")
endif()
