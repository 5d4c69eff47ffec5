# A shader table says which shaders it was made of, by a hash over all files of this folder, so that one of other shaders is
# not taken for theirs.

# gvk_shader_sources(FOLDER OUT): the files that the table is made of, by their paths in FOLDER.
function(gvk_shader_sources FOLDER OUT)
    file(GLOB_RECURSE FILES RELATIVE ${FOLDER} ${FOLDER}/*.comp ${FOLDER}/*.glsl ${FOLDER}/*.h ${FOLDER}/*.c ${FOLDER}/*.cmake
         ${FOLDER}/*.spv ${FOLDER}/CMakeLists.txt)
    list(FILTER FILES EXCLUDE REGEX "^table/|/(source_hash|check_table).cmake$")
    list(SORT FILES)
    set(${OUT} ${FILES} PARENT_SCOPE)
endfunction()

# gvk_hash_shaders(FOLDER OUT): the same for files whose lines end in CR LF.
function(gvk_hash_shaders FOLDER OUT)
    gvk_shader_sources(${FOLDER} FILES)
    set(HASHES "")
    foreach(FILE ${FILES})
        if(FILE MATCHES "[.]spv$")
            file(SHA256 ${FOLDER}/${FILE} HASH)
        else()
            file(READ ${FOLDER}/${FILE} TEXT)
            string(REPLACE "\r" "" TEXT "${TEXT}")
            string(SHA256 HASH "${TEXT}")
        endif()
        string(APPEND HASHES "${FILE} ${HASH}\n")
    endforeach()
    string(SHA256 HASH "${HASHES}")
    set(${OUT} ${HASH} PARENT_SCOPE)
endfunction()

# gvk_check_table(FOLDER TABLE): stops unless TABLE has a shader table that was made of FOLDER's shaders; looks again when
# one of them changes.
function(gvk_check_table FOLDER TABLE)
    gvk_shader_sources(${FOLDER} FILES)
    list(TRANSFORM FILES PREPEND ${FOLDER}/)
    set(TABLE_FILES ${TABLE}/shader_table.c ${TABLE}/shader_table.h)
    foreach(FILE ${TABLE_FILES})
        if(NOT EXISTS ${FILE})
            message(FATAL_ERROR "GVK_SHADER_TABLE: ${TABLE} has no shader table.")
        endif()
    endforeach()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FILES} ${TABLE_FILES})
    gvk_hash_shaders(${FOLDER} WANTED)
    foreach(FILE ${TABLE_FILES})
        file(STRINGS ${FILE} FOUND REGEX "^/\\* Of the shaders ${WANTED}")
        if(NOT FOUND)
            message(FATAL_ERROR "The shader table in ${TABLE} was made of other shaders than those in ${FOLDER}.")
        endif()
    endforeach()
endfunction()
