#!/bin/sh
# Runs an example as a user would, and looks at what comes out. Everything that it prints goes on to the caller, since a
# validation layer may have written between its lines.
# usage: examples.sh BUILD_FOLDER NAME
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
programs=$build/examples
samples=$programs/samples
model=$source/models/blood-cells.safetensors
expected="$source/models/samples/expected.safetensors smear-1.416x416"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run COMMAND...: its output to $work/out.txt, and shown.
run() {
    status=0
    "$@" >"$work/out.txt" || status=$?
    cat "$work/out.txt"
    [ $status = 0 ] || { echo "examples: failed: $*"; exit 1; }
}

case $2 in
minimal)
    run "$programs/minimal" "$model" "$samples/smear-1.ppm"
    "$build/check_boxes" rows $expected <"$work/out.txt"
    ;;
two_devices)
    run "$programs/two_devices" "$model" "$samples/smear-1.ppm" 3
    [ "$(grep -c ': 3 frames, 22 boxes in the last, GVK_OK$' "$work/out.txt")" = 2 ]
    ;;
offscreen_ar)
    # A detection is there 5 frames after its picture, however slow the device is: the video is the same.
    mkdir "$work/stills"
    run "$programs/offscreen_ar" --seconds 4 --within 5 -o "$work/video.y4m" --stills "$work/stills" --every 15 \
        --list "$work/list.txt" "$model" "$samples/smear-1.ppm" "$samples/smear-2.ppm" "$samples/smear-7.ppm"
    "$build/check_boxes" frames $expected "$work/list.txt" "$work/stills"
    # A head of one line, then 120 frames, each with a line and 640 x 480 x 3/2 bytes.
    head=$(head -n 1 "$work/video.y4m" | wc -c)
    [ "$(wc -c <"$work/video.y4m")" = $((head + 120 * (6 + 640 * 480 * 3 / 2))) ]
    # The ways that it is compared with run, too; on one of the drivers.
    ways="off blocking polling pixels"
    case ${VK_ICD_FILENAMES:-} in *swiftshader*) ways= ;; esac
    for way in $ways; do
        run "$programs/offscreen_ar" --seconds 1 --within 5 --rate 2 --way $way "$model" "$samples/smear-1.ppm" \
            "$samples/smear-2.ppm" "$samples/smear-7.ppm"
    done
    ;;
unity_plugin)
    run "$programs/fake_unity" "$programs/libghostvk_unity.so" "$model" "$samples/smear-1.ppm"
    "$build/check_boxes" rows $expected <"$work/out.txt"
    ;;
*)
    echo "usage: examples.sh BUILD_FOLDER minimal|two_devices|offscreen_ar|unity_plugin" >&2
    exit 2
    ;;
esac
