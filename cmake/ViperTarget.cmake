# The functions with which every folder declares what it builds:
#
#   viper_component(NAME base SOURCES a.cc b.cc TESTS a_test.cc DEPS fmt::fmt [TEST_DEPS ...] [LABELS concurrent])
#       src/<folder>: the object library viper_base and the test program viper_base_test. The test program links the
#       objects of its own folder and of those tools/layers.txt lets it include, and src/testing: nothing above it has
#       to compile. Include paths: src, include. DEPS are visible to the layers above.
#   viper_isa_source(kernels distance_avx2.cc ARCH x86_64 FLAGS -mavx2 -mfma)
#       one more source of a component, with its own flags, only on that processor (x86_64 or aarch64).
#   viper_test(NAME crash SOURCES a_test.cc [DEPS ...] [LABELS ...] [PUBLIC])
#       a test program that links the whole engine, internals included (tests/); PUBLIC: libviper.so and include/ only.
#   viper_program(NAME cli OUTPUT viper SOURCES main.cc [DEPS CLI11::CLI11] [COMPONENTS kernels] [INTERNAL] [INSTALL])
#       a program on libviper.so that sees include/ only; INTERNAL links the objects and sees src (micro benchmarks).
#       COMPONENTS are linked as objects beside the library, with what they may include, and src is seen.
#   viper_fuzzer(NAME wal SOURCES wal_fuzz.cc [COMPONENTS storage] [DEPS ...])
#       fuzz_wal, with LLVMFuzzerTestOneInput: a libFuzzer program in the fuzz and asan builds. Every build with tests
#       replays corpus/wal and crashers/wal, so that a crash once found stays found.
include_guard(GLOBAL)

# -- The layers, from tools/layers.txt: VIPER_LAYERS in order, VIPER_MAY_INCLUDE_<folder> ----------------------------
set(VIPER_LAYERS "")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tools/layers.txt")
file(STRINGS "${PROJECT_SOURCE_DIR}/tools/layers.txt" _viper_lines REGEX "^layer ")
foreach(_viper_line IN LISTS _viper_lines)
  if(NOT _viper_line MATCHES "^layer +[0-9]+ +([a-z_]+):(.*)$")
    message(FATAL_ERROR "tools/layers.txt: cannot read `${_viper_line}`; write `layer <rank> <folder>: <folders>`")
  endif()
  list(APPEND VIPER_LAYERS "${CMAKE_MATCH_1}")
  string(STRIP "${CMAKE_MATCH_2}" VIPER_MAY_INCLUDE_${CMAKE_MATCH_1})
  separate_arguments(VIPER_MAY_INCLUDE_${CMAKE_MATCH_1})
endforeach()

# Where tests spend their time: optimised a little even in sanitized builds, which otherwise are not.
set(VIPER_HOT_LAYERS base kernels columnar parquet storage index core testing)
# Parts in which the tests of a folder run in sanitized builds.
set(VIPER_SANITIZED_PARTS 12)

# The loops that queries spend their time in: compiled file by file in every build, each as it was measured.
set(VIPER_UNMERGED_LAYERS kernels index)

# VIPER_ONLY=kernels configures kernels, the layers it rests on, and testing.
set(VIPER_WANTED "")
if(VIPER_ONLY)
  string(REPLACE "," ";" _viper_only "${VIPER_ONLY}")
  foreach(_viper_layer IN LISTS _viper_only)
    if(NOT _viper_layer IN_LIST VIPER_LAYERS)
      message(FATAL_ERROR "VIPER_ONLY: no folder `${_viper_layer}` in tools/layers.txt")
    endif()
    list(APPEND VIPER_WANTED "src/${_viper_layer}" src/testing)
    foreach(_viper_below IN LISTS VIPER_MAY_INCLUDE_${_viper_layer})
      list(APPEND VIPER_WANTED "src/${_viper_below}")
    endforeach()
  endforeach()
endif()

