/* See message.h. */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/system/threads.h"
#include "text.h"

static struct mutex lock = MUTEX_READY;
static void (*clear_before)(void);

void message_clear_before(void (*clear)(void))
{
    mutex_lock(&lock);
    clear_before = clear;
    mutex_unlock(&lock);
}

void message_between(void (*write)(void *user), void *user)
{
    mutex_lock(&lock);
    write(user);
    mutex_unlock(&lock);
}

static void say_list(const char *kind, const char *ending, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    char text[1024];
    int length = vsnprintf(text, sizeof text, format, arguments);
    char *longer = length >= (int)sizeof text ? malloc((size_t)length + 1) : NULL;
    if (longer)
        vsnprintf(longer, (size_t)length + 1, format, again);
    va_end(again);
    mutex_lock(&lock);
    if (clear_before)
        clear_before();
    fprintf(stderr, "ghostvk: %s", kind);
    print_text(stderr, length < 0 ? format : longer ? longer : text);
    fprintf(stderr, "%s\n", ending);
    mutex_unlock(&lock);
    free(longer);
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_list("", "", format, arguments);
    va_end(arguments);
}

void say_kind(const char *kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_list(kind, "", format, arguments);
    va_end(arguments);
}

static const char *running_command; /* NULL: none yet */

void message_set_command(const char *name)
{
    running_command = name;
}

int refuse_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char ending[96];
    snprintf(ending, sizeof ending, "; see `ghostvk %s%s--help`", running_command ? running_command : "",
             running_command ? " " : "");
    say_list("", ending, format, arguments);
    va_end(arguments);
    return OUTCOME_USAGE;
}

int refuse_memory(void)
{
    say("There is not enough memory.");
    return OUTCOME_OUT_OF_MEMORY;
}
