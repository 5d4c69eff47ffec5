#!/bin/sh
# Builds into build/windows/root, once, what the program reads pictures and labels with and the tests' cmocka, for Windows:
# out of Debian's source packages, by mingw-w64. zlib is a package of Debian's.
set -eu
cd "$(dirname "$0")/../.."
. tests/platforms/foreign_apt.sh
folder=$PWD/build/windows
root=$folder/root
[ -f "$root/complete" ] && [ -f "$root/include/jansson.h" ] && exit 0

mkdir -p "$folder/sources"
foreign_apt_prepare "$folder/apt" amd64
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
fetch() { # PACKAGE: its sources with Debian's patches; those of the release where a mirror lacks the newest
    echo "Building $1 for Windows"
    (cd "$folder/sources" && rm -rf "$1"-[0-9]* && { foreign_apt source "$1" >/dev/null 2>&1 ||
        foreign_apt source "$1/$release" >/dev/null; })
}

build() { # PACKAGE [SETTING...]: a static library
    package=$1
    shift
    source=$(ls -d "$folder/sources/$package"-[0-9]*/)
    [ -f "$source/CMakeLists.txt" ] || source=$source$package # as expat has it
    rm -rf "$folder/sources/build-$package"
    { cmake -S "$source" -B "$folder/sources/build-$package" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/platforms/windows.cmake" -DCMAKE_INSTALL_PREFIX="$root" \
        -DCMAKE_POLICY_DEFAULT_CMP0074=NEW -DBUILD_SHARED_LIBS=OFF "$@" &&
        cmake --build "$folder/sources/build-$package" &&
        cmake --install "$folder/sources/build-$package"; } >"$folder/$package.log" 2>&1 || {
        tail -30 "$folder/$package.log"
        exit 1
    }
}

fetch libjpeg-turbo
build libjpeg-turbo -DENABLE_SHARED=OFF -DWITH_SIMD=OFF -DWITH_TURBOJPEG=OFF
fetch libpng1.6
build libpng1.6 -DPNG_SHARED=OFF -DPNG_TESTS=OFF
fetch tiff
sed -i 's/LANGUAGES C CXX/LANGUAGES C/' "$folder"/sources/tiff-*/CMakeLists.txt # no C++ compiler here
build tiff -Djpeg=OFF -Dold-jpeg=OFF -Dlzma=OFF -Dzstd=OFF -Dwebp=OFF -Dlerc=OFF -Djbig=OFF -Dlibdeflate=OFF -Dcxx=OFF \
    -Dtiff-tools=OFF -Dtiff-tests=OFF -Dtiff-docs=OFF -Dtiff-contrib=OFF
fetch libwebp
build libwebp -DWEBP_BUILD_ANIM_UTILS=OFF -DWEBP_BUILD_CWEBP=OFF -DWEBP_BUILD_DWEBP=OFF -DWEBP_BUILD_GIF2WEBP=OFF \
    -DWEBP_BUILD_IMG2WEBP=OFF -DWEBP_BUILD_VWEBP=OFF -DWEBP_BUILD_WEBPINFO=OFF -DWEBP_BUILD_WEBPMUX=OFF \
    -DWEBP_BUILD_EXTRAS=OFF -DWEBP_BUILD_LIBWEBPMUX=OFF
fetch expat
build expat -DEXPAT_SHARED_LIBS=OFF -DEXPAT_BUILD_TOOLS=OFF -DEXPAT_BUILD_EXAMPLES=OFF -DEXPAT_BUILD_TESTS=OFF \
    -DEXPAT_BUILD_DOCS=OFF -DEXPAT_DTD=OFF # which Debian's patches compile as autoconf sets it alone; labels have none
fetch jansson
build jansson -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON
fetch cmocka
build cmocka -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF -DBUILD_SHARED_LIBS=ON
# Headers of Vulkan are the same everywhere.
for header in vulkan vk_video volk.h; do ln -sfn "/usr/include/$header" "$root/include/$header"; done
touch "$root/complete"
rm -rf "$folder/sources" "$folder/apt"
