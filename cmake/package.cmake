# `cpack` in the build folder makes a Debian package of the program: its model, pictures, manual page and completions.
# The library and its headers are for `cmake --install`. tests/deb.sh builds and tries it (`./dev deb`).
set(GVK_PACKAGE_MAINTAINER "The ghostvk authors <ghostvk@example.org>" CACHE STRING
    "Who a Debian package names as its maintainer")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ghostvk)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${GVK_PACKAGE_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${GVK_PACKAGE_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "find objects in pictures with GhostNet-YOLOv4, on any Vulkan device
ghostvk runs the detector GhostNet-YOLOv4, its MobileNet siblings and GhostNet
as a classifier by Vulkan compute: on the GPUs of any maker, and on the CPU by
a driver such as Mesa's lavapipe. It draws boxes, and writes them as JSON and
other formats.

A small model that finds blood cells and pictures to try it on are included.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS libvulkan1) # it is opened at run time, which shlibdeps does not see
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "mesa-vulkan-drivers | vulkan-icd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS ffmpeg)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_debian.cmake)
set(CPACK_GVK_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_GVK_WORDS ${WORDS_FOLDER})
include(CPack)
