#!/bin/sh
# The device tests under Vulkan's validation layer: core and synchronisation, every message counts. First a planted fault
# of each kind must be caught, or the run would prove nothing (a misspelt setting does nothing in silence).
# usage: validate.sh BUILD_FOLDER
set -eu
build=$1
log=$build/validation.txt
settings=$build/validation_settings.txt
# Validated shaders are remembered; a fresh cache makes the layer look at all of them.
export XDG_CACHE_HOME=$PWD/$build/validation_cache
rm -rf "$XDG_CACHE_HOME"
mkdir -p "$XDG_CACHE_HOME"

cat >"$settings" <<'SETTINGS'
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = stdout
khronos_validation.report_flags = error,warn
khronos_validation.duplicate_message_limit = 10
SETTINGS
export VK_LAYER_SETTINGS_PATH=$PWD/$settings
export VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation
export VK_LAYER_ENABLES=VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT:VALIDATION_CHECK_ENABLE_SYNCHRONIZATION_VALIDATION_QUEUE_SUBMIT

lavapipe=$(sed -n 's/^GVK_LAVAPIPE_ICD:FILEPATH=//p' "$build/CMakeCache.txt")
message='VUID-\|SYNC-HAZARD\|UNASSIGNED-\|Validation Error\|Validation Warning'
for fault in core synchronisation; do
    VK_ICD_FILENAMES=$lavapipe "$build/planted_fault" $fault >"$log" 2>&1
    grep -q "$message" "$log" || { echo "validate: the planted $fault fault was not caught"; exit 1; }
    echo "planted $fault fault: caught ($(grep -o 'VUID-[A-Za-z0-9-]*\|SYNC-HAZARD[A-Z-]*' "$log" | head -1))"
done

status=0
# The tests of the program call Vulkan as these do, many times over, and the fault layer breaks rules on purpose.
ctest --test-dir "$build" -L device -E '^(cli|faults|cache|interrupts|not_finite|soak)' -j2 -V --no-tests=error >"$log" 2>&1 || status=$?
tail -n 40 "$log" | sed -n '/tests passed/,$p'
if grep -q "$message" "$log"; then
    grep "$message" "$log" | sed 's/^[0-9]*: //' | sort | uniq -c | sort -rn | head -20
    echo "validate: the layer printed messages; all of them are in $log"
    exit 1
fi
[ $status = 0 ] || { echo "validate: tests failed under the layer; see $log"; exit 1; }
echo "validate: 2 of 2 planted faults caught, no message from the tests"
