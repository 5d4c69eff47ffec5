#!/bin/sh
# What a device shows, in a folder as one page: devices, self-test, speed, layers, tuning, and the kernel, decode and
# parity tests. Every step has a limit; one that fails or is late is reported with its output, and the rest goes on.
# Runs from a pack that pack.sh has made, or with --build from a checkout; needs no root and no compiler.
# Exit code: 0 all steps passed, 1 some did not, 2 it could not begin.
set -u

usage() {
    cat <<'TEXT'
usage: run.sh [OPTION]... [FOLDER]

Runs ghostvk on the first GPU and writes FOLDER/gpu.md and FOLDER/gpu.json (default: ghostvk-gpu).

      --device DEVICE  an index of `ghostvk devices`, a part of a name, or cpu
      --quick          small inputs and less of everything: whether all works, not how fast
      --steps LIST     some of the steps, by the beginnings of their names, with commas
      --limit SECONDS  for the whole run, and each step's in proportion; default: 315
      --build FOLDER   the programs of a checkout
      --data FOLDER    a checkout whose models and goldens are taken, for a pack without data
  -h, --help           this text
TEXT
}

refuse() {
    echo "run.sh: $*" >&2
    exit 2
}

here=$(cd "$(dirname "$0")" && pwd) || exit 2
device='' quick='' wanted='' limit=315 usual=315 build='' checkout='' out=''
while [ $# -gt 0 ]; do
    case $1 in
    --device | --steps | --limit | --build | --data)
        [ $# -ge 2 ] || refuse "$1 needs a value"
        case $1 in
        --device) device=$2 ;;
        --steps) wanted=$2 ;;
        --limit) limit=$2 ;;
        --build) build=$2 ;;
        --data) checkout=$2 ;;
        esac
        shift
        ;;
    --quick) quick=yes ;;
    -h | --help) usage && exit 0 ;;
    -*) refuse "there is no option $1" ;;
    *)
        [ -z "$out" ] || refuse "one folder is enough: $out, $1"
        out=$1
        ;;
    esac
    shift
done
case $limit in *[!0-9]* | '') refuse "--limit $limit: a number of seconds was expected" ;; esac
command -v timeout >/dev/null 2>&1 || refuse "the program timeout (of coreutils or busybox) is needed"
out=${out:-ghostvk-gpu}
mkdir -p "$out" || refuse "$out cannot be made"
out=$(cd "$out" && pwd) || refuse "$out cannot be entered"
logs=$out/logs work=$out/work
rm -rf "$logs" "$work" "$out/gpu.md" "$out/gpu.json" "$out/run.txt" "$out/steps.txt"
mkdir -p "$logs" "$work" || refuse "$out cannot be written"

fact() { # KEY VALUE: a line of the page's first table
    printf '%s\t%s\n' "$1" "$(printf '%s' "$2" | tr '\n\t' '  ')" >>"$out/run.txt"
}

machine_libraries=${LD_LIBRARY_PATH:-}
# ---- programs and libraries ------------------------------------------------------------------------------------------

# Where a library may lie that no configuration names.
folders="/usr/lib/$(uname -m)-linux-gnu /lib/$(uname -m)-linux-gnu /usr/lib64 /lib64 /usr/lib /lib /usr/local/lib
    /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/$(uname -m)-linux-gnu/nvidia/current /run/opengl-driver/lib"
