# One static library a layer; the links are the arrows of docs/architecture.md and there are no others.
function(nvccd_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(nvccd-${name} STATIC ${arg_SOURCES})
  target_link_libraries(nvccd-${name} PUBLIC ${arg_LINKS} PRIVATE nvccd-options)
endfunction()
