# Flags of our own code. They hang on the interface target viper_flags, so that they never reach a user's project.
include_guard(GLOBAL)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "g++ ${CMAKE_CXX_COMPILER_VERSION} is too old: VIPER is C++20 and needs g++ 12 or clang 16")
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(VIPER_CCACHE ccache)
  mark_as_advanced(VIPER_CCACHE)
  if(VIPER_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${VIPER_CCACHE}")
  endif()
endif()

add_library(viper_flags INTERFACE)
target_compile_options(viper_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wcast-align -fdiagnostics-color=auto)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # clang alone understands the annotations of viper::Mutex. Warnings that only g++ knows may be switched off by name.
  target_compile_options(viper_flags INTERFACE -Wthread-safety -Wno-unknown-warning-option)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees std::variant's inactive members as read when it inlines moves at -O3 (GCC bug 80635 and its kin), and
  # strings and vectors of impossible sizes (GCC bug 105651 and its kin).
  target_compile_options(viper_flags INTERFACE -Wno-maybe-uninitialized)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(viper_flags INTERFACE -Wno-restrict -Wno-alloc-size-larger-than)
  endif()
endif()
if(VIPER_WERROR)
  target_compile_options(viper_flags INTERFACE -Werror)
endif()

# Bounds and null checks of the standard library: cheap, and on wherever speed is not being measured.
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(viper_flags INTERFACE _GLIBCXX_ASSERTIONS)
endif()

# A program that does not call Arrow should not load it: it costs every start of every test.
target_link_options(viper_flags INTERFACE LINKER:--as-needed)

if(VIPER_BUILD_FUZZERS STREQUAL "AUTO")
  set(VIPER_BUILD_FUZZERS OFF)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(VIPER_BUILD_FUZZERS ON)
  endif()
endif()
if(VIPER_BUILD_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "libFuzzer comes with clang: use `cmake --preset fuzz`")
  endif()
  target_compile_options(viper_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(VIPER_SANITIZE)
  target_compile_options(viper_flags INTERFACE
    -fsanitize=${VIPER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(viper_flags INTERFACE -fsanitize=${VIPER_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC's flow warnings report impossible paths in instrumented code; the dev build has them all.
    target_compile_options(viper_flags INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds
                                                 -Wno-stringop-overread -Wno-restrict -Wno-null-dereference)
  endif()
  # Options and suppressions compiled into every executable, so that a test run by hand behaves as in ctest.
  add_library(viper_sanitizer_defaults OBJECT "${PROJECT_SOURCE_DIR}/cmake/sanitizer_defaults.cc")
  target_link_libraries(viper_sanitizer_defaults PRIVATE viper_flags)
endif()
