#!/bin/sh
# Packs what another project needs to build the library as a part of itself: its sources and CMake files, and the shader
# table that a build has made, in shaders/table, where the archive's CMake files find it. The same sources and table give
# the same bytes. Refuses a table of other shaders than the sources'.
# usage: archive.sh SOURCE_FOLDER TABLE_FOLDER OUT_FOLDER
set -eu
export LC_ALL=C
source=$(cd "$1" && pwd) table=$(cd "$2" && pwd) out=$(cd "$3" && pwd)
version=$(sed -n 's/^project(ghostvk VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
name=ghostvk-$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake -DTABLE="$table" -P "$source/shaders/compile/check_table.cmake"
mkdir -p "$work/$name"
cd "$source"
folders="cmake include runtime ghostnet shaders"
[ ! -d examples ] || folders="$folders examples"
find $folders -path shaders/table -prune -o -type f -print | sort | tar -c -T - -f - CMakeLists.txt LICENSE README.md CHANGELOG.md |
    tar -x -C "$work/$name" -f -
mkdir "$work/$name/shaders/table"
cp "$table/shader_table.c" "$table/shader_table.h" "$work/$name/shaders/table/"
chmod -R u=rwX,go=rX "$work/$name"

# A file's time is that of the sources, where they say one.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
tar -c --format=ustar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -C "$work" -f "$work/$name.tar" "$name"
gzip -9 -n "$work/$name.tar"
mv "$work/$name.tar.gz" "$out/"
echo "$out/$name.tar.gz: $(wc -c <"$out/$name.tar.gz") bytes"
