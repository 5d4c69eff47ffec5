# cmake -DSPV=FILE -P hoist_push_constants.cmake: has a shader read its push constants before anything else.
# lavapipe reads one as a single value only where every lane is certain to be active. Behind a branch and in a loop it
# gathers it lane by lane, some forty instructions each time.
cmake_minimum_required(VERSION 3.22)
execute_process(COMMAND ${SPIRV_DIS} --raw-id --no-header ${SPV} -o ${SPV}.txt RESULT_VARIABLE FAULT)
set(FIRST "") # what is hoisted
if(NOT FAULT)
    file(STRINGS ${SPV}.txt LINES)
    set(POINTERS "") # the types of
    set(PLACES "")   # pointers to push constants
    set(CONSTANTS "")
    set(REST "")
    foreach(LINE IN LISTS LINES)
        set(PLACE "")
        if(LINE MATCHES "^ *(%[0-9]+) = OpTypePointer PushConstant ")
            list(APPEND POINTERS ${CMAKE_MATCH_1})
        elseif(LINE MATCHES "^ *(%[0-9]+) = OpConstant ")
            list(APPEND CONSTANTS ${CMAKE_MATCH_1})
        elseif(LINE MATCHES "^ *(%[0-9]+) = OpAccessChain (%[0-9]+) %[0-9]+ (.*)$")
            string(REPLACE " " ";" INDICES "${CMAKE_MATCH_3}")
            list(REMOVE_ITEM INDICES ${CONSTANTS})
            if(CMAKE_MATCH_2 IN_LIST POINTERS AND NOT INDICES)
                set(PLACE ${CMAKE_MATCH_1})
                list(APPEND PLACES ${PLACE})
            endif()
        elseif(LINE MATCHES " = OpLoad %[0-9]+ (%[0-9]+)" AND CMAKE_MATCH_1 IN_LIST PLACES)
            set(PLACE ${CMAKE_MATCH_1})
        endif()
        if(PLACE)
            string(APPEND FIRST "${LINE}\n")
        else()
            string(APPEND REST "${LINE}\n")
        endif()
    endforeach()
    # Behind the variables of the function, which SPIR-V wants at its beginning.
    string(REGEX REPLACE "(\n[^\n]* = OpFunction [^\n]*\n[^\n]* = OpLabel\n([^\n]* = OpVariable [^\n]*\n)*)" "\\1${FIRST}"
        REST "${REST}")
    file(WRITE ${SPV}.txt "${REST}")
    execute_process(COMMAND ${SPIRV_AS} --preserve-numeric-ids --target-env vulkan1.1 ${SPV}.txt -o ${SPV}
        RESULT_VARIABLE FAULT)
endif()
if(FAULT OR NOT FIRST)
    file(REMOVE ${SPV})
    message(FATAL_ERROR "no push constant of ${SPV} could be hoisted: ${FAULT}")
endif()
