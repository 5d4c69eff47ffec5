# What the program says of itself: its build (--version), and the manual page and the shells' completions, which it writes
# itself. A build for another machine runs it by CMAKE_CROSSCOMPILING_EMULATOR, or takes GVK_HOST_PROGRAM, a ghostvk of
# the same sources for this machine; where it has neither, it has no manual page and no completions.
set(GVK_HOST_PROGRAM "" CACHE FILEPATH "A ghostvk that runs on this machine, for a build that runs on another")

set(PARTS)
foreach(PART FONTS WATCH EVALUATION CPU_FORMS)
    string(TOLOWER ${PART} NAME)
    string(REPLACE "cpu_forms" "kernels for CPU drivers" NAME ${NAME})
    if(GVK_${PART})
        list(APPEND PARTS ${NAME})
    else()
        list(APPEND PARTS "no ${NAME}")
    endif()
endforeach()
string(REPLACE ";" ", " PARTS "${PARTS}")
set(WORDS_FOLDER ${PROJECT_BINARY_DIR}/words)
set(KIND $<IF:$<BOOL:$<CONFIG>>,$<CONFIG>,plain>)
add_custom_target(gvk_describe_build BYPRODUCTS ${WORDS_FOLDER}/build_description.h
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D HEADER=${WORDS_FOLDER}/build_description.h
        -D TABLE=${GVK_TABLE_FOLDER}/shader_table.h
        -D "COMPILER=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}, ${KIND}, ${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}"
        -D "PARTS=${PARTS}" -P ${PROJECT_SOURCE_DIR}/cmake/describe_build.cmake
    VERBATIM)
add_dependencies(gvk_describe_build gvk_shaders)
add_dependencies(ghostvk-program gvk_describe_build)
target_include_directories(ghostvk-program PRIVATE ${WORDS_FOLDER})

set(WORDS_RUNNER $<TARGET_FILE:ghostvk-program>)
if(CMAKE_CROSSCOMPILING AND GVK_HOST_PROGRAM)
    set(WORDS_RUNNER ${GVK_HOST_PROGRAM})
elseif(CMAKE_CROSSCOMPILING)
    set(WORDS_RUNNER ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:ghostvk-program>)
endif()
set(GVK_WORDS OFF)
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR OR GVK_HOST_PROGRAM)
    set(GVK_WORDS ON)
    add_custom_command(OUTPUT ${WORDS_FOLDER}/ghostvk.1 ${WORDS_FOLDER}/ghostvk.bash ${WORDS_FOLDER}/_ghostvk
            ${WORDS_FOLDER}/ghostvk.fish
        COMMAND ${CMAKE_COMMAND} -D "PROGRAM=${WORDS_RUNNER}" -D FOLDER=${WORDS_FOLDER}
            -P ${PROJECT_SOURCE_DIR}/cmake/write_words.cmake
        DEPENDS ghostvk-program ${PROJECT_SOURCE_DIR}/cmake/write_words.cmake VERBATIM)
    add_custom_target(gvk_words ALL DEPENDS ${WORDS_FOLDER}/ghostvk.1)
else()
    message(STATUS "No manual page and no completions: this build cannot run the program (GVK_HOST_PROGRAM).")
endif()
