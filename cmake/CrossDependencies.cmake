# What kernels and index need from outside, for a processor that it is not installed for: headers serve every processor,
# and GoogleTest comes as source. simdjson does not: the linker leaves out the functions of base that call it, so that
# tests of them cannot be linked. Arrow is of no use to these folders.
include_guard(GLOBAL)

set(VIPER_ARROW_VERSION none)
set(VIPER_ARROW_ORIGIN "not needed")
find_package(Threads REQUIRED)

add_library(fmt::fmt INTERFACE IMPORTED GLOBAL)
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
add_library(xxHash::xxhash INTERFACE IMPORTED GLOBAL)

add_library(simdjson::simdjson INTERFACE IMPORTED GLOBAL)
target_compile_options(simdjson::simdjson INTERFACE -ffunction-sections -fdata-sections)
target_link_options(simdjson::simdjson INTERFACE LINKER:--gc-sections)

if(VIPER_BUILD_TESTS)
  include(GoogleTest)
  add_subdirectory(/usr/src/googletest/googletest "${PROJECT_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL)
  target_compile_options(gtest PRIVATE -w)
  add_library(rapidcheck INTERFACE IMPORTED GLOBAL)
endif()
