# Has the program write its manual page and completions.
# usage: cmake -D PROGRAM=ghostvk[;emulator first] -D FOLDER=... -P write_words.cmake
foreach(WORDS "ghostvk.1 --man" "ghostvk.bash --completion bash" "_ghostvk --completion zsh" "ghostvk.fish --completion fish")
    string(REPLACE " " ";" WORDS ${WORDS})
    list(POP_FRONT WORDS FILE)
    execute_process(COMMAND ${PROGRAM} ${WORDS} OUTPUT_FILE ${FOLDER}/${FILE} RESULT_VARIABLE FAILED)
    if(FAILED)
        file(REMOVE ${FOLDER}/${FILE})
        message(FATAL_ERROR "${PROGRAM} ${WORDS}: ${FAILED}")
    endif()
endforeach()
