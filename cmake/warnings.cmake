# Flags of every target of this project. Warnings are errors.
add_library(aiflow_flags INTERFACE)
target_compile_options(aiflow_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
target_include_directories(aiflow_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
if(AIFLOW_SANITIZE)
  target_compile_options(aiflow_flags INTERFACE -fsanitize=${AIFLOW_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(aiflow_flags INTERFACE -fsanitize=${AIFLOW_SANITIZE})
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
