find_package(GTest REQUIRED)

# What the sanitizers' run-time libraries are told in every test, and in every process that a test
# starts with its own environment.
set(AIFLOW_TEST_ENVIRONMENT "")
if(AIFLOW_SANITIZE)
  set(suppressions ${PROJECT_SOURCE_DIR}/test/sanitizers)
  list(APPEND AIFLOW_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:check_initialization_order=1:strict_init_order=1"
    "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=suppressions=${suppressions}/tsan.supp:print_suppressions=0:second_deadlock_stack=1")
endif()

# aiflow_test_properties(name LABELS unit TIMEOUT 300 ENVIRONMENT A=1): what every ctest entry has.
function(aiflow_test_properties name)
  cmake_parse_arguments(ARG "" "LABELS;TIMEOUT" "ENVIRONMENT" ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
  set_property(TEST ${name} PROPERTY ENVIRONMENT ${AIFLOW_TEST_ENVIRONMENT} ${ARG_ENVIRONMENT})
endfunction()

# aiflow_test(name LABEL unit SOURCES ... DEPENDS ...): one GoogleTest program, one ctest entry.
function(aiflow_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPENDS;ARGS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE aiflow_flags ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  aiflow_test_properties(${name} LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()
