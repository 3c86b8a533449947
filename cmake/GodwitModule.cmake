# A module is one folder under src/ and one static library. DEPS is the whole
# list of modules that it may include; scripts/tidy reads the same list.
# SDK modules are compiled without exceptions: what an app links must not throw.
# A server module says EXCEPTIONS, and so does the one file behind a throwing library.
add_library(godwit_warnings INTERFACE)
target_compile_options(godwit_warnings INTERFACE
  -Wall -Wextra -Werror
  -Wconversion             # int64_t and size_t meet at every file offset
  -Wnon-virtual-dtor
  -Wimplicit-fallthrough
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)  # g++ leaves it out of -Wconversion.

function(godwit_module name)
  cmake_parse_arguments(ARG "EXCEPTIONS" "" "SOURCES;DEPS;PRIVATE_LIBS" ${ARGN})
  add_library(godwit_${name} STATIC ${ARG_SOURCES})
  target_include_directories(godwit_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src
                                                   ${PROJECT_SOURCE_DIR}/include)
  list(TRANSFORM ARG_DEPS PREPEND godwit_)
  target_link_libraries(godwit_${name}
    PUBLIC ${ARG_DEPS} PRIVATE godwit_warnings ${ARG_PRIVATE_LIBS})
  if(NOT ARG_EXCEPTIONS)
    target_compile_options(godwit_${name} PRIVATE -fno-exceptions)
  endif()
endfunction()

# One test program of a module. DEPS as above; gtest's main is linked in.
function(godwit_test name)
  if(NOT GODWIT_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPS PREPEND godwit_)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} ${ARG_PRIVATE_LIBS} godwit_warnings
                                        GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()

# A fuzz target: SOURCES hold LLVMFuzzerTestOneInput. With GODWIT_FUZZ (Clang) it is a
# fuzzer; in every other build a plain program that replays fuzz/corpora/<name> as a test.
function(godwit_fuzz name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  list(TRANSFORM ARG_DEPS PREPEND godwit_)
  if(GODWIT_FUZZ)
    add_executable(${name}_fuzz ${ARG_SOURCES})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name}_fuzz PRIVATE ${ARG_DEPS} godwit_warnings)
  elseif(GODWIT_BUILD_TESTS)
    add_executable(${name}_replay ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cc)
    target_link_libraries(${name}_replay PRIVATE ${ARG_DEPS} godwit_warnings)
    set_target_properties(${name}_replay PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                                    ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME Fuzz.${name}ReplaysItsCorpus
             COMMAND ${name}_replay ${PROJECT_SOURCE_DIR}/fuzz/corpora/${name})
  endif()
endfunction()
