# Layers are object libraries, one per line of proto/LAYERS, lowest first. A layer sees all headers
# (C has no other way) but may only *link* with what lies beneath it: its unit tests get the object
# files of the lines up to its own, nothing more, so a call upward is an undefined symbol.
file(STRINGS ${PROJECT_SOURCE_DIR}/proto/LAYERS _lines REGEX "^[a-z]")
set(QN_LAYERS "")
foreach(_line IN LISTS _lines)
  string(REGEX MATCH "^[a-z][a-z0-9]*" _layer "${_line}")
  list(APPEND QN_LAYERS ${_layer})
endforeach()

function(qn_add_layers)
  foreach(layer IN LISTS QN_LAYERS)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/proto/${layer}/*.c)
    if(NOT sources)
      message(FATAL_ERROR "proto/LAYERS names '${layer}' but proto/${layer} has no .c file")
    endif()
    add_library(qn_${layer} OBJECT ${sources})
    target_link_libraries(qn_${layer} PRIVATE qn_flags)
    target_include_directories(qn_${layer} PRIVATE ${PROJECT_SOURCE_DIR}/proto
                                                   ${PROJECT_SOURCE_DIR}/proto/include)
  endforeach()
endfunction()

# The object files of a layer and all beneath it, as $<TARGET_OBJECTS:...> in OUT.
function(qn_objects_up_to layer out)
  set(objects "")
  foreach(l IN LISTS QN_LAYERS)
    list(APPEND objects $<TARGET_OBJECTS:qn_${l}>)
    if(l STREQUAL layer)
      break()
    endif()
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()
