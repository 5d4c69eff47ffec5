# cmake -DPARTS=FILE,... -DOUT=FILE -DHASH=TEXT -P join_headers.cmake: arrays of SPIR-V words, which glslangValidator made
# as a header each, in one header.
string(REPLACE "," ";" PARTS "${PARTS}")
set(TEXT "/* Of the shaders ${HASH}. */\n#include <stdint.h>\n")
foreach(PART ${PARTS})
    file(READ ${PART} WORDS)
    string(REGEX REPLACE "[ \t]*//[^\n]*\n" "" WORDS "${WORDS}")
    string(REGEX REPLACE "#pragma once\n" "" WORDS "${WORDS}")
    string(REGEX REPLACE "const uint32_t " "static const uint32_t " WORDS "${WORDS}")
    string(APPEND TEXT "${WORDS}")
endforeach()
file(WRITE ${OUT} "${TEXT}")
