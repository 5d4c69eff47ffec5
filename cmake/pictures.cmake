# The libraries that the program reads pictures with, and draws names with, as one target: gvk_picture_libraries.
option(GVK_FONTS "Draw names beyond Latin letters with FreeType, in fonts that fontconfig finds" ON)

find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(TIFF REQUIRED)
find_package(ZLIB REQUIRED)
find_path(WEBP_INCLUDE webp/demux.h REQUIRED)
find_library(WEBP_LIBRARY webp REQUIRED)
find_library(WEBPDEMUX_LIBRARY webpdemux REQUIRED)

add_library(gvk_picture_libraries INTERFACE)
target_include_directories(gvk_picture_libraries INTERFACE ${WEBP_INCLUDE})
target_link_libraries(gvk_picture_libraries INTERFACE JPEG::JPEG PNG::PNG TIFF::TIFF ${WEBPDEMUX_LIBRARY} ${WEBP_LIBRARY}
    ZLIB::ZLIB)
if(GVK_FONTS)
    find_package(Freetype REQUIRED)
    find_package(Fontconfig REQUIRED)
    target_link_libraries(gvk_picture_libraries INTERFACE Freetype::Freetype Fontconfig::Fontconfig)
    target_compile_definitions(gvk_picture_libraries INTERFACE GVK_FONTS)
endif()

# Reading and writing pictures; drawing is beside it.
set(GVK_PICTURE_SOURCES)
foreach(NAME image_io upright formats/bmp formats/exif formats/exif_png formats/image formats/jpeg formats/jpeg_scans
        formats/png formats/png_chunks formats/tiff formats/webp)
    list(APPEND GVK_PICTURE_SOURCES ${PROJECT_SOURCE_DIR}/cli/pictures/${NAME}.c)
endforeach()
