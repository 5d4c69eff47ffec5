# What `ghostvk eval` and `anchors` read labels with, as one target: gvk_evaluation_libraries. Where expat or
# jansson is not there the program has neither, and --version says so.
find_package(EXPAT)
find_path(JANSSON_INCLUDE jansson.h)
find_library(JANSSON_LIBRARY jansson)
if((EXPAT_FOUND AND JANSSON_INCLUDE AND JANSSON_LIBRARY) OR DEFINED CACHE{GVK_EVALUATION})
    option(GVK_EVALUATION "The commands eval and anchors, which read Pascal VOC with expat and COCO with jansson" ON)
else() # not for good: they may be installed before the next build in this folder
    set(GVK_EVALUATION OFF)
endif()

if(GVK_EVALUATION)
    if(NOT EXPAT_FOUND OR NOT JANSSON_INCLUDE OR NOT JANSSON_LIBRARY)
        message(FATAL_ERROR "GVK_EVALUATION: expat (libexpat1-dev) or jansson (libjansson-dev) was not found.")
    endif()
    add_library(gvk_evaluation_libraries INTERFACE)
    target_include_directories(gvk_evaluation_libraries INTERFACE ${JANSSON_INCLUDE})
    target_link_libraries(gvk_evaluation_libraries INTERFACE EXPAT::EXPAT ${JANSSON_LIBRARY})
    target_compile_definitions(gvk_evaluation_libraries INTERFACE GVK_EVALUATION)
endif()
