# cmake -DBUILD=... -DSOURCE=... -DWORK=... -P run.cmake: installs the SDK, builds the project against it,
# runs it.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(code)
    message(FATAL_ERROR "${ARGV}: ${code}\n${out}\n${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/hello_workflow --aiflow-compile)
if(NOT out MATCHES "\"name\":\"hello\"" OR NOT out MATCHES "\"key\":\"data_ready\"")
  message(FATAL_ERROR "unexpected specification: ${out}")
endif()
file(REMOVE_RECURSE ${WORK})
