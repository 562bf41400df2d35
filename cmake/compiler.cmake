# Which compiler, where nobody says. clang with precompiled headers takes half the time of GCC, so daily builds have it
# where a recent one is installed; what ships is built with the system's own.
option(NVCCD_FAST_COMPILER "Build with clang 19 or later where one is found and no compiler was named" OFF)
if(NVCCD_FAST_COMPILER AND NOT DEFINED CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(NVCCD_CLANG NAMES clang++-21 clang++-20 clang++-19)
  if(NVCCD_CLANG)
    set(CMAKE_CXX_COMPILER ${NVCCD_CLANG})
  endif()
endif()
