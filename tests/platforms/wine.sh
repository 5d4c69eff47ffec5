#!/bin/sh
# wine.sh PROGRAM ARGUMENT...: runs a Windows program in a Wine of its own, in build/windows/wine. Wine's Vulkan asks for
# a display; what it draws nobody sees.
WINEPREFIX=$(cd "$(dirname "$0")/../.." && pwd)/build/windows/wine
WINEDEBUG=${WINEDEBUG:--all} WINEDLLOVERRIDES="mscoree,mshtml="
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES
exec xvfb-run --auto-servernum wine "$@"
