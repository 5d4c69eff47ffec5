# What links with GVK_INSIDE may look inside the library. A shared one does not allow it: then these are its files once
# more, as a static library, and only hosts (tests/abi, examples) link the shared one.
set(GVK_INSIDE ghostvk)
if(GVK_LIBRARY_KIND STREQUAL SHARED_LIBRARY)
    set(GVK_INSIDE ghostvk_inside)
    add_library(ghostvk_inside STATIC ${GVK_SOURCES} ${GVK_TABLE_FOLDER}/shader_table.c)
    add_dependencies(ghostvk_inside gvk_shaders)
    target_link_libraries(ghostvk_inside PRIVATE gvk_settings Threads::Threads ${CMAKE_DL_LIBS} m)
endif()
