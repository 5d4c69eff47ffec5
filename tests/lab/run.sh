#!/bin/sh
# run.sh [CHIP...]: what each chip's compiler makes of the kernels, as tables, and a whole frame on its driver; at last one
# row a chip. Ends with 1 when a kernel spills or a frame fails. `./dev lab` builds first, then runs this.
# Nothing is timed: behind a stub of the kernel interface submissions do nothing, and results are void. But for one:
# lavapipe of the same Mesa, a driver of processors, multiplies matrices, which older ones do not. There the kernels on
# matrix units are held against plain C, and their SPIR-V against what the compiler makes of its source.
set -u
cd "$(dirname "$0")/../.."
all="lavapipe polaris10 navi21 navi31 gfx1201 turing ampere ada tgl dg2 bmg 660 740 830 m1 g610"
[ $# -gt 0 ] || set -- $all
lab=$PWD/build/lab
failed=0
rows=$lab/rows.txt
: >"$rows"

# run_here MANIFEST SHIM VARIABLE ARGUMENT...: the laboratory on that driver, with the loader and libraries of its suite.
run_here() {
    libraries=$lab/mesa/amd64/usr/lib/x86_64-linux-gnu
    name_driver amd64 "$libraries" "$1"
    shim=$2 variable=$3
    case $shim in /*) ;; *) shim=$libraries/$shim ;; esac
    shift 3
    env "$variable" MESA_SHADER_CACHE_DISABLE=1 VK_LOADER_LAYERS_DISABLE='*' VK_DRIVER_FILES="$lab/driver.json" \
        VK_ICD_FILENAMES="$lab/driver.json" \
        "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" --preload "$shim" "$lab/host/laboratory" "$@"
}

# run_arm64: the same under qemu.
run_arm64() {
    root=$lab/mesa/arm64
    libraries=$root/usr/lib/aarch64-linux-gnu
    name_driver arm64 "$libraries" "$1"
    shim=$2 variable=$3
    shift 3
    env "$variable" PAN_I_WANT_A_BROKEN_VULKAN_DRIVER=1 MESA_SHADER_CACHE_DISABLE=1 VK_LOADER_LAYERS_DISABLE='*' \
        VK_DRIVER_FILES="$lab/driver.json" VK_ICD_FILENAMES="$lab/driver.json" \
        qemu-aarch64 -L "$root" -E LD_LIBRARY_PATH="$libraries" -E LD_PRELOAD="$libraries/$shim" \
        "$lab/arm64/laboratory" "$@"
}

# name_driver ARCHITECTURE LIBRARIES MANIFEST: the manifest with the library's own place.
name_driver() {
    sed "s#\"library_path\": *\"[^\"]*lib#\"library_path\": \"$2/lib#" \
        "$lab/mesa/$1/usr/share/vulkan/icd.d/$3" >"$lab/driver.json"
}

# on CHIP ARGUMENT...: runs the laboratory on the driver of that chip. The stubs name what they do not know.
on() {
    chip=$1
    case $chip in
    polaris10 | vega10 | navi21 | navi31 | gfx1201)
        run_here radeon_icd.json libamdgpu_noop_drm_shim.so "AMDGPU_GPU_ID=$chip" "$@" ;;
    turing) run_here nouveau_icd.json libnouveau_noop_drm_shim.so NOUVEAU_CHIPSET=0x162 "$@" ;;
    ampere) run_here nouveau_icd.json libnouveau_noop_drm_shim.so NOUVEAU_CHIPSET=0x172 "$@" ;;
    ada) run_here nouveau_icd.json libnouveau_noop_drm_shim.so NOUVEAU_CHIPSET=0x192 "$@" ;;
    tgl | adl | dg2 | bmg) run_here intel_icd.json "$lab/intel_shim.so" "INTEL_STUB_GPU_PLATFORM=$chip" "$@" ;;
    660 | 740 | 830) run_here freedreno_icd.json libfreedreno_noop_drm_shim.so "FD_GPU_ID=$chip" "$@" ;;
    m1) run_here asahi_icd.json libasahi_noop_drm_shim.so ASAHI_CHIP=m1 "$@" ;;
    g610) run_arm64 panfrost_icd.json libpanfrost_noop_drm_shim.so PAN_GPU_ID=a867 "$@" ;;
    *)
        echo "lab: there is no chip \"$chip\"; there are $all" >&2
        return 2
        ;;
    esac 2>"$lab/stub.txt" || {
        status=$?
        grep -v '^Unknown \|DRM_SHIM:\|not a conformant' "$lab/stub.txt" >&2
        return $status
    }
}

# prove_matrices: see above.
prove_matrices() {
    shaders/matrix/make.sh --check || return 1
    libraries=$lab/mesa/amd64/usr/lib/x86_64-linux-gnu
    name_driver amd64 "$libraries" lvp_icd.json
    for test in kernels proof; do
        env GVK_TEST_DEVICE=opened GVK_TEST_FORMS=matrix MESA_SHADER_CACHE_DISABLE=1 VK_DRIVER_FILES="$lab/driver.json" \
            VK_ICD_FILENAMES="$lab/driver.json" VK_ADD_LAYER_PATH="$PWD/build/layer" \
            VK_INSTANCE_LAYERS="$([ $test = kernels ] || echo VK_LAYER_GHOSTVK_faults)" \
            "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" build/test_$test >"$lab/tests.txt" 2>&1 &&
            grep -q '^\[       OK' "$lab/tests.txt" || {
            grep -v '^\[ *\(RUN\|OK\|NOT HERE\|LEFT OUT\)' "$lab/tests.txt"
            echo "lavapipe: test_$test failed on matrix units"
            return 1
        }
    done
    echo "lavapipe: kernels on matrix units equal plain C, and wrong ones are found"
}

for chip in "$@"; do
    if [ "$chip" = lavapipe ]; then
        prove_matrices || failed=1
        echo
        continue
    fi
    on "$chip" >"$lab/table.txt" || failed=1
    grep -v '^| ' "$lab/table.txt"
    if on "$chip" --frame models/blood-cells.safetensors; then
        frame=ran
        echo "$chip: a whole frame ran in fp32 and in fp16"
    else
        frame=failed
        failed=1
        echo "$chip: the frame failed"
    fi
    echo
    sed -n "s/^| .*/& $frame |/p" "$lab/table.txt" >>"$rows"
done
echo "Mesa $(cat "$lab/mesa/amd64/complete"); a row for each chip and precision: its kernel with most of the work (of all"
echo "work in percent; registers; waves; multiply-adds of the vector instructions in its loop, of all there, in percent)"
echo
echo '| chip | precision | kernels | spills | scratch | heaviest kernel | work | registers | waves | loop | frame |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
cat "$rows"
exit $failed
