# cmake -DTABLE=FOLDER -P check_table.cmake: fails unless the shader table in the folder was made of these shaders.
cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/source_hash.cmake)
get_filename_component(SHADERS ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
gvk_check_table(${SHADERS} "${TABLE}")
