# What `cmake --install` gives: the library with its headers, for CMake and for pkg-config, and the program with its
# model. Everything finds the rest relative to itself, so the prefix may be chosen as late as at the install.
include(CMakePackageConfigHelpers)

set(PACKAGE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/ghostvk)
install(TARGETS ghostvk EXPORT ghostvkTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
target_include_directories(ghostvk INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(DIRECTORY include/ghostvk DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT ghostvkTargets NAMESPACE ghostvk:: DESTINATION ${PACKAGE_FOLDER})
configure_package_config_file(cmake/ghostvkConfig.cmake.in ${PROJECT_BINARY_DIR}/ghostvkConfig.cmake
    INSTALL_DESTINATION ${PACKAGE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ghostvkConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ghostvkConfig.cmake ${PROJECT_BINARY_DIR}/ghostvkConfigVersion.cmake
    DESTINATION ${PACKAGE_FOLDER})

file(RELATIVE_PATH GVK_PC_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" GVK_PC_TO_PREFIX "${GVK_PC_TO_PREFIX}")
set(GVK_PC_CFLAGS " -DGVK_SHARED")
set(GVK_PC_LIBS)
if(GVK_LIBRARY_KIND STREQUAL STATIC_LIBRARY) # its own libraries are its user's to link
    set(GVK_PC_CFLAGS)
    set(GVK_PC_LIBS " -pthread -lm")
    if(CMAKE_DL_LIBS)
        string(APPEND GVK_PC_LIBS " -l${CMAKE_DL_LIBS}")
    endif()
endif()
configure_file(cmake/ghostvk.pc.in ${PROJECT_BINARY_DIR}/ghostvk.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ghostvk.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(GVK_PROGRAM)
    # The names of ImageNet's classes, which the program holds, come with WordNet's notice.
    install(FILES cli/classes/imagenet.txt DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
    if(GVK_LIBRARY_KIND STREQUAL SHARED_LIBRARY)
        file(RELATIVE_PATH LIBRARY_FROM_PROGRAM ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
        set(BESIDE_PROGRAM $ORIGIN)
        if(APPLE)
            set(BESIDE_PROGRAM @loader_path)
        endif()
        set_target_properties(ghostvk-program PROPERTIES INSTALL_RPATH "${BESIDE_PROGRAM}/${LIBRARY_FROM_PROGRAM}")
    endif()
    install(TARGETS ghostvk-program DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
    install(FILES models/blood-cells.safetensors models/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/ghostvk
        COMPONENT program)
    install(DIRECTORY models/samples DESTINATION ${CMAKE_INSTALL_DATADIR}/ghostvk COMPONENT program)
    if(GVK_WORDS) # cmake/words.cmake
        install(FILES ${WORDS_FOLDER}/ghostvk.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
        install(FILES ${WORDS_FOLDER}/ghostvk.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
            RENAME ghostvk COMPONENT program)
        install(FILES ${WORDS_FOLDER}/_ghostvk DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)
        install(FILES ${WORDS_FOLDER}/ghostvk.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
            COMPONENT program)
    endif()
    if(PROJECT_IS_TOP_LEVEL)
        include(cmake/package.cmake)
    endif()
endif()
