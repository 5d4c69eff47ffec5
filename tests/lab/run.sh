#!/bin/sh
# run.sh [CHIP...]: what each chip's compiler makes of the kernels, as tables; then a whole frame on the drivers that
# take submissions. Ends with 1 when a kernel spills or the frame fails. `./dev lab` builds first, then runs this.
# Nothing is timed: behind a stub of the kernel interface submissions do nothing, and results are void.
set -u
cd "$(dirname "$0")/../.."
all="polaris10 vega10 raven navi21 gfx1100 skl icl tgl adl dg2 618 630 660"
[ $# -gt 0 ] || set -- $all
root=$PWD/build/lab/arm64/root
failed=0

# on CHIP ARGUMENT...: runs the laboratory on the driver of that chip.
on() {
    chip=$1
    case $chip in
    polaris10 | vega10 | raven | navi21 | gfx1100)
        RADV_FORCE_FAMILY=$chip VK_ICD_FILENAMES=/usr/share/vulkan/icd.d/radeon_icd.x86_64.json \
            MESA_SHADER_CACHE_DISABLE=1 build/lab/host/laboratory "$@"
        ;;
    skl | icl | tgl | adl | dg2)
        INTEL_STUB_GPU_PLATFORM=$chip VK_ICD_FILENAMES=/usr/share/vulkan/icd.d/intel_icd.x86_64.json \
            MESA_SHADER_CACHE_DISABLE=1 LD_PRELOAD=$PWD/build/lab/intel_noop_drm_shim.so build/lab/host/laboratory "$@"
        ;;
    618 | 630 | 660)
        FD_GPU_ID=$chip VK_ICD_FILENAMES=$root/usr/share/vulkan/icd.d/freedreno_icd.aarch64.json \
            MESA_SHADER_CACHE_DISABLE=1 qemu-aarch64 -L "$root" \
            -E LD_PRELOAD="$PWD/build/lab/freedreno_noop_drm_shim.so" build/lab/arm64/build/laboratory "$@"
        ;;
    *)
        echo "lab: there is no chip \"$chip\"; there are $all" >&2
        return 2
        ;;
    esac
}

for chip in "$@"; do
    on "$chip" || failed=1
done
for chip in "$@"; do
    case $chip in
    polaris10 | vega10 | raven | navi21 | gfx1100) continue ;; # no fences there: pipelines alone
    esac
    if on "$chip" --frame models/blood-cells.safetensors; then
        echo "$chip: a whole frame ran in fp32 and in fp16"
    else
        echo "$chip: the frame failed"
        failed=1
    fi
done
exit $failed
