# Installs the build tree into a fresh folder, builds the outside project against it and runs the result.
#   cmake -DVIPER_BUILD_TREE=build/dev -DVIPER_PACKAGE_SOURCE=tests/package [-DVIPER_GENERATOR=Ninja]
#         [-DVIPER_CXX=g++] -P tests/package/run.cmake

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}):\n${output}")
  endif()
  message(STATUS "${what}: ok")
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(work "${VIPER_BUILD_TREE}/package_test")
file(REMOVE_RECURSE "${work}")
set(options "-DCMAKE_PREFIX_PATH=${work}/prefix")
if(VIPER_GENERATOR)
  list(APPEND options -G "${VIPER_GENERATOR}")
endif()
if(VIPER_CXX)
  list(APPEND options "-DCMAKE_CXX_COMPILER=${VIPER_CXX}")
endif()

run("install" "${CMAKE_COMMAND}" --install "${VIPER_BUILD_TREE}" --prefix "${work}/prefix")
run("configure" "${CMAKE_COMMAND}" -S "${VIPER_PACKAGE_SOURCE}" -B "${work}/build" ${options})
run("build" "${CMAKE_COMMAND}" --build "${work}/build")
run("run" "${work}/build/user")
if(NOT output MATCHES "viper [0-9]+\\.[0-9]+\\.[0-9]+")
  message(FATAL_ERROR "the program printed no version: ${output}")
endif()
if(EXISTS "${work}/prefix/bin/viper")
  run("viper --help" "${work}/prefix/bin/viper" --help)
endif()
