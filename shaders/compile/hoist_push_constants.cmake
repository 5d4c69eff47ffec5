# cmake -DSPV=FILE -P hoist_push_constants.cmake: has a shader read its push constants before anything else.
# lavapipe reads one as a single value only where every lane is certain to be active. Behind a branch and in a loop it
# gathers it lane by lane, some forty instructions each time.
include(${CMAKE_CURRENT_LIST_DIR}/spirv_text.cmake)
read_spirv()
set(POINTERS "") # the types of
set(PLACES "")   # pointers to push constants
set(CONSTANTS "")
set(FIRST "")    # what is hoisted
set(TEXT "")     # all else
foreach(LINE IN LISTS LINES)
    set(PART TEXT)
    if(LINE MATCHES "^ *(%[0-9]+) = OpTypePointer PushConstant ")
        list(APPEND POINTERS ${CMAKE_MATCH_1})
    elseif(LINE MATCHES "^ *(%[0-9]+) = OpConstant ")
        list(APPEND CONSTANTS ${CMAKE_MATCH_1})
    elseif(LINE MATCHES "^ *(%[0-9]+) = OpAccessChain (%[0-9]+) %[0-9]+ (.*)$")
        string(REPLACE " " ";" INDICES "${CMAKE_MATCH_3}")
        list(REMOVE_ITEM INDICES ${CONSTANTS})
        if(CMAKE_MATCH_2 IN_LIST POINTERS AND NOT INDICES)
            list(APPEND PLACES ${CMAKE_MATCH_1})
            set(PART FIRST)
        endif()
    elseif(LINE MATCHES " = OpLoad %[0-9]+ (%[0-9]+)" AND CMAKE_MATCH_1 IN_LIST PLACES)
        set(PART FIRST)
    endif()
    string(APPEND ${PART} "${LINE}\n")
endforeach()
if(NOT FIRST)
    refuse_spirv("no push constant could be hoisted")
endif()
# Behind the variables of the function, which SPIR-V wants at its beginning.
string(REGEX REPLACE "(\n[^\n]* = OpFunction [^\n]*\n[^\n]* = OpLabel\n([^\n]* = OpVariable [^\n]*\n)*)" "\\1${FIRST}"
    TEXT "${TEXT}")
write_spirv()
