# What makes builds fast and changes nothing in what they make.

# Linking takes a third of the time with lld; packages are linked with the system's linker.
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  find_program(NVCCD_LLD NAMES ld.lld-21 ld.lld-20 ld.lld-19 ld.lld)
  if(NVCCD_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_link_options(--ld-path=${NVCCD_LLD})
  endif()
endif()

# Every target of this directory and of those below it.
function(nvccd_collect_targets directory result)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(children DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(child ${children})
    nvccd_collect_targets(${child} below)
    list(APPEND targets ${below})
  endforeach()
  set(${result} ${targets} PARENT_SCOPE)
endfunction()

# Those of them that are compiled and do not stand apart.
function(nvccd_collect_compiled directory result)
  nvccd_collect_targets(${PROJECT_SOURCE_DIR}/${directory} targets)
  set(compiled)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(apart ${target} NVCCD_APART)
    if(type MATCHES "^(STATIC_LIBRARY|OBJECT_LIBRARY|EXECUTABLE)$" AND NOT apart)
      list(APPEND compiled ${target})
    endif()
  endforeach()
  set(${result} ${compiled} PARENT_SCOPE)
endfunction()

# nvccd_precompile(NAME HEADERS... LINKS... OPTIONS... DIRECTORIES...): the headers are parsed once for all targets there. Only with clang:
# GCC takes as long to load such a file as to parse the headers. That each header compiles alone is checked by
# tests/check-headers, as a header of the project cannot show it here any more.
function(nvccd_precompile name)
  cmake_parse_arguments(arg "" "" "HEADERS;LINKS;OPTIONS;DIRECTORIES" ${ARGN})
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    return()
  endif()
  file(WRITE ${PROJECT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${PROJECT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE nvccd-options ${arg_LINKS})
  target_compile_options(${name} PRIVATE ${arg_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  foreach(directory ${arg_DIRECTORIES})
    nvccd_collect_compiled(${directory} targets)
    foreach(target ${targets})
      target_precompile_headers(${target} REUSE_FROM ${name})
    endforeach()
  endforeach()
endfunction()

# nvccd_add_options(OPTIONS... DIRECTORIES...): for all targets there but those that stand apart.
function(nvccd_add_options)
  cmake_parse_arguments(arg "" "" "OPTIONS;DIRECTORIES" ${ARGN})
  foreach(directory ${arg_DIRECTORIES})
    nvccd_collect_compiled(${directory} targets)
    foreach(target ${targets})
      target_compile_options(${target} PRIVATE ${arg_OPTIONS})
    endforeach()
  endforeach()
endfunction()

# Tests are compiled for compiling fast; what they test is compiled as it ships.
if(BUILD_TESTING AND CMAKE_BUILD_TYPE MATCHES "Rel")
  set(story_directories tests/engine tests/fuzz tests/integration tests/support tests/unit)
  if(NVCCD_KUBERNETES)
    list(APPEND story_directories tests/kubernetes)
  endif()
  nvccd_add_options(OPTIONS -O1 -g1 DIRECTORIES ${story_directories})
endif()

# Stories of one shape have the same names for their devices and jobs, so each is compiled by itself. The emulator is no story.
if(BUILD_TESTING)
  foreach(directory tests bench)
    nvccd_collect_targets(${PROJECT_SOURCE_DIR}/${directory} targets)
    foreach(target ${targets})
      if(NOT target MATCHES "^nvccd-(emulator|vfio-user)")
        set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
      endif()
    endforeach()
  endforeach()
endif()

# What ships.
set(NVCCD_PROGRAMS client common daemon preflight)
if(NVCCD_KUBERNETES)
  list(APPEND NVCCD_PROGRAMS kubernetes)
endif()

# Coverage, so that the fuzzers see where their inputs lead. What is no program of ours need not have it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NVCCD_SANITIZE MATCHES "address")
  set(NVCCD_FUZZED_OPTIONS -fsanitize=fuzzer-no-link)
  nvccd_add_options(OPTIONS ${NVCCD_FUZZED_OPTIONS} DIRECTORIES ${NVCCD_PROGRAMS})
endif()

set(NVCCD_COMMON_HEADERS
  <algorithm> <array> <cerrno> <charconv> <chrono> <cstdint> <cstring> <expected> <filesystem> <fstream> <functional>
  <map> <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view> <thread> <utility> <variant> <vector>
  <fmt/format.h> <fmt/ranges.h> <nlohmann/json.hpp> <systemd/sd-bus.h> <systemd/sd-event.h>)
nvccd_precompile(nvccd-headers
  HEADERS ${NVCCD_COMMON_HEADERS} LINKS fmt::fmt OPTIONS ${NVCCD_FUZZED_OPTIONS}
  DIRECTORIES ${NVCCD_PROGRAMS})
if(BUILD_TESTING)
  nvccd_precompile(nvccd-test-headers
    HEADERS ${NVCCD_COMMON_HEADERS} <gtest/gtest.h> <gmock/gmock.h> LINKS fmt::fmt GTest::gmock
    DIRECTORIES tests bench)
endif()
