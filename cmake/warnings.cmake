# Flags of every target of this project. Warnings are errors with the compilers that the project is
# developed with (Debian 12's); newer ones find new things to say, which must not stop a user's build.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(reference_compiler 12)
else()
  set(reference_compiler 14)
endif()
string(REGEX MATCH "^[0-9]+" compiler_major ${CMAKE_CXX_COMPILER_VERSION})
string(COMPARE EQUAL "${compiler_major}" "${reference_compiler}" is_reference_compiler)
option(AIFLOW_WARNINGS_AS_ERRORS "Fail the build on a warning" ${is_reference_compiler})

add_library(aiflow_flags INTERFACE)
target_compile_options(aiflow_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  $<$<BOOL:${AIFLOW_WARNINGS_AS_ERRORS}>:-Werror>)
target_include_directories(aiflow_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(AIFLOW_SANITIZE)
  target_compile_options(aiflow_flags INTERFACE -fsanitize=${AIFLOW_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(aiflow_flags INTERFACE -fsanitize=${AIFLOW_SANITIZE})
  if(AIFLOW_SANITIZE MATCHES undefined)
    # Each finding ends the process, so that a test notices it.
    target_compile_options(aiflow_flags INTERFACE -fno-sanitize-recover=all)
  endif()
  # Where instrumentation makes g++ see paths that cannot happen.
  target_compile_options(aiflow_flags INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-tsan)
endif()

# aiflow_library(base SOURCES ... DEPENDS ...): one module, one target `aiflow_<name>`.
function(aiflow_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(aiflow_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(aiflow_${name}
    PUBLIC $<BUILD_INTERFACE:aiflow_flags> ${ARG_DEPENDS}
    PRIVATE ${ARG_PRIVATE_DEPENDS})
endfunction()
