# Tests of what must never happen: caches that are damaged, disks that are full, interrupts, hostile files.
# docs/reliability.md says what each tries.
gvk_test(device/pipeline_cache)
gvk_test(checkpoint/checkpoint_training checkpoint/build_files.c checkpoint/check.c)

if(GVK_PROGRAM)
    gvk_test(cli/cache_folder support/child.c ${CMAKE_SOURCE_DIR}/cli/host/cache_folder_posix.c
        ${CMAKE_SOURCE_DIR}/cli/host/cache_file.c
        ${GVK_SYSTEM_SOURCES}
        ${CMAKE_SOURCE_DIR}/cli/base/message.c ${CMAKE_SOURCE_DIR}/cli/base/output_file.c
        ${CMAKE_SOURCE_DIR}/cli/base/text.c)
    gvk_test(hostile/hostile support/child.c hostile/refusal.c checkpoint/build_files.c checkpoint/check.c)
    gvk_test(hostile/hostile_bombs support/child.c hostile/refusal.c checkpoint/build_files.c checkpoint/check.c)
    gvk_test(hostile/hostile_pictures ${PICTURE_SOURCES})
    target_link_libraries(test_hostile_pictures PRIVATE gvk_picture_libraries)
    gvk_device_test(faults/cache opened support/child.c layer/session.c)
    gvk_small_on_swiftshader(cache)
    target_compile_definitions(test_cache PRIVATE GVK_FAULT_LAYER="")
    gvk_device_test(faults/interrupts opened support/child.c)
    gvk_device_test(faults/not_finite opened support/child.c)
    foreach(NAME hostile hostile_bombs cache interrupts not_finite)
        target_compile_definitions(test_${NAME} PRIVATE GVK_PROGRAM="$<TARGET_FILE:ghostvk-program>")
        add_dependencies(test_${NAME} ghostvk-program)
    endforeach()

    target_compile_definitions(test_interrupts PRIVATE GVK_FAULT_LAYER_FOLDER="${CMAKE_BINARY_DIR}/layer")
    add_dependencies(test_interrupts VkLayer_ghostvk_faults)

    # What `./dev soak` runs for minutes.
    add_executable(soak faults/soak.c ${PICTURE_SOURCES})
    target_link_libraries(soak PRIVATE test_support gvk_picture_libraries)
    target_compile_definitions(soak PRIVATE GVK_FAULT_LAYER="$<TARGET_FILE:VkLayer_ghostvk_faults>"
        GVK_FAULT_LAYER_FOLDER="${CMAKE_BINARY_DIR}/layer")
    add_dependencies(soak VkLayer_ghostvk_faults)
    foreach(DRIVER lavapipe swiftshader)
        string(TOUPPER ${DRIVER} UPPER)
        if(GVK_${UPPER}_ICD)
            add_test(NAME soak.${DRIVER} COMMAND soak 0)
            set_tests_properties(soak.${DRIVER} PROPERTIES TIMEOUT 900 LABELS "device;${DRIVER}"
                ENVIRONMENT "VK_ICD_FILENAMES=${GVK_${UPPER}_ICD}")
        endif()
    endforeach()
endif()
