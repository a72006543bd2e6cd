# Finds the Arrow and Parquet C++ libraries, wherever they come from, under three names of our own:
#
#   viper_arrow::arrow    viper_arrow::parquet    viper_arrow::compute
#
# 1. A CMake package (distribution, conda, vcpkg): find_package(Arrow) and find_package(Parquet), version 15 or newer.
# 2. Else the pyarrow wheel of VIPER_PYTHON, which carries headers and libraries. The wheel is only read: its
#    libraries are linked by their full, versioned file names, so no symbolic links have to be made in it.
#
# Sets ArrowWheel_FOUND, VIPER_ARROW_VERSION, VIPER_ARROW_ORIGIN and VIPER_ARROW_LIBRARY_DIR (empty for a package).

set(VIPER_ARROW_VERSION_MIN 15)
option(VIPER_ARROW_FROM_WHEEL "Do not look for an Arrow CMake package" OFF)

# -- 1. A package ------------------------------------------------------------------------------------------------
# The version is compared here, not in find_package: Arrow's own rule accepts only the same major version.
if(NOT VIPER_ARROW_FROM_WHEEL AND NOT TARGET viper_arrow::arrow)
  find_package(Arrow CONFIG QUIET)
  find_package(Parquet CONFIG QUIET)
  if(Arrow_FOUND AND Parquet_FOUND AND NOT Arrow_VERSION VERSION_LESS VIPER_ARROW_VERSION_MIN)
    add_library(viper_arrow::arrow INTERFACE IMPORTED GLOBAL)
    target_link_libraries(viper_arrow::arrow INTERFACE Arrow::arrow_shared)
    add_library(viper_arrow::parquet INTERFACE IMPORTED GLOBAL)
    target_link_libraries(viper_arrow::parquet INTERFACE Parquet::parquet_shared viper_arrow::arrow)
    add_library(viper_arrow::compute INTERFACE IMPORTED GLOBAL)
    target_link_libraries(viper_arrow::compute INTERFACE viper_arrow::arrow)
    find_package(ArrowCompute CONFIG QUIET)  # a library of its own since version 21
    if(TARGET ArrowCompute::arrow_compute_shared)
      target_link_libraries(viper_arrow::compute INTERFACE ArrowCompute::arrow_compute_shared)
    endif()
    set(VIPER_ARROW_VERSION "${Arrow_VERSION}")
    set(VIPER_ARROW_ORIGIN "CMake package in ${Arrow_DIR}")
    set(VIPER_ARROW_LIBRARY_DIR "")
  endif()
endif()

# -- 2. The wheel ------------------------------------------------------------------------------------------------
if(NOT TARGET viper_arrow::arrow)
  set(_viper_pythons "${VIPER_PYTHON}")
  if(NOT VIPER_PYTHON)
    set(_viper_pythons "${PROJECT_SOURCE_DIR}/.venv/bin/python" python3)
  endif()
  # find_spec finds the folder without importing pyarrow, which would take a third of a second.
  set(_viper_query "import importlib.util as u, importlib.metadata as m, os
s = u.find_spec('pyarrow')
print(os.path.dirname(s.origin) if s else '', m.version('pyarrow') if s else '', sep=';', end='')")
  foreach(_viper_python IN LISTS _viper_pythons)
    execute_process(COMMAND "${_viper_python}" -c "${_viper_query}"
                    OUTPUT_VARIABLE _viper_answer RESULT_VARIABLE _viper_result ERROR_QUIET)
    if(_viper_result EQUAL 0 AND NOT _viper_answer STREQUAL ";")
      list(GET _viper_answer 0 _viper_wheel_dir)
      list(GET _viper_answer 1 VIPER_ARROW_VERSION)
      break()
    endif()
  endforeach()

  function(_viper_wheel_library target library)
    # libarrow.so.2600, never libarrow.so.2600.1.0 nor libarrow_python.so.2600
    file(GLOB candidates "${_viper_wheel_dir}/${library}.so.[0-9]*" "${_viper_wheel_dir}/${library}.[0-9]*.dylib")
    list(FILTER candidates INCLUDE REGEX "(so\\.[0-9]+|\\.[0-9]+\\.dylib)$")
    list(LENGTH candidates count)
    if(NOT count EQUAL 1)
      return()
    endif()
    get_filename_component(file_name "${candidates}" NAME)
    add_library(${target} SHARED IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION "${candidates}"
      IMPORTED_SONAME "${file_name}"
      INTERFACE_INCLUDE_DIRECTORIES "${_viper_wheel_dir}/include"
      INTERFACE_COMPILE_FEATURES cxx_std_20)
  endfunction()

  if(_viper_wheel_dir AND EXISTS "${_viper_wheel_dir}/include/arrow/api.h"
     AND NOT VIPER_ARROW_VERSION VERSION_LESS VIPER_ARROW_VERSION_MIN)
    _viper_wheel_library(viper_arrow::arrow libarrow)
    _viper_wheel_library(viper_arrow::parquet libparquet)
    _viper_wheel_library(viper_arrow::compute libarrow_compute)
    if(TARGET viper_arrow::parquet)
      target_link_libraries(viper_arrow::parquet INTERFACE viper_arrow::arrow)
      if(NOT TARGET viper_arrow::compute)  # part of libarrow before version 21
        add_library(viper_arrow::compute INTERFACE IMPORTED GLOBAL)
      endif()
      target_link_libraries(viper_arrow::compute INTERFACE viper_arrow::arrow)
    endif()
    set(VIPER_ARROW_ORIGIN "pyarrow wheel in ${_viper_wheel_dir}")
    set(VIPER_ARROW_LIBRARY_DIR "${_viper_wheel_dir}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
if(TARGET viper_arrow::arrow AND TARGET viper_arrow::parquet)
  set(_viper_arrow_targets TRUE)
endif()
find_package_handle_standard_args(ArrowWheel
  REQUIRED_VARS _viper_arrow_targets VIPER_ARROW_ORIGIN
  VERSION_VAR VIPER_ARROW_VERSION
  REASON_FAILURE_MESSAGE "run tools/setup (it installs the pinned pyarrow wheel into .venv), set VIPER_PYTHON to a \
Python that has pyarrow >= ${VIPER_ARROW_VERSION_MIN}, or install Arrow and Parquet with their CMake packages")
