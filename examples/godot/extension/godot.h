/* Godot's C interface as this extension uses it: values are Variants, and methods are called by their names, so that
 * nothing depends on how a version of Godot lays out its types. Needs Godot 4.4 or later.
 *
 * A variant that a function returns or fills is the caller's, to be given to variant_destroy. Everything but
 * push_error, push_warning, read_file and variants of one's own belongs to Godot's main thread. */
#ifndef GHOSTVK_GODOT_H
#define GHOSTVK_GODOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdextension_interface.h"

/* Godot moves its own Variants by copying bytes, and so may we. 40 bytes is its size where Godot is built with
 * doubles; else it takes 24. */
typedef struct variant {
    uint64_t words[5];
} variant;

typedef struct string_name {
    uint64_t word;
} string_name;

typedef struct godot_string {
    uint64_t word;
} godot_string;

/* Fetches the functions; false, after an error of Godot's, where it is too old to have all of them. */
bool godot_connect(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library);

/* The functions that registering a class takes. */
typedef struct godot_classes {
    GDExtensionClassLibraryPtr library;
    GDExtensionInterfaceClassdbConstructObject2 construct;
    GDExtensionInterfaceObjectSetInstance set_instance;
    GDExtensionInterfaceClassdbRegisterExtensionClass4 register_class;
    GDExtensionInterfaceClassdbRegisterExtensionClassMethod register_method;
    GDExtensionInterfaceClassdbRegisterExtensionClassProperty register_property;
    GDExtensionInterfaceClassdbRegisterExtensionClassSignal register_signal;
    GDExtensionInterfaceClassdbUnregisterExtensionClass unregister_class;
} godot_classes;

const godot_classes *godot_class_functions(void);

/* Names and strings; `text` is UTF-8. */
string_name make_name(const char *text);
void destroy_name(string_name *name);
godot_string make_string(const char *text);
void destroy_string(godot_string *string);

/* Variants of C values. */
variant variant_of_bool(bool value);
variant variant_of_integer(int64_t value);
variant variant_of_number(double value);
variant variant_of_text(const char *text);
variant variant_of_object(GDExtensionObjectPtr object);
/* A new value of a built-in type, from arguments that its constructor takes. */
variant variant_construct(GDExtensionVariantType type, const variant *arguments, int32_t count);
variant variant_nil(void);
void variant_destroy(variant *value);

GDExtensionVariantType variant_type(const variant *value);
bool variant_to_bool(const variant *value);
int64_t variant_to_integer(const variant *value);
double variant_to_number(const variant *value);
char *variant_to_text(const variant *value); /* to be freed; NULL when memory is short */
/* The bytes of a PackedByteArray, which live as long as the variant does. NULL when there are none. */
const uint8_t *variant_bytes(const variant *value, size_t *count);

/* From a value of a C type that Godot passes by pointer, and back into one, whose old value is destroyed. */
variant variant_from_pointer(GDExtensionVariantType type, GDExtensionConstTypePtr pointer);
void variant_to_pointer(const variant *value, GDExtensionVariantType type, GDExtensionTypePtr pointer);
void variant_copy(const variant *value, GDExtensionUninitializedVariantPtr out);

/* self.method(arguments...). The result may be thrown away with NULL. False, after an error, where it cannot be
 * called. */
bool variant_call(const variant *self, const char *method, const variant *arguments, int32_t count, variant *result);
/* As above, for one that gives an integer or a bool; 0 where it fails. */
int64_t variant_ask(const variant *self, const char *method);
void variant_set_member(variant *dictionary, const char *key, variant value); /* takes `value` */

/* An object that there is once, such as Engine. */
variant singleton(const char *name);

/* The content of a file of the project, of an exported one too, as a PackedByteArray; empty where it cannot be read. */
variant read_file(const char *path);

/* Runs `run` on a thread of Godot's; the result goes to task_is_done and, once, task_wait. */
int64_t task_start(void (*run)(void *user), void *user, const char *description);
bool task_is_done(int64_t task);
void task_wait(int64_t task);

/* What push_error and push_warning of a script do. */
void push_error(const char *sentence, const char *function);
void push_warning(const char *sentence, const char *function);

#endif
