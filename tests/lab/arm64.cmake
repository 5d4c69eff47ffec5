# Cross-compilation for drivers that Debian has for arm64 alone; they run under qemu. fetch.sh makes build/lab/include.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
# gcc 12.2 crashes in its vectorizer; nothing here is timed.
set(CMAKE_C_FLAGS_INIT "-fno-tree-vectorize -isystem ${CMAKE_CURRENT_LIST_DIR}/../../build/lab/include")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