known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) (libc6,.*/\1/p')

has_library() { # NAME
    for one in $known; do [ "$one" = "$1" ] && return 0; done
    for place in $folders $(printf '%s' "${LD_LIBRARY_PATH:-}" | tr ':' ' '); do
        [ -e "$place/$1" ] && return 0
    done
    return 1
}

loader=''
if [ -n "$build" ]; then
    programs=$(cd "$build" && pwd) || refuse "$build is no folder"
    data=$(cd "$here/.." && pwd)
    fact version "$(cd "$here" && git describe --always --dirty --tags 2>/dev/null || echo unknown)"
else
    programs=$here/bin data=$here/tests
    [ -x "$programs/ghostvk" ] || refuse "$programs/ghostvk is missing: run a pack's run.sh, or give --build"
    if [ -n "$checkout" ]; then
        checkout=$(cd "$checkout" && pwd) || refuse "$checkout is no folder"
        for folder in models tests; do
            [ -e "$here/$folder" ] || ln -s "$checkout/$folder" "$here/$folder" || exit 2
        done
    fi
    if [ ! -e "$here/models" ] || [ ! -e "$data/goldens" ]; then
        refuse 'this pack has no data; --data CHECKOUT gives it'
    fi
    # Carried libraries that belong to a system are taken only where it has none: a driver may want newer ones.
    mkdir -p "$work/lib"
    spared=''
    for library in "$here"/spare/*; do
        [ -e "$library" ] || continue
        if ! has_library "${library##*/}"; then
            ln -s "$library" "$work/lib/" 2>/dev/null || cp "$library" "$work/lib/"
            spared="$spared ${library##*/}"
        fi
    done
    LD_LIBRARY_PATH=$work/lib:$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
    while IFS= read -r line; do printf '%s\n' "$line" >>"$out/run.txt"; done <"$here/pack.txt"
    fact 'libraries the machine lacked' "${spared:- none}"
    if ! "$programs/ghostvk" --version >"$logs/start.txt" 2>&1; then
        loader=$(echo "$here"/glibc/ld-*)
        fact 'C library' "the carried one, since the machine's said: $(cat "$logs/start.txt")"
    fi
fi

# run PROGRAM ARGUMENT...: under the limit of $seconds. Python is the machine's, with the machine's libraries.
run() {
    program=$1
    shift
    if [ "$program" = python3 ]; then
        LD_LIBRARY_PATH=$machine_libraries timeout -k 5 "$seconds" python3 "$@"
    elif [ -n "$loader" ]; then
        timeout -k 5 "$seconds" "$loader" --library-path "$here/glibc:$LD_LIBRARY_PATH" "$programs/$program" "$@"
    else
        timeout -k 5 "$seconds" "$programs/$program" "$@"
    fi
}
seconds=30
run ghostvk --version >"$logs/start.txt" 2>&1 || refuse "the program does not start: $(cat "$logs/start.txt")"

# What a run finds and keeps is its own; the drivers' caches, too.
XDG_CACHE_HOME=$work/cache
GVK_TEST_DATA=$data
export XDG_CACHE_HOME GVK_TEST_DATA
mkdir -p "$XDG_CACHE_HOME"
[ -z "$quick" ] || export GVK_TEST_SCOPE=small

# ---- the device ------------------------------------------------------------------------------------------------------

drivers=$logs/drivers.txt
: >"$drivers"

# look HOW: whether the device is there, and its index.
look() {
    {
        echo "== $1"
        echo "VK_DRIVER_FILES=${VK_DRIVER_FILES:-} VK_ICD_FILENAMES=${VK_ICD_FILENAMES:-}"
        VK_LOADER_DEBUG=error,warn run gpu_report index "$device" 3>&1 >"$work/index" 2>&3
    } >>"$drivers" 2>&1 || return 1
    index=$(cat "$work/index")
    [ -n "$index" ] && found=$1
}

