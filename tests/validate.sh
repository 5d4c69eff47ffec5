#!/bin/sh
# The device tests under Vulkan's validation layer, in three runs:
#   core       valid usage and synchronisation
#   gpu        GPU-assisted: shaders that look at each of their accesses. The fault layer makes each bound range a buffer
#              of its own (layer/ranges.c), so that leaving a range is leaving a buffer
#   practices  best practices, with what AMD, Arm, Imagination and NVIDIA advise
# Every message counts but those of validation_allowed.txt. First planted faults must be caught on each driver, or the
# run would prove nothing: a misspelt setting does nothing in silence.
# usage: validate.sh BUILD_FOLDER [RUN...]
set -eu
build=$1
shift
[ $# -gt 0 ] || set -- core gpu practices
folder=$(cd "$(dirname "$0")" && pwd)

# Validated shaders are remembered; a fresh cache makes the layer look at all of them.
export XDG_CACHE_HOME=$PWD/$build/validation_cache
export VK_LAYER_SETTINGS_PATH=$PWD/$build/validation_settings.txt
export NODEVICE_SELECT=1 # Mesa's layer that orders devices
feature=VK_VALIDATION_FEATURE_ENABLE
message='VUID-\|SYNC-HAZARD\|UNASSIGNED-\|Validation .*: \[\|VK_LAYER_GHOSTVK_faults: '

prepare() { # RUN
    log=$build/validation_$1.txt
    allowed=$build/validation_allowed.txt
    : >"$allowed"
    report=error,warn
    layers=VK_LAYER_GHOSTVK_faults:VK_LAYER_KHRONOS_validation
    # Those that call Vulkan as others do, many times over, or break its rules on purpose, are left out everywhere.
    # So is the scene on SwiftShader, a hundred parts a frame: the layer keeps and compares each of them (13 GB).
    only=. without='^(cli|faults|cache|interrupts|not_finite|soak)|^example_offscreen_ar[.]swiftshader$'
    # The fault layer stands above the validation layer, which breaks its own memory where one thread records labels
    # while another destroys a command pool (labels_in_turn in layer/calls.c).
    export VK_ADD_LAYER_PATH=$PWD/$build/layer GHOSTVK_FAULTS_LIMITS=labels_in_turn
    case $1 in
    core)
        faults='core:VUID-VkBufferCreateInfo-usage-requiredbitmask synchronisation:SYNC-HAZARD-READ-AFTER-WRITE'
        enables=${feature}_SYNCHRONIZATION_VALIDATION_EXT
        enables=$enables:VALIDATION_CHECK_ENABLE_SYNCHRONIZATION_VALIDATION_QUEUE_SUBMIT
        ;;
    gpu)
        faults='shader:VUID-vkCmdDispatch-None-02706'
        enables=${feature}_GPU_ASSISTED_EXT:${feature}_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT
        GHOSTVK_FAULTS_LIMITS=$GHOSTVK_FAULTS_LIMITS,exact_ranges,alignment=256
        # Instrumented shaders are compiled anew for each network and in each process, which is most of the time, above
        # all in LLVM: so of each test the run on an imported device alone, and on lavapipe no parity (a quarter of an
        # hour; decode has whole detectors there). Tests that bring a fault layer of their own are left out.
        only='^((kernels|decode|resize|device)[.](lavapipe|swiftshader)|parity[.]swiftshader)[.]imported$'
        ;;
    practices)
        faults='practices:vkBindBufferMemory-requirements-not-retrieved vendor:vkCreateSampler-different-wrapping-modes'
        enables=${feature}_BEST_PRACTICES_EXT:VALIDATION_CHECK_ENABLE_VENDOR_SPECIFIC_ALL
        report=error,warn,perf
        sed -n 's/^UNASSIGNED.*/[ & ]/p' "$folder/validation_allowed.txt" >"$allowed"
        # The ways to call Vulkan, each once: the other driver is called in the same, but for the chunks of weights.
        only='^((decode|resize|device|profile|threads|samples)[.]lavapipe.*|(parity|device)[.][a-z]*[.]imported)$'
        ;;
    *)
        echo "validate: there is no run \"$1\"" >&2
        exit 2
        ;;
    esac
    export VK_INSTANCE_LAYERS=$layers VK_LAYER_ENABLES=$enables
    rm -rf "$XDG_CACHE_HOME"
    mkdir -p "$XDG_CACHE_HOME"
    cat >"$VK_LAYER_SETTINGS_PATH" <<SETTINGS
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
khronos_validation.report_flags = $report
khronos_validation.duplicate_message_limit = 10
SETTINGS
}

planted=0
plant() { # FAULT:MESSAGE
    for driver in LAVAPIPE SWIFTSHADER; do
        manifest=$(sed -n "s/^GVK_${driver}_ICD:FILEPATH=//p" "$build/CMakeCache.txt")
        [ -n "$manifest" ] || continue
        VK_ICD_FILENAMES=$manifest "$build/planted_fault" "${1%%:*}" >"$log" 2>&1 &&
            grep "$message" "$log" | grep -vF -f "$allowed" | grep -q -e "${1#*:}" ||
            { echo "validate: the planted ${1%%:*} fault was not caught on $driver; see $log"; exit 1; }
        planted=$((planted + 1))
    done
    echo "planted ${1%%:*} fault: caught (${1#*:})"
}

failed=0
for name in "$@"; do
    prepare "$name"
    for fault in $faults; do plant "$fault"; done
    status=0
    begun=$(date +%s)
    ctest --test-dir "$build" -C validation -L device -R "$only" -E "$without" -j2 -V --no-tests=error >"$log" 2>&1 || status=$?
    all=$(grep -c "$message" "$log" || true)
    messages=$(grep "$message" "$log" | grep -vcF -f "$allowed" || true)
    echo "$name: $(sed -n 's/.*tests passed.* out of \(.*\)/\1 tests/p' "$log"), $(($(date +%s) - begun)) s," \
        "$messages messages, $((all - messages)) more of allowed kinds"
    if [ "$messages" != 0 ]; then
        grep "$message" "$log" | grep -vF -f "$allowed" | sed 's/^[0-9]*: //' | cut -c1-300 | sort | uniq -c |
            sort -rn | head -20
        echo "validate: the layer printed messages; all of them are in $log"
        failed=1
    elif [ $status != 0 ]; then
        sed -n '/tests passed/,$p' "$log"
        echo "validate: tests failed under the layer; see $log"
        failed=1
    fi
done
[ $failed = 0 ] || exit 1
echo "validate: $planted of $planted planted faults caught, no message from the tests but of the allowed kinds"
