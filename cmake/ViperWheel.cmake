# The component `wheel` of cmake --install: what pip packs beside the Python sources of the package (pyproject.toml).
#
#   viper/_viper.*.so    the module, which finds the others beside itself
#   viper/libviper.so.0  the engine
#   viper/lib*.so.*      the shared libraries that it was linked against and that not every Linux has
#
# Arrow is not among them: it is that of the package pyarrow, the folder beside ours, which the program may use as well.
include_guard(GLOBAL)
if(NOT VIPER_ARROW_VERSION MATCHES "^([0-9]+\\.[0-9]+)" OR NOT CMAKE_MATCH_1 STREQUAL VIPER_WHEEL_PYARROW)
  message(FATAL_ERROR "the wheel says that it needs pyarrow ${VIPER_WHEEL_PYARROW}, but is built with "
                      "${VIPER_ARROW_VERSION}: install that one, or change all versions of pyarrow in pyproject.toml")
endif()

# A wheel holds no symbolic links: one file, under the name that is looked for.
set_target_properties(viper PROPERTIES VERSION "${PROJECT_VERSION_MAJOR}")
set_target_properties(viper viper_python PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/../pyarrow")
install(TARGETS viper LIBRARY DESTINATION viper COMPONENT wheel NAMELINK_SKIP)
install(TARGETS viper_python LIBRARY DESTINATION viper COMPONENT wheel)

# Left out: Arrow, and what the manylinux policies expect on every machine.
set(VIPER_NOT_BUNDLED "^lib(arrow|parquet|viper|stdc\\+\\+|gcc_s|c|m|dl|rt|pthread|z)([._]|$)|^ld-linux")
install(CODE "set(not_bundled [[${VIPER_NOT_BUNDLED}]])" COMPONENT wheel)
install(CODE [[
  set(package "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/viper")
  file(GLOB libraries "${package}/*.so" "${package}/*.so.*")
  file(GET_RUNTIME_DEPENDENCIES LIBRARIES ${libraries} PRE_EXCLUDE_REGEXES "${not_bundled}"
       RESOLVED_DEPENDENCIES_VAR found)
  foreach(library IN LISTS found)
    get_filename_component(name "${library}" NAME)
    if(NOT EXISTS "${package}/${name}")
      message(STATUS "Bundling: ${library}")
      file(COPY_FILE "${library}" "${package}/${name}")
    endif()
  endforeach()
]] COMPONENT wheel)