# Containers often bring NVIDIA's driver without the manifest that names it.
look_for_nvidia() {
    for manifest in /usr/local/nvidia/vulkan/icd.d/*.json /usr/local/nvidia/share/vulkan/icd.d/*.json; do
        [ -e "$manifest" ] || continue
        VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest
        export VK_DRIVER_FILES VK_ICD_FILENAMES
        look "$manifest" && return 0
    done
    for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
        for folder in $folders; do
            [ -e "$folder/$library" ] || continue
            manifest=$out/nvidia_icd.json
            printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.277"}}\n' \
                "$folder/$library" >"$manifest"
            VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest
            LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
            export VK_DRIVER_FILES VK_ICD_FILENAMES LD_LIBRARY_PATH
            look "a manifest of our own for $folder/$library" && return 0
            rm -f "$manifest"
        done
    done
    unset VK_DRIVER_FILES VK_ICD_FILENAMES
    return 1
}

# What a person needs to know where no driver was found.
describe_drivers() {
    echo "== manifests"
    ls -l /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json
    echo "== graphics libraries and device files"
    for folder in $folders; do ls -l "$folder"/lib*nvidia* "$folder"/libvulkan* "$folder"/libcuda.so*; done
    ls -l /dev/nvidia* /dev/dri
    for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
        for folder in $folders; do
            [ -e "$folder/$library" ] && echo "== $folder/$library lacks" && ldd "$folder/$library" | grep 'not found'
        done
    done
    echo "== nvidia-smi"
    timeout 20 nvidia-smi
}

index='' found=''
look "the machine's own manifests" || [ "$device" = cpu ] || [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] ||
    look_for_nvidia
[ -n "$index" ] || describe_drivers >>"$drivers" 2>/dev/null
fact 'driver found by' "${found:-nothing}"
fact machine "$(uname -srm), $(grep -c ^processor /proc/cpuinfo 2>/dev/null || echo ?) processors"
fact system "$(sed -n 's/^PRETTY_NAME="*\([^"]*\)"*/\1/p' /etc/os-release 2>/dev/null)"
fact date "$(date -u '+%Y-%m-%d %H:%M UTC')"
if [ -n "$quick" ]; then
    fact mode 'quick: whether all works, not how fast; inputs of 64x64'
    fact 'left out' 'fp16 with a batch, by layer and tuned; the tests on an imported device'
else
    fact mode full
fi
[ -z "$wanted" ] || fact 'steps asked for' "$wanted"

is_wanted() {
    [ -n "$wanted" ] || return 0
    for beginning in $(printf '%s' "$wanted" | tr ',' ' '); do
        case $1 in "$beginning"*) return 0 ;; esac
    done
    return 1
}

end=$(($(date +%s) + limit)) # of all steps, and of what is asked in front of them

# Whether there is a PyTorch that sees the GPU, to compare with.
torch=no
seconds=60
if command -v python3 >/dev/null 2>&1 && is_wanted pytorch; then
    run python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' >"$logs/torch.txt" 2>&1 && torch=yes
fi
[ $torch = yes ] || fact PyTorch 'none that sees a CUDA device: nothing to compare with'

# Whether there are queues for compute alone beside those for graphics: which of them is faster is measured.
queues=no
seconds=30
if [ -n "$index" ] && is_wanted queue; then
    queues=$(run gpu_report queues "$index" 2>"$logs/queues.txt")
    case $queues in
    yes) fact 'queue families' 'one for compute alone, and one for graphics, too' ;;
    no) fact 'queue families' 'one alone that computes: nothing to compare' ;;
    *) fact 'queue families' "unknown: $(cat "$logs/queues.txt")" ;;
    esac
fi

# ---- steps -----------------------------------------------------------------------------------------------------------

# step NAME LIMIT PROGRAM ARGUMENT...
step() {
    name=$1 seconds=$(($2 * (limit > usual ? limit : usual) / usual))
    shift 2
    is_wanted "$name" || return 0
    begun=$(date +%s)
    left=$((end - begun))
    printf '%-16s ' "$name"
    if [ "$left" -lt 3 ]; then
        printf '%s\t-\t0\t%s\n' "$name" "$seconds" >>"$out/steps.txt"
        echo 'not begun: the time is up'
        return 0
    fi
    [ "$seconds" -le "$left" ] || seconds=$left
    run "$@" >"$logs/$name.log" 2>&1
    status=$?
    took=$(($(date +%s) - begun))
    printf '%s\t%s\t%s\t%s\n' "$name" "$status" "$took" "$seconds" >>"$out/steps.txt"
    case $status in
    0) echo "passed, $took s" ;;
    124 | 137) echo "timed out, $took s" ;;
    *) echo "failed ($status), $took s; $logs/$name.log" ;;
    esac
}

