# All flags live on one interface target; nothing is global.
add_library(qn_flags INTERFACE)
target_compile_options(qn_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wundef -Wvla -Wformat=2
  -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -fvisibility=hidden -fno-strict-aliasing)
if(QNET_WERROR)
  target_compile_options(qn_flags INTERFACE -Werror)
endif()
if(QNET_SANITIZE)
  target_compile_options(qn_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined
                                            -fno-omit-frame-pointer)
  target_link_options(qn_flags INTERFACE -fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(qn_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE)
  target_link_options(qn_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
if(QNET_COVERAGE)
  target_compile_options(qn_flags INTERFACE --coverage -O0)
  target_link_options(qn_flags INTERFACE --coverage)
endif()
if(QNET_FUZZ)
  target_compile_options(qn_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
