#!/bin/sh
# The example for Godot 4 as a user gets it: the extension built for an installed ghostvk, the demo project imported and
# run, then test.gd in it. Boxes have to be those of the program. Godot runs by its own loader and on its own lavapipe:
# headless, without a window or a renderer, and at last in a window of Xvfb, where it has a renderer.
# usage: run.sh BUILD_FOLDER, which holds the library and the program
set -eu
cd "$(dirname "$0")/../.."
build=$1
home=$PWD/build/godot
project=$home/project
tests/godot/fetch.sh
libraries=$(dirname "$(find "$home/root/usr/lib" -name 'libvulkan.so.1')")
loader=$(find "$libraries" -name 'ld-linux*.so.*' | head -n 1)

# run_godot ARGUMENT...: it keeps its settings in build/godot/home.
run_godot() {
    env -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_CACHE_HOME HOME="$home/home" \
        VK_DRIVER_FILES="$home/root/usr/share/vulkan/icd.d/lvp_icd.json" \
        "$loader" --library-path "$libraries:$libraries/pulseaudio" "$home/root/usr/bin/godot" "$@"
}

headless() { run_godot --headless "$@"; }

in_window() { DISPLAY=$display run_godot --display-driver x11 --rendering-driver vulkan --audio-driver Dummy "$@"; }

# quiet COMMAND...: its output only where it fails.
quiet() {
    "$@" >"$home/log.txt" 2>&1 || {
        cat "$home/log.txt"
        echo "godot: failed: $*"
        exit 1
    }
}

mkdir -p "$home/home" "$home/api"
(cd "$home/api" && quiet headless --dump-gdextension-interface)
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
quiet headless --path "$project" --import

echo "The demo:"
headless --path "$project" >"$home/demo.txt" 2>&1 || { cat "$home/demo.txt"; echo "godot: the demo failed"; exit 1; }
cat "$home/demo.txt"
"$build/ghostvk" detect --device cpu --json "$home/boxes.json" models/samples/smear-1.jpg >"$home/log.txt" 2>&1
found=$(grep -c ' at .*, size ' "$home/demo.txt") expected=$(grep -c '"class_id"' "$home/boxes.json")
[ "$found" = "$expected" ] || { echo "godot: the demo printed $found boxes, the program $expected"; exit 1; }

# run_tests COMMAND NAME: test.gd in a Godot that COMMAND runs.
run_tests() {
    status=0
    "$1" --path "$project" --script res://test.gd -- "$home/boxes.json" >"$home/$2.txt" 2>&1 || status=$?
    grep '^godot: ' "$home/$2.txt" || true
    [ "$status" = 0 ] && grep -q '^godot: every check passed' "$home/$2.txt" && return 0
    cat "$home/$2.txt"
    echo "godot: the tests ended with $status"
    exit 1
}

echo "The tests, headless:"
run_tests headless headless
echo "The tests, in a window:"
rm -f "$home/display" # of a run before
Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp 3>"$home/display" >"$home/xvfb.txt" 2>&1 &
server=$!
trap 'kill $server' EXIT
for second in 1 2 3 4 5 6 7 8 9 10; do [ -s "$home/display" ] || sleep 1; done
display=:$(cat "$home/display")
run_tests in_window window
