# What of this repository goes into the ns-3 module qnet: the core, what of lab/ the models
# need, the models, the helper for programs. Scenarios and qnet-sim stay outside; they are a program of their own.
file(REAL_PATH ${CMAKE_CURRENT_SOURCE_DIR} folder) # contrib/qnet is a link
get_filename_component(QNET_ROOT ${folder} DIRECTORY)
enable_language(C)
set(CMAKE_C_STANDARD 11)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(QNET_PACKAGES REQUIRED libssl>=3.0 libcrypto>=3.0 libsodium libcbor libbrotlidec
                                         libnghttp2>=1.52 libzstd>=1.4)

file(STRINGS ${QNET_ROOT}/proto/LAYERS lines REGEX "^[a-z]")
set(QNET_SOURCES "")
foreach(line IN LISTS lines)
  string(REGEX MATCH "^[a-z][a-z0-9]*" layer "${line}")
  file(GLOB core CONFIGURE_DEPENDS ${QNET_ROOT}/proto/${layer}/*.c)
  list(APPEND QNET_SOURCES ${core})
endforeach()
file(GLOB model CONFIGURE_DEPENDS model/*.cc)
file(GLOB lab CONFIGURE_DEPENDS ${QNET_ROOT}/lab/browser/*.c ${QNET_ROOT}/lab/liar/*.c)
list(APPEND QNET_SOURCES ${lab} ${model} helper/qnet-helper.cc)
file(GLOB QNET_HEADERS CONFIGURE_DEPENDS model/*.h)
list(APPEND QNET_HEADERS helper/qnet-helper.h)
file(GLOB QNET_TESTS CONFIGURE_DEPENDS test/*-test-suite.cc)
set(QNET_INCLUDES ${CMAKE_CURRENT_SOURCE_DIR}/model ${CMAKE_CURRENT_SOURCE_DIR}/helper
                  ${QNET_ROOT}/proto/include ${QNET_ROOT}/lab)

include(${QNET_ROOT}/cmake/LiarCalls.cmake)

function(qnet_finish)
  foreach(call IN LISTS QN_LIAR_CALLS)
    target_link_options(${libqnet} PRIVATE -Wl,--wrap=${call})
  endforeach()
  target_include_directories(${libqnet-obj} PRIVATE ${QNET_ROOT}/proto ${QNET_INCLUDES}
                                                    ${QNET_PACKAGES_INCLUDE_DIRS})
  foreach(include IN LISTS QNET_INCLUDES)
    target_include_directories(${libqnet} PUBLIC $<BUILD_INTERFACE:${include}>)
  endforeach()
  # As the core's own build has it; ns-3's flags are for C++.
  target_compile_options(${libqnet-obj} PRIVATE -fno-strict-aliasing)
endfunction()