function(viper_add_folder folder)
  if(VIPER_ONLY AND NOT folder IN_LIST VIPER_WANTED)
    return()
  endif()
  if(EXISTS "${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    add_subdirectory("${PROJECT_SOURCE_DIR}/${folder}" "${PROJECT_BINARY_DIR}/${folder}")
  endif()
endfunction()

# -- Shared pieces ---------------------------------------------------------------------------------------------------

# Keeps the files that exist: one folder's unfinished list must not stop all others. tools/check insists on the rest.
function(_viper_existing out)
  set(existing "")
  foreach(file IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      list(APPEND existing "${file}")
    else()
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}")
      file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(NOTICE "warning: ${path} is listed but does not exist: left out")
    endif()
  endforeach()
  set(${out} "${existing}" PARENT_SCOPE)
endfunction()

function(_viper_check_arguments function prefix)
  if(${prefix}_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${function}: unknown arguments `${${prefix}_UNPARSED_ARGUMENTS}`")
  endif()
  if(NOT ${prefix}_NAME)
    message(FATAL_ERROR "${function} needs NAME")
  endif()
endfunction()

# Include paths of code that may see the inside of the engine.
function(_viper_internal_includes target scope)
  target_include_directories(${target} ${scope}
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include")
endfunction()

# Links the objects of components; those that are not configured are passed over.
function(_viper_link_components target)
  foreach(component IN LISTS ARGN)
    target_link_libraries(${target} PRIVATE $<TARGET_NAME_IF_EXISTS:viper_${component}>)
  endforeach()
endfunction()

function(_viper_finish_executable target)
  target_link_libraries(${target} PRIVATE viper_flags)
  if(VIPER_SANITIZE)
    target_link_libraries(${target} PRIVATE viper_sanitizer_defaults)
  endif()
endfunction()

function(_viper_register_gtest target name labels)
  # One label, `platform-concurrent`, matched by part (ctest -L concurrent): how a list of labels survives the way
  # through gtest_discover_tests differs between versions of CMake.
  string(JOIN "-" label ${name} ${labels})
  if(VIPER_SANITIZE)
    # To start a sanitized program takes longer than most tests: they run together, in parts that keep all processors
    # busy until the end.
    math(EXPR last "${VIPER_SANITIZED_PARTS} - 1")
    foreach(part RANGE ${last})
      add_test(NAME "${name}.part_${part}" COMMAND ${target} --gtest_brief=1)
      set_tests_properties("${name}.part_${part}" PROPERTIES LABELS "${label}" TIMEOUT 1800
        ENVIRONMENT "GTEST_TOTAL_SHARDS=${VIPER_SANITIZED_PARTS};GTEST_SHARD_INDEX=${part}")
    endforeach()
  else()
    gtest_discover_tests(${target}
      TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
      PROPERTIES LABELS "${label}" TIMEOUT 300)
  endif()
  set_property(GLOBAL APPEND PROPERTY VIPER_TEST_PROGRAMS ${target})
  if("concurrent" IN_LIST labels)
    set_property(GLOBAL APPEND PROPERTY VIPER_CONCURRENT_TEST_PROGRAMS ${target})
  endif()
endfunction()

# -- Folders of src --------------------------------------------------------------------------------------------------

function(viper_component)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;TESTS;DEPS;TEST_DEPS;LABELS" ${ARGN})
  _viper_check_arguments(viper_component ARG)
  if(NOT ARG_NAME IN_LIST VIPER_LAYERS)
    message(FATAL_ERROR "viper_component: `${ARG_NAME}` has no line in tools/layers.txt")
  endif()
  _viper_existing(sources ${ARG_SOURCES})
  _viper_existing(tests ${ARG_TESTS})
  set(target viper_${ARG_NAME})
  set(below ${VIPER_MAY_INCLUDE_${ARG_NAME}})

  # What the folder needs from outside, apart from its objects, so that the layers above can see the headers.
  add_library(${target}_deps INTERFACE)
  _viper_internal_includes(${target}_deps INTERFACE)
  target_link_libraries(${target}_deps INTERFACE ${ARG_DEPS} Threads::Threads)
  foreach(component IN LISTS below)
    target_link_libraries(${target}_deps INTERFACE $<TARGET_NAME_IF_EXISTS:viper_${component}_deps>)
  endforeach()
  if(ARG_NAME STREQUAL "testing" AND VIPER_BUILD_TESTS)
    target_link_libraries(${target}_deps INTERFACE GTest::gtest rapidcheck)
  endif()

  # testing is an archive: a test of a low layer then links only the members it uses.
  if(NOT sources)
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE ${target}_deps)
  else()
    set(kind OBJECT)
    if(ARG_NAME STREQUAL "testing")
      set(kind STATIC)
    endif()
    add_library(${target} ${kind} ${sources})
    target_link_libraries(${target} PUBLIC ${target}_deps PRIVATE viper_flags)
    target_compile_definitions(${target} PRIVATE VIPER_BUILDING_LIBRARY)
    if(VIPER_SANITIZE AND ARG_NAME IN_LIST VIPER_HOT_LAYERS)
      target_compile_options(${target} PRIVATE -O1)
    endif()
    if(VIPER_MERGE_SOURCES AND NOT ARG_NAME IN_LIST VIPER_UNMERGED_LAYERS)
      # Eight are enough to share most of what they include, and few enough to keep many processors busy.
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    endif()
  endif()
  set_property(GLOBAL APPEND PROPERTY VIPER_COMPONENTS ${ARG_NAME})

  if(VIPER_BUILD_TESTS AND tests)
    add_executable(${target}_test ${tests})
    _viper_link_components(${target}_test ${ARG_NAME} ${below} testing)
    target_link_libraries(${target}_test PRIVATE ${ARG_TEST_DEPS} GTest::gtest_main rapidcheck)
    _viper_finish_executable(${target}_test)
    _viper_register_gtest(${target}_test "${ARG_NAME}" "${ARG_LABELS}")
  endif()
endfunction()

function(viper_isa_source component file)
  cmake_parse_arguments(ARG "" "ARCH" "FLAGS" ${ARGN})
  if(NOT ARG_ARCH)
    set(ARG_ARCH x86_64)
  endif()
  set(x86_64 "^(x86_64|AMD64|amd64)$")
  set(aarch64 "^(aarch64|arm64|ARM64)$")
  if(NOT DEFINED ${ARG_ARCH})
    message(FATAL_ERROR "viper_isa_source: ARCH is x86_64 or aarch64, not `${ARG_ARCH}`")
  endif()
  _viper_existing(existing ${file})
  if(existing AND CMAKE_SYSTEM_PROCESSOR MATCHES "${${ARG_ARCH}}")
    target_sources(viper_${component} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
    set_source_files_properties("${CMAKE_CURRENT_SOURCE_DIR}/${file}" PROPERTIES COMPILE_OPTIONS "${ARG_FLAGS}")
  endif()
endfunction()

# -- The library -----------------------------------------------------------------------------------------------------

# libviper.so: the objects of every component but testing. What is not marked VIPER_EXPORT stays hidden in it.
function(viper_define_library)
  get_property(components GLOBAL PROPERTY VIPER_COMPONENTS)
  list(REMOVE_ITEM components testing)
  if(NOT components OR VIPER_ONLY)
    return()
  endif()
  add_library(viper SHARED)
  add_library(viper::viper ALIAS viper)
  _viper_link_components(viper ${components})
  target_link_libraries(viper PRIVATE viper_flags)
  set_target_properties(viper PROPERTIES
    VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}" LINKER_LANGUAGE CXX)
  target_compile_features(viper INTERFACE cxx_std_20)
  target_include_directories(viper INTERFACE
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
    "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  if(NOT VIPER_SANITIZE AND NOT APPLE)
    # A forgotten source shows here by name, not at the user's link. Sanitizer runtimes live in the executable.
    target_link_options(viper PRIVATE LINKER:-z,defs)
  endif()
endfunction()

# -- Programs, tests over the whole engine, fuzzers ------------------------------------------------------------------

function(viper_program)
  cmake_parse_arguments(ARG "INTERNAL;INSTALL" "NAME;OUTPUT" "SOURCES;DEPS;COMPONENTS" ${ARGN})
  _viper_check_arguments(viper_program ARG)
  _viper_existing(sources ${ARG_SOURCES})
  if(NOT sources)
    return()
  endif()
  set(target viper_${ARG_NAME})
  add_executable(${target} ${sources})
  if(ARG_OUTPUT)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME "${ARG_OUTPUT}")
  endif()
  if(ARG_INTERNAL)
    get_property(components GLOBAL PROPERTY VIPER_COMPONENTS)
    _viper_link_components(${target} ${components})
  else()
    target_link_libraries(${target} PRIVATE viper::viper)
    target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  foreach(component IN LISTS ARG_COMPONENTS)
    _viper_link_components(${target} ${component} ${VIPER_MAY_INCLUDE_${component}})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_DEPS})
  _viper_finish_executable(${target})
  if(ARG_INSTALL)
    set_property(GLOBAL APPEND PROPERTY VIPER_INSTALLED_PROGRAMS ${target})
  endif()
endfunction()

function(viper_test)
  cmake_parse_arguments(ARG "PUBLIC" "NAME" "SOURCES;DEPS;LABELS" ${ARGN})
  _viper_check_arguments(viper_test ARG)
  if(NOT VIPER_BUILD_TESTS)
    return()
  endif()
  _viper_existing(sources ${ARG_SOURCES})
  if(NOT sources)
    return()
  endif()
  set(target viper_${ARG_NAME}_test)
  add_executable(${target} ${sources})
  if(ARG_PUBLIC)
    target_link_libraries(${target} PRIVATE viper::viper)
  else()
    get_property(components GLOBAL PROPERTY VIPER_COMPONENTS)
    _viper_link_components(${target} ${components})
  endif()
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} GTest::gtest_main rapidcheck)
  _viper_finish_executable(${target})
  _viper_register_gtest(${target} "${ARG_NAME}" "${ARG_LABELS}")
