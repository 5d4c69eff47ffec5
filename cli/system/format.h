/* Lets the compiler hold the arguments of a function of ours against its format, as it does for printf. */
#ifndef GHOSTVK_CLI_FORMAT_H
#define GHOSTVK_CLI_FORMAT_H

#include <stdio.h>

#if defined(__MINGW_PRINTF_FORMAT) /* what its vsnprintf takes, which depends on its settings */
#define GHOSTVK_FORMAT(string_index, first_index)                                                                      \
    __attribute__((format(__MINGW_PRINTF_FORMAT, string_index, first_index)))
#elif defined(__GNUC__)
#define GHOSTVK_FORMAT(string_index, first_index) __attribute__((format(printf, string_index, first_index)))
#else
#define GHOSTVK_FORMAT(string_index, first_index)
#endif

#endif
