# Tests of what must never happen: caches that are damaged, disks that are full, interrupts, hostile files.
# docs/reliability.md says what each tries.
gvk_test(pipeline_cache)

if(GVK_PROGRAM)
    gvk_test(cache_folder child.c ${CMAKE_SOURCE_DIR}/cli/cache_folder.c ${CMAKE_SOURCE_DIR}/cli/common.c
        ${CMAKE_SOURCE_DIR}/cli/output_file.c)
    gvk_device_test(cache opened child.c layer/session.c)
    target_compile_definitions(test_cache PRIVATE GVK_FAULT_LAYER="")
    gvk_device_test(interrupts opened child.c)
    gvk_device_test(not_finite opened child.c)
    foreach(NAME cache interrupts not_finite)
        target_compile_definitions(test_${NAME} PRIVATE GVK_PROGRAM="$<TARGET_FILE:ghostvk-program>")
        add_dependencies(test_${NAME} ghostvk-program)
    endforeach()
endif()
