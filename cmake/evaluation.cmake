# What `ghostvk eval` and `ghostvk anchors` read labels with, as one target: gvk_evaluation_libraries. Off, the program
# has neither command, and --version says so.
option(GVK_EVALUATION "The commands eval and anchors, which read Pascal VOC with expat and COCO with jansson" ON)

if(GVK_EVALUATION)
    find_package(EXPAT REQUIRED)
    find_path(JANSSON_INCLUDE jansson.h REQUIRED)
    find_library(JANSSON_LIBRARY jansson REQUIRED)
    add_library(gvk_evaluation_libraries INTERFACE)
    target_include_directories(gvk_evaluation_libraries INTERFACE ${JANSSON_INCLUDE})
    target_link_libraries(gvk_evaluation_libraries INTERFACE EXPAT::EXPAT ${JANSSON_LIBRARY})
    target_compile_definitions(gvk_evaluation_libraries INTERFACE GVK_EVALUATION)
    file(GLOB GVK_EVALUATION_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/evaluation/*.c ${PROJECT_SOURCE_DIR}/cli/evaluation/*/*.c)
endif()
