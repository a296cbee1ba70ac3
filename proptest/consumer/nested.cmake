# What holds where surefoot is a part of somebody else's build.

# Our tests and examples are ours: they must not become part of it.
if(TARGET unit)
  message(FATAL_ERROR "surefoot's tests are built inside another project")
endif()
