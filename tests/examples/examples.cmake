# The examples, run as programs, on each driver.
if(TARGET example_fake_unity AND TARGET example_samples)
    add_executable(check_boxes examples/check_boxes.c ../examples/common/ppm.c)
    target_link_libraries(check_boxes PRIVATE ghostvk gvk_settings m)
    foreach(DRIVER lavapipe swiftshader)
        string(TOUPPER ${DRIVER} UPPER)
        foreach(EXAMPLE minimal two_devices offscreen_ar unity_plugin)
            if(GVK_${UPPER}_ICD)
                set(TEST example_${EXAMPLE}.${DRIVER})
                gvk_on_request(${TEST} ON_REQUEST)
                add_test(NAME ${TEST}
                    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/examples/examples.sh ${CMAKE_BINARY_DIR} ${EXAMPLE}
                    ${ON_REQUEST})
                set_tests_properties(${TEST} PROPERTIES TIMEOUT 1800 LABELS "device;${DRIVER}"
                    ENVIRONMENT "VK_ICD_FILENAMES=${GVK_${UPPER}_ICD}")
            endif()
        endforeach()
    endforeach()
endif()
