# What of the program is written for one kind of system, in files whose names end in its name.
if(WIN32)
    set(GVK_OTHER_SYSTEMS "_posix\\.c$")
else()
    set(GVK_OTHER_SYSTEMS "_windows\\.c$")
endif()
file(GLOB GVK_SYSTEM_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/system/*.c)
list(FILTER GVK_SYSTEM_SOURCES EXCLUDE REGEX "${GVK_OTHER_SYSTEMS}")
add_library(gvk_system_libraries INTERFACE)
if(WIN32)
    target_link_libraries(gvk_system_libraries INTERFACE shell32) # CommandLineToArgvW
endif()
