#!/bin/sh
# The example for Godot 4 as a user gets it: the extension built for an installed ghostvk, the demo project imported and
# run, then test.gd in it. Boxes have to be those of the program. Godot runs headless, without a window or a renderer,
# by its own loader and on its own lavapipe.
# usage: run.sh BUILD_FOLDER, which holds the library and the program
set -eu
cd "$(dirname "$0")/../.."
build=$1
home=$PWD/build/godot
project=$home/project
tests/godot/fetch.sh
libraries=$(dirname "$(find "$home/root/usr/lib" -name 'libvulkan.so.1')")
loader=$(find "$libraries" -name 'ld-linux*.so.*' | head -n 1)

# godot ARGUMENT...: it keeps its settings in build/godot/home.
godot() {
    env -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_CACHE_HOME HOME="$home/home" \
        VK_DRIVER_FILES="$home/root/usr/share/vulkan/icd.d/lvp_icd.json" \
        "$loader" --library-path "$libraries:$libraries/pulseaudio" "$home/root/usr/bin/godot" --headless "$@"
}

# quiet COMMAND...: its output only where it fails.
quiet() {
    "$@" >"$home/log.txt" 2>&1 || {
        cat "$home/log.txt"
        echo "godot: failed: $*"
        exit 1
    }
}

mkdir -p "$home/home" "$home/api"
(cd "$home/api" && quiet godot --dump-gdextension-interface)
quiet cmake --install "$build" --prefix "$home/ghostvk"
quiet cmake -G Ninja -S examples/godot -B "$home/extension" -DCMAKE_PREFIX_PATH="$home/ghostvk" \
    -DGODOT_HEADERS="$home/api" -DCMAKE_C_FLAGS=-Werror
quiet cmake --build "$home/extension"

rm -rf "$project"
cp -r examples/godot/project "$project"
cp models/samples/smear-1.jpg models/blood-cells.safetensors tests/godot/test.gd "$project"
cp "$home/extension/libghostvk_godot.so" "$project/addons/ghostvk"
# The list of extensions, which the editor makes: Godot 4.6 without a window ends in a crash where it meets one that is
# not in it, whichever it is (godotengine/godot issue 123511).
mkdir "$project/.godot"
echo "res://addons/ghostvk/ghostvk.gdextension" >"$project/.godot/extension_list.cfg"
quiet godot --path "$project" --import

echo "The demo:"
godot --path "$project" >"$home/demo.txt" 2>&1 || { cat "$home/demo.txt"; echo "godot: the demo failed"; exit 1; }
cat "$home/demo.txt"
"$build/ghostvk" detect --device cpu --json "$home/boxes.json" models/samples/smear-1.jpg >"$home/log.txt" 2>&1
found=$(grep -c ' at .*, size ' "$home/demo.txt") expected=$(grep -c '"class_id"' "$home/boxes.json")
[ "$found" = "$expected" ] || { echo "godot: the demo printed $found boxes, the program $expected"; exit 1; }

echo "The tests:"
status=0
godot --path "$project" --script res://test.gd -- "$home/boxes.json" >"$home/test.txt" 2>&1 || status=$?
grep '^godot: ' "$home/test.txt" || true
[ "$status" = 0 ] && grep -q '^godot: every check passed' "$home/test.txt" || {
    cat "$home/test.txt"
    echo "godot: the tests ended with $status"
    exit 1
}