endfunction()

function(viper_fuzzer)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;COMPONENTS;DEPS" ${ARGN})
  _viper_check_arguments(viper_fuzzer ARG)
  _viper_existing(sources ${ARG_SOURCES})
  if(NOT sources)
    return()
  endif()
  set(components "")
  foreach(component IN LISTS ARG_COMPONENTS)
    list(APPEND components ${component} ${VIPER_MAY_INCLUDE_${component}})
  endforeach()
  if(NOT components)
    get_property(components GLOBAL PROPERTY VIPER_COMPONENTS)
    list(REMOVE_ITEM components testing)
  endif()
  list(REMOVE_DUPLICATES components)

  set(target fuzz_${ARG_NAME})
  add_executable(${target} ${sources})
  _viper_link_components(${target} ${components} testing)
  target_link_libraries(${target} PRIVATE ${ARG_DEPS})
  _viper_finish_executable(${target})
  if(VIPER_BUILD_FUZZERS)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND PROPERTY VIPER_FUZZERS ${target})
  else()
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/fuzz_replay.cc")
  endif()
  if(VIPER_BUILD_TESTS AND NOT ARG_NAME STREQUAL "canary")
    set(inputs "")
    foreach(folder corpus crashers)
      if(IS_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${ARG_NAME}")
        list(APPEND inputs "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${ARG_NAME}")
      endif()
    endforeach()
    add_test(NAME fuzz_replay.${ARG_NAME} COMMAND ${target} $<$<BOOL:${VIPER_BUILD_FUZZERS}>:-runs=0> ${inputs}
             COMMAND_EXPAND_LISTS)
    set_tests_properties(fuzz_replay.${ARG_NAME} PROPERTIES LABELS fuzz TIMEOUT 300)
  endif()
endfunction()

# -- At the end ------------------------------------------------------------------------------------------------------

function(viper_print_summary)
  get_property(concurrent GLOBAL PROPERTY VIPER_CONCURRENT_TEST_PROGRAMS)
  add_custom_target(concurrent_tests)
  if(concurrent)
    add_dependencies(concurrent_tests ${concurrent})
  endif()
  get_property(fuzzers GLOBAL PROPERTY VIPER_FUZZERS)
  add_custom_target(fuzzers)
  if(fuzzers)
    add_dependencies(fuzzers ${fuzzers})
  endif()
  get_property(components GLOBAL PROPERTY VIPER_COMPONENTS)
  message(STATUS "VIPER ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE}, ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
                 ", sanitizers: ${VIPER_SANITIZE}, components: ${components}")
  message(STATUS "Arrow ${VIPER_ARROW_VERSION}: ${VIPER_ARROW_ORIGIN}")
endfunction()
