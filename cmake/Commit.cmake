# cmake -DSOURCE=DIR -DOUT=commit.h -P Commit.cmake: which commit the tree is at, "-dirty" when it was
# changed since, "unknown" outside git. Written only when it differs, so that nothing is made again in vain.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define QNET_COMMIT \"${commit}\"\n")
