# cmake --install: public headers, libviper.so, the programs, and the package that find_package(viper) reads.
include_guard(GLOBAL)
if(NOT TARGET viper)
  return()
endif()
include(CMakePackageConfigHelpers)

# Installed files find libviper beside themselves, and the Arrow of a wheel where it was found. For a tree that can be
# moved to another machine, VIPER_BUNDLE_ARROW copies the Arrow libraries next to libviper.
option(VIPER_BUNDLE_ARROW "Install the wheel's Arrow libraries beside libviper" OFF)
file(RELATIVE_PATH _viper_lib_from_bin "/prefix/${CMAKE_INSTALL_BINDIR}" "/prefix/${CMAKE_INSTALL_LIBDIR}")
set(_viper_rpath "$ORIGIN" "$ORIGIN/${_viper_lib_from_bin}")
if(VIPER_BUNDLE_ARROW AND VIPER_ARROW_LIBRARY_DIR)
  set(_viper_rpath "$ORIGIN" "$ORIGIN/viper" "$ORIGIN/${_viper_lib_from_bin}" "$ORIGIN/${_viper_lib_from_bin}/viper")
  foreach(_viper_target viper_arrow::arrow viper_arrow::parquet viper_arrow::compute)
    get_target_property(_viper_location ${_viper_target} IMPORTED_LOCATION)
    if(_viper_location)
      install(FILES "${_viper_location}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/viper")
    endif()
  endforeach()
elseif(VIPER_ARROW_LIBRARY_DIR)
  list(APPEND _viper_rpath "${VIPER_ARROW_LIBRARY_DIR}")
endif()

get_property(_viper_programs GLOBAL PROPERTY VIPER_INSTALLED_PROGRAMS)
set_target_properties(viper ${_viper_programs} PROPERTIES INSTALL_RPATH "${_viper_rpath}")
install(TARGETS viper EXPORT viperTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(_viper_programs)
  install(TARGETS ${_viper_programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/viper" "${PROJECT_BINARY_DIR}/include/viper"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
if(EXISTS "${PROJECT_SOURCE_DIR}/LICENSE")
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
endif()

set(_viper_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/viper")
install(EXPORT viperTargets NAMESPACE viper:: DESTINATION "${_viper_package_dir}")
configure_package_config_file(cmake/viperConfig.cmake.in "${PROJECT_BINARY_DIR}/viperConfig.cmake"
                              INSTALL_DESTINATION "${_viper_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/viperConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/viperConfig.cmake" "${PROJECT_BINARY_DIR}/viperConfigVersion.cmake"
        DESTINATION "${_viper_package_dir}")

# An outside project uses the installed package. Sanitized and fuzz builds are not what anybody installs.
if(VIPER_BUILD_TESTS AND NOT VIPER_SANITIZE AND NOT VIPER_BUILD_FUZZERS
   AND EXISTS "${PROJECT_SOURCE_DIR}/tests/package/CMakeLists.txt")
  add_test(NAME package.FindPackageBuildsAndRuns
           COMMAND "${CMAKE_COMMAND}"
                   "-DVIPER_BUILD_TREE=${PROJECT_BINARY_DIR}"
                   "-DVIPER_PACKAGE_SOURCE=${PROJECT_SOURCE_DIR}/tests/package"
                   "-DVIPER_GENERATOR=${CMAKE_GENERATOR}"
                   "-DVIPER_CXX=${CMAKE_CXX_COMPILER}"
                   -P "${PROJECT_SOURCE_DIR}/tests/package/run.cmake")
  set_tests_properties(package.FindPackageBuildsAndRuns PROPERTIES LABELS package TIMEOUT 300)
endif()
