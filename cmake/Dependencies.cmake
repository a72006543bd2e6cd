# Everything that is not ours. Imported targets count as system headers, so their warnings stay theirs.
include_guard(GLOBAL)

if(CMAKE_CROSSCOMPILING)
  include(CrossDependencies)
  return()
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(simdjson REQUIRED)
find_package(ArrowWheel REQUIRED)
find_package(ZLIB REQUIRED)

# The wheel's libparquet exports a simdjson of its own, of another version, and would answer our calls (a crash in
# the first JSON document). The loader takes the library that is named first, so simdjson has to precede Parquet on
# every link line: CMake puts a library before what it depends on.
set_property(TARGET simdjson::simdjson APPEND PROPERTY INTERFACE_LINK_LIBRARIES viper_arrow::parquet)

# xxHash ships no CMake package on Debian.
if(NOT TARGET xxHash::xxhash)
  find_library(VIPER_XXHASH_LIBRARY xxhash REQUIRED)
  find_path(VIPER_XXHASH_INCLUDE xxhash.h REQUIRED)
  mark_as_advanced(VIPER_XXHASH_LIBRARY VIPER_XXHASH_INCLUDE)
  add_library(xxHash::xxhash UNKNOWN IMPORTED GLOBAL)
  set_target_properties(xxHash::xxhash PROPERTIES
    IMPORTED_LOCATION "${VIPER_XXHASH_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${VIPER_XXHASH_INCLUDE}")
endif()

# A header, used as such: no library to link.
find_path(VIPER_TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
mark_as_advanced(VIPER_TOMLPLUSPLUS_INCLUDE)

# Nor does CRoaring, in the version of Debian 12.
if(NOT TARGET roaring::roaring)
  find_library(VIPER_ROARING_LIBRARY roaring REQUIRED)
  find_path(VIPER_ROARING_INCLUDE roaring/roaring.h REQUIRED)
  mark_as_advanced(VIPER_ROARING_LIBRARY VIPER_ROARING_INCLUDE)
  add_library(roaring::roaring UNKNOWN IMPORTED GLOBAL)
  set_target_properties(roaring::roaring PROPERTIES
    IMPORTED_LOCATION "${VIPER_ROARING_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${VIPER_ROARING_INCLUDE}")
endif()

if(VIPER_BUILD_PROGRAMS)
  find_package(CLI11 REQUIRED)
endif()
if(VIPER_BUILD_TESTS)
  include(GoogleTest)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
endif()
