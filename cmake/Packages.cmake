# Every dependency, where it comes from, and what is skipped without it. docs/dependencies.md says why.
find_package(PkgConfig REQUIRED)
set(QNET_SKIPPED "" CACHE INTERNAL "")

function(qn_skip what package)
  set(QNET_SKIPPED "${QNET_SKIPPED};${what} (install ${package})" CACHE INTERNAL "")
endfunction()

function(qn_report_skipped)
  foreach(line IN LISTS QNET_SKIPPED)
    if(line)
      message(STATUS "SKIPPED: ${line}")
    endif()
  endforeach()
endfunction()

# The core cannot do without these.
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3.0)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(CBOR REQUIRED IMPORTED_TARGET libcbor)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2>=1.52)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlidec)
add_library(qn_core_libs INTERFACE)
target_link_libraries(qn_core_libs INTERFACE PkgConfig::CBOR PkgConfig::SODIUM PkgConfig::CRYPTO
                                            PkgConfig::BROTLI PkgConfig::NGHTTP2)

pkg_check_modules(EVENT IMPORTED_TARGET libevent_core libevent_extra)
pkg_check_modules(JANSSON IMPORTED_TARGET jansson)
pkg_check_modules(YAML IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CHECK IMPORTED_TARGET check)

set(QNET_HAVE_LIBEVENT OFF)
if(NOT EVENT_FOUND)
  qn_skip("the qnet program and io-real" libevent-dev)
elseif(NOT JANSSON_FOUND)
  qn_skip("the qnet program and io-real" libjansson-dev)
elseif(NOT YAML_FOUND)
  qn_skip("the qnet program and io-real" libyaml-dev)
else()
  set(QNET_HAVE_LIBEVENT ON)
endif()

# Debian's ns-3 CMake package names libgsl by absolute path without depending on it, so the
# libraries are found one by one; nothing more is needed at link time.
set(QNET_HAVE_NS3 OFF)
find_path(NS3_INCLUDE ns3/simulator.h PATH_SUFFIXES include ns3.37 PATHS /usr/include/ns3.37 /usr/include)
find_library(NS3_CORE NAMES ns3-core ns3.37-core)
find_library(NS3_NETWORK NAMES ns3-network ns3.37-network)
if(NOT NS3_INCLUDE OR NOT NS3_CORE OR NOT NS3_NETWORK)
  qn_skip("the simulator qnet-sim and its tests" libns3-dev)
elseif(NOT YAML_FOUND OR NOT JANSSON_FOUND)
  qn_skip("the simulator qnet-sim and its tests" "libyaml-dev libjansson-dev")
else()
  set(QNET_HAVE_NS3 ON)
  add_library(qn_ns3 INTERFACE)
  target_include_directories(qn_ns3 SYSTEM INTERFACE ${NS3_INCLUDE})
  target_link_libraries(qn_ns3 INTERFACE ${NS3_NETWORK} ${NS3_CORE})
endif()

find_program(GNUPLOT gnuplot)
if(NOT GNUPLOT)
  qn_skip("plots (CSV files are still written)" gnuplot-nox)
endif()
