#!/bin/sh
# `./dev gpu` itself: a pack is made and run on lavapipe in the quick mode, and its page and JSON are whole. Then what
# must not be hidden: a step that fails, one that is late, and a machine without a GPU are told, and the exit code says.
# usage: check.sh BUILD_FOLDER JSON_CHECKER
set -eu
# The machine may be busy, and tests before this one have made most kernels of lavapipe's: their cache is shared, and so is
# their width, because Mesa's cache does not know it (cli/host/lavapipe.c).
patience=1200
export LP_NATIVE_VECTOR_WIDTH=256
export MESA_SHADER_CACHE_DIR="${MESA_SHADER_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}}"
here=$(cd "$(dirname "$0")" && pwd)
build=$1 checker=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pack="$work/a pack"

fail() {
    echo "check: $*"
    [ ! -e "$work/log" ] || cat "$work/log"
    [ ! -e "$work/out/gpu.md" ] || cat "$work/out/gpu.md"
    exit 1
}

# try EXPECTED_EXIT_CODE ARGUMENT...: runs the pack from another folder.
try() {
    expected=$1
    shift
    status=0
    (cd / && "$pack/run.sh" "$@" "$work/out") >"$work/log" 2>&1 || status=$?
    [ $status = "$expected" ] || fail "run.sh $* ended with $status, not $expected"
}

has() { # FILE TEXT...
    file=$1
    shift
    for text in "$@"; do grep -qF -e "$text" "$work/out/$file" || fail "$file lacks: $text"; done
}

"$here/pack.sh" "$build" "$pack" >"$work/log" 2>&1 || fail "there is no pack"
[ -s "$pack.tar.gz" ] || fail "there is no archive"


try 0 --quick --limit $patience --device cpu --steps \
    device,selftest-fp32,bench-fp32,queue,profile-fp32,tune-fp32,tuned-fp32-1,test-kernels
"$checker" "$work/out/gpu.json" || fail "gpu.json is no JSON"
has gpu.md 'All 9 steps passed.' '| driver | llvmpipe' '| subgroup |' '| features used |' '| shaders |' '| version |' \
    'All boxes agree with PyTorch' '| test-kernels | ' '| fp32 | 1 | built in | 64x64 |' '| fp32 | 2 | built in |' \
    '| fp32 | 1 | tuned | 64x64 |' '## Layers, fp32, batch 1' 'Network  ' 'not for this device: kernels for' 's in all.'
has gpu.json '"passed": true' '"name": "tuned-fp32-1"' '"fps_in_flight"' '"tests_failed": 0' '"not_for_this_device": ['
[ "$(grep -c ' ms | [0-9.]* % | ' "$work/out/gpu.md")" = 15 ] || fail "gpu.md has no 15 layers"

has gpu.md 'one alone that computes: nothing to compare'

# A device with a queue for compute alone, as the fault layer makes one of lavapipe.
(
    export VK_ADD_LAYER_PATH="$build/layer" VK_INSTANCE_LAYERS=VK_LAYER_GHOSTVK_faults
    export GHOSTVK_FAULTS_LIMITS=two_families NODEVICE_SELECT=1
    try 0 --quick --limit $patience --device cpu --steps device,queue
)
has gpu.md '## Queue families' 'one for compute alone, and one for graphics' '| fp32 | '
has gpu.json '"queue": "compute"' '"queue": "graphics"' '"compute_queue": true'
[ "$(grep -c '| fp32 | [0-9.]* ms | [0-9.]* to [0-9.]* | [0-9.]* ms | [0-9.]* to' "$work/out/gpu.md")" = 1 ] ||
    fail "gpu.md does not compare two families"

echo damaged >"$pack/tests/goldens/decode.safetensors"
try 1 --quick --limit $patience --device cpu --steps device,test-decode
"$checker" "$work/out/gpu.json" || fail "gpu.json of a failure is no JSON"
has gpu.md '**1 of 3 steps failed.**' '| test-decode | failed' '## Failures' 'decode.safetensors'
has gpu.json '"passed": false' '"verdict": "failed' '"output"'

try 1 --quick --device cpu --limit 6 --steps test-kernels
has gpu.md '| test-kernels | timed out |'
try 1 --quick --steps device
has gpu.md 'No device was opened' 'there is no GPU, only the CPU device'
try 1 --quick --device 'no such card' --steps device
has gpu.md 'No device has "no such card" in its name'
try 2 --limit soon
try 2 --nonsense
echo "check: a pack runs, and tells of what fails"
