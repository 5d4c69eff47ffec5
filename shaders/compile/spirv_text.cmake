# How mark_fma.cmake and hoist_push_constants.cmake edit the shader SPV: as text, between these two.
cmake_minimum_required(VERSION 3.22)

# Stops the build, and leaves no shader that was not edited.
macro(refuse_spirv WHY)
    file(REMOVE ${SPV})
    message(FATAL_ERROR "${SPV}: ${WHY}")
endmacro()

macro(read_spirv)
    execute_process(COMMAND ${SPIRV_DIS} --raw-id --no-header ${SPV} -o ${SPV}.txt RESULT_VARIABLE FAULT)
    if(FAULT)
        refuse_spirv("not disassembled: ${FAULT}")
    endif()
    file(READ ${SPV}.txt TEXT)
    file(STRINGS ${SPV}.txt LINES)
endmacro()

macro(write_spirv)
    file(WRITE ${SPV}.txt "${TEXT}")
    execute_process(COMMAND ${SPIRV_AS} --preserve-numeric-ids --target-env vulkan1.1 ${SPV}.txt -o ${SPV}
        RESULT_VARIABLE FAULT)
    if(FAULT)
        refuse_spirv("not assembled: ${FAULT}")
    endif()
endmacro()
