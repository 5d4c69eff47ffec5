# What makes a mistake harder to use, for builds of the project itself: whoever builds it as a part of something else
# decides for all of it. Sanitizers see more than these, and do not go with them.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)

set(GVK_HARDENED OFF)
if(PROJECT_IS_TOP_LEVEL AND NOT GVK_SANITIZE AND NOT WIN32)
    set(GVK_HARDENED ON)
    foreach(FLAG -fstack-protector-strong -fcf-protection)
        string(MAKE_C_IDENTIFIER GVK_HAS${FLAG} KNOWN)
        check_c_compiler_flag(${FLAG} ${KNOWN})
        if(${KNOWN})
            target_compile_options(gvk_settings INTERFACE ${FLAG})
        endif()
    endforeach()
    # It works with optimisation only. Who gives a level of their own keeps it; some compilers bring one.
    if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
        target_compile_options(gvk_settings INTERFACE
            "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
    endif()
    # Where it was built is nobody's business, and the same sources give the same bytes anywhere.
    check_c_compiler_flag(-ffile-prefix-map=a=b GVK_HAS_FILE_PREFIX_MAP)
    if(GVK_HAS_FILE_PREFIX_MAP)
        target_compile_options(gvk_settings INTERFACE -ffile-prefix-map=${PROJECT_BINARY_DIR}=build
            -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
    endif()
    foreach(FLAG -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
        string(MAKE_C_IDENTIFIER GVK_HAS${FLAG} KNOWN)
        check_linker_flag(C ${FLAG} ${KNOWN})
        if(${KNOWN})
            target_link_options(gvk_settings INTERFACE ${FLAG})
        endif()
    endforeach()
    check_pie_supported(LANGUAGES C)
endif()
