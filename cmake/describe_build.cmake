# Writes a header of what a build is made of, and touches it only where that has changed: `ghostvk --version` prints it.
# No path of the machine is in it.
# usage: cmake -D SOURCE=... -D HEADER=... -D TABLE=shader_table.h -D COMPILER=... -D PARTS=... -P describe_build.cmake
set(SOURCES "an archive")
string(TIMESTAMP DATE "%Y-%m-%d" UTC) # SOURCE_DATE_EPOCH's, where it is set
find_program(GIT git)
if(GIT)
    # The repository must be ours, and not one that has these sources inside.
    execute_process(COMMAND ${GIT} rev-parse --show-prefix WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE INSIDE
        RESULT_VARIABLE FAILED ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT FAILED AND INSIDE STREQUAL "")
        execute_process(COMMAND ${GIT} describe --tags --always --dirty=+changes WORKING_DIRECTORY ${SOURCE}
            OUTPUT_VARIABLE DESCRIPTION RESULT_VARIABLE FAILED ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
        if(NOT FAILED AND DESCRIPTION MATCHES "^[A-Za-z0-9._+-]+$")
            set(SOURCES ${DESCRIPTION})
        endif()
        execute_process(COMMAND ${GIT} log -1 --format=%cs WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE COMMITTED
            RESULT_VARIABLE FAILED ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
        if(NOT FAILED AND COMMITTED MATCHES "^[0-9-]+$" AND NOT DEFINED ENV{SOURCE_DATE_EPOCH})
            set(DATE ${COMMITTED})
        endif()
    endif()
endif()

file(STRINGS ${TABLE} LINES REGEX "^    GVK_SHADER_[A-Z0-9_]+,$")
list(LENGTH LINES SHADERS)

file(WRITE ${HEADER}.new "/* Made by the build. */
#define GVK_BUILD_SOURCES  \"${SOURCES}\"
#define GVK_BUILD_DATE     \"${DATE}\"
#define GVK_BUILD_COMPILER \"${COMPILER}\"
#define GVK_BUILD_SHADERS  \"${SHADERS}\"
#define GVK_BUILD_PARTS    \"${PARTS}\"
")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${HEADER}.new ${HEADER})
file(REMOVE ${HEADER}.new)
