# Cross-compilation for the laboratory's Adreno driver, against the folder that build_shims.sh unpacks.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_C_FLAGS_INIT -fno-tree-vectorize) # gcc 12.2 crashes in it; nothing here is timed
set(CMAKE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../../build/lab/arm64/root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
