# The live window of `ghostvk watch`: GLFW, and its shaders as one header, watch_shaders.h.
#
# The header is made where glslangValidator is found; it lies beside the library's shader table, so that a build that is
# given a table (GVK_SHADER_TABLE) and has no glslangValidator takes it from there.
find_package(glfw3 3.3 QUIET)
set(GVK_WATCH_FOUND OFF)
if(glfw3_FOUND) # for this system, not only for the one that builds
    include(CheckCSourceCompiles)
    set(CMAKE_REQUIRED_LIBRARIES glfw)
    check_c_source_compiles("#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
int main(void) { return glfwInit(); }" GVK_GLFW_LINKS)
    unset(CMAKE_REQUIRED_LIBRARIES)
    set(GVK_WATCH_FOUND ${GVK_GLFW_LINKS})
endif()
set(WATCH_FOLDER ${PROJECT_SOURCE_DIR}/cli/watch/shaders)
set(WATCH_SHADERS picture.vert picture.frag frames.vert labels.vert overlay.vert ink.frag place.comp)
find_program(GVK_GLSLANG glslangValidator)
set(WATCH_READY ON)
if(NOT GVK_GLSLANG AND NOT EXISTS ${GVK_TABLE_FOLDER}/watch_shaders.h)
    set(WATCH_READY OFF)
endif()
if((GVK_WATCH_FOUND AND WATCH_READY) OR DEFINED CACHE{GVK_WATCH})
    option(GVK_WATCH "The command watch: a live window, by GLFW" ON)
else() # not for good, either
    set(GVK_WATCH OFF)
endif()

# What the header was made of, as the library's table says it of its own.
set(WATCH_HASHES "")
file(GLOB WATCH_SOURCES CONFIGURE_DEPENDS ${WATCH_FOLDER}/*)
list(SORT WATCH_SOURCES)
foreach(FILE ${WATCH_SOURCES})
    file(READ ${FILE} TEXT)
    string(REPLACE "\r" "" TEXT "${TEXT}")
    string(SHA256 HASH "${TEXT}")
    get_filename_component(NAME ${FILE} NAME)
    string(APPEND WATCH_HASHES "${NAME} ${HASH}\n")
endforeach()
string(SHA256 WATCH_HASH "${WATCH_HASHES}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${WATCH_SOURCES})

# gvk_add_watch(TARGET): the window's part of the program.
function(gvk_add_watch TARGET)
    if(NOT GVK_WATCH_FOUND)
        message(FATAL_ERROR "GVK_WATCH: GLFW 3.3 (libglfw3-dev) was not found.")
    endif()
    set(MADE ${PROJECT_BINARY_DIR}/shaders)
    if(GVK_GLSLANG)
        set(WORDS "")
        foreach(SHADER ${WATCH_SHADERS})
            string(REPLACE "." "_" NAME watch_${SHADER})
            add_custom_command(OUTPUT ${MADE}/${NAME}.h
                COMMAND ${CMAKE_COMMAND} -E make_directory ${MADE}
                COMMAND ${GVK_GLSLANG} -V --quiet --target-env vulkan1.1 -I${WATCH_FOLDER} --vn ${NAME}
                        -o ${MADE}/${NAME}.h ${WATCH_FOLDER}/${SHADER}
                DEPENDS ${WATCH_SOURCES} COMMENT "Shader ${NAME}" VERBATIM)
            list(APPEND WORDS ${MADE}/${NAME}.h)
        endforeach()
        list(JOIN WORDS "," WORDS_LIST)
        add_custom_command(OUTPUT ${MADE}/watch_shaders.h
            COMMAND ${CMAKE_COMMAND} -DPARTS=${WORDS_LIST} -DOUT=${MADE}/watch_shaders.h -DHASH=${WATCH_HASH}
                    -P ${PROJECT_SOURCE_DIR}/cmake/join_headers.cmake
            DEPENDS ${WORDS} ${PROJECT_SOURCE_DIR}/cmake/join_headers.cmake COMMENT "Embedding the window's shaders"
            VERBATIM)
        target_sources(${TARGET} PRIVATE ${MADE}/watch_shaders.h)
    else()
        set(MADE ${GVK_TABLE_FOLDER})
        file(STRINGS ${MADE}/watch_shaders.h FOUND REGEX "^/\\* Of the shaders ${WATCH_HASH}")
        if(NOT FOUND)
            message(FATAL_ERROR "${MADE}/watch_shaders.h was made of other shaders than those in ${WATCH_FOLDER}.")
        endif()
    endif()
    target_include_directories(${TARGET} PRIVATE ${MADE})
    target_compile_definitions(${TARGET} PRIVATE GVK_WATCH)
    target_link_libraries(${TARGET} PRIVATE glfw)
endfunction()