measure() { # NAME LIMIT PROGRAM ARGUMENT...: a step whose numbers go into a file
    measured=$1
    measured_limit=$2
    shift 2
    step "$measured" "$measured_limit" "$@" --json "$logs/$measured.json"
}

bench_all() { # BEGINNING PRECISION BATCHES
    for batch in $3; do
        # shellcheck disable=SC2086 # $input is an option and its value
        measure "$1-$2-$batch" 40 ghostvk bench --device "$index" --random 80 $input --runs "$runs" --batch "$batch" \
            --precision "$2"
    done
}

if [ -n "$index" ]; then
    export GVK_TEST_ON="$index"
    if [ -n "$quick" ]; then
        input='--size 64x64' runs=2 rounds=1 fp16='' fp16_batches=1 batches='1 2'
        tuned_batches=1
        pytorch='--size 64 --runs 2 --rounds 1 --batches 1,2'
    else
        input='--size 416x416' runs=50 rounds=5 fp16=fp16 fp16_batches='1 8 32' batches='1 8 32'
        tuned_batches=1,8,32
        pytorch='--size 416 --runs 20 --rounds 2 --batches 1,8'
    fi
    step devices 30 ghostvk devices
    step device 30 gpu_report device "$index"
    cp "$logs/device.log" "$logs/device.json" 2>/dev/null
    step selftest-fp32 60 ghostvk selftest --device "$index"
    step selftest-fp16 60 ghostvk selftest --device "$index" --precision fp16
    bench_all bench fp32 "$batches"
    bench_all bench fp16 "$fp16_batches"
    if [ "$queues" = yes ]; then
        for precision in fp32 $fp16; do
            for kind in compute graphics; do
                # shellcheck disable=SC2086 # $input is an option and its value
                measure "queue-$precision-$kind" 20 ghostvk bench --device "$index" --random 80 $input --runs "$runs" \
                    --precision "$precision" --queue "$kind"
            done
        done
    fi
    if [ "$torch" = yes ]; then # between the two rounds of ours
        # shellcheck disable=SC2086
        measure pytorch 90 python3 "$data/gpu/pytorch.py" $pytorch
    fi
    for precision in fp32 $fp16; do
        # shellcheck disable=SC2086 # $input is an option and its value
        measure "profile-$precision" 40 ghostvk bench --device "$index" --random 80 $input --runs "$runs" --profile \
            --precision "$precision"
    done
    step test-decode 60 test_decode
    step test-parity 90 test_parity
    if [ -z "$quick" ]; then
        (export GVK_TEST_DEVICE=imported GVK_TEST_SCOPE=small && step test-imported 60 test_parity)
    fi
    for precision in fp32 $fp16; do
        # shellcheck disable=SC2086
        step "tune-$precision" 80 ghostvk tune --device "$index" --random 80 $input --runs "$rounds" \
            --precision "$precision" --batch "$tuned_batches"
        bench_all tuned "$precision" "$batches"
    done
    step test-kernels 120 test_kernels
else
    printf 'device\t1\t0\t%s\n' "$seconds" >>"$out/steps.txt"
    cp "$drivers" "$logs/device.log"
    echo "run.sh: no GPU was found; $drivers says what was tried. --device cpu takes a CPU device." >&2
fi

seconds=30
run gpu_report page "$out"
status=$?
rm -rf "$work" "$out/run.txt" "$out/steps.txt"
case $status in
0) echo "All steps passed: $out/gpu.md" ;;
1) echo "Some steps failed: $out/gpu.md" ;;
*) refuse "the page could not be written" ;;
esac
exit $status
