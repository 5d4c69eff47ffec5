/* See options.h. */
#include "options.h"

#include <stdbool.h>
#include <string.h>

/* The long name of an option that getopt reported by its value, where it has one. */
static const char *find_long_name(const struct option *long_options, int value)
{
    for (; long_options->name; long_options++)
        if (long_options->val == value)
            return long_options->name;
    return NULL;
}

int next_option(struct program *program, int argument_count, char **arguments, const char *short_options,
                const struct option *long_options)
{
    opterr = 0;
    for (;;) {
        int option = getopt_long(argument_count, arguments, short_options, long_options, NULL);
        if (option == 'v') {
            program->verbosity++;
            continue;
        }
        if (option != '?' && option != ':')
            return option;
        const char *name = find_long_name(long_options, optopt), *written = arguments[optind - 1];
        bool is_short = optopt > 0 && optopt < 256;
        if (option == ':' && is_short && strncmp(written, "--", 2) != 0)
            refuse_usage("option -%c lacks its value", optopt);
        else if (option == ':')
            refuse_usage("option --%s lacks its value", name ? name : written);
        else if (optopt && name && strchr(written, '='))
            refuse_usage("option --%s takes no value", name);
        else if (is_short)
            refuse_usage("unknown option -%c", optopt);
        else
            refuse_usage("unknown option %s", written);
        return '?';
    }
}
