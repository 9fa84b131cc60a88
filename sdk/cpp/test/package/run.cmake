# cmake -DBUILD=... -DSOURCE=... -DWORK=... -DVERSION=... -P run.cmake: builds the project against the SDK, installed and
# moved elsewhere, and as it lies in its build; runs it.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(code)
    message(FATAL_ERROR "${ARGV}: ${code}\n${out}\n${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/installed)
file(RENAME ${WORK}/installed ${WORK}/moved)
# Nothing that is installed may know where it was made.
file(GLOB_RECURSE files ${WORK}/moved/*.cmake)
foreach(file ${files})
  file(STRINGS ${file} paths REGEX "${BUILD}|${WORK}")
  if(paths)
    message(FATAL_ERROR "${file} names a place: ${paths}")
  endif()
endforeach()

foreach(prefix ${WORK}/moved ${BUILD})
  file(REMOVE_RECURSE ${WORK}/build)
  run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${prefix} -DWANTED=${VERSION}
      -DCMAKE_CXX_FLAGS=${FLAGS})
  run(${CMAKE_COMMAND} --build ${WORK}/build)
  run(${WORK}/build/hello_workflow --aiflow-compile)
  if(NOT out MATCHES "\"name\":\"hello\"" OR NOT out MATCHES "\"key\":\"data_ready\"")
    message(FATAL_ERROR "unexpected specification: ${out}")
  endif()
endforeach()

# Another minor version is another interface.
execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${WORK}/other -DCMAKE_PREFIX_PATH=${WORK}/moved
    -DWANTED=99.0 RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE err)
if(NOT code OR NOT err MATCHES "99.0")
  message(FATAL_ERROR "version 99.0 is found: ${err}")
endif()
file(REMOVE_RECURSE ${WORK})
