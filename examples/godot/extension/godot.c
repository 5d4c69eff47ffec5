#include "godot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    GDExtensionInterfacePrintError print_error;
    GDExtensionInterfacePrintWarning print_warning;
    GDExtensionInterfaceStringNewWithUtf8Chars new_string;
    GDExtensionInterfaceStringToUtf8Chars string_to_utf8;
    GDExtensionInterfaceStringNameNewWithUtf8Chars new_name;
    GDExtensionInterfaceVariantNewNil new_nil;
    GDExtensionInterfaceVariantNewCopy new_copy;
    GDExtensionInterfaceVariantDestroy destroy;
    GDExtensionInterfaceVariantGetType get_type;
    GDExtensionInterfaceVariantCall call;
    GDExtensionInterfaceVariantConstruct construct;
    GDExtensionInterfaceVariantSet set;
    GDExtensionInterfaceGetVariantFromTypeConstructor from_type;
    GDExtensionInterfaceGetVariantToTypeConstructor to_type;
    GDExtensionInterfaceVariantGetPtrDestructor destructor;
    GDExtensionInterfaceGetVariantGetInternalPtrFunc internal;
    GDExtensionInterfacePackedByteArrayOperatorIndexConst byte_at;
    GDExtensionInterfaceGlobalGetSingleton get_singleton;
    GDExtensionInterfaceClassdbGetMethodBind method_bind;
    GDExtensionInterfaceObjectMethodBindCall bound_call;
    GDExtensionInterfaceWorkerThreadPoolAddNativeTask add_task;
    godot_classes classes;
} godot;

/* The C library's way from one pointer to a function to another goes by its bytes. */
static bool fetch(GDExtensionInterfaceGetProcAddress get, const char *name, void *out)
{
    GDExtensionInterfaceFunctionPtr function = get(name);
    if (!function) {
        fprintf(stderr, "GhostDetector: this Godot has no %s; 4.4 or later is needed\n", name);
        return false;
    }
    memcpy(out, &function, sizeof function);
    return true;
}

bool godot_connect(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library)
{
    const struct {
        const char *name;
        void *out;
    } wanted[] = {
        {"print_error", &godot.print_error},
        {"print_warning", &godot.print_warning},
        {"string_new_with_utf8_chars", &godot.new_string},
        {"string_to_utf8_chars", &godot.string_to_utf8},
        {"string_name_new_with_utf8_chars", &godot.new_name},
        {"variant_new_nil", &godot.new_nil},
        {"variant_new_copy", &godot.new_copy},
        {"variant_destroy", &godot.destroy},
        {"variant_get_type", &godot.get_type},
        {"variant_call", &godot.call},
        {"variant_construct", &godot.construct},
        {"variant_set", &godot.set},
        {"get_variant_from_type_constructor", &godot.from_type},
        {"get_variant_to_type_constructor", &godot.to_type},
        {"variant_get_ptr_destructor", &godot.destructor},
        {"variant_get_ptr_internal_getter", &godot.internal},
        {"packed_byte_array_operator_index_const", &godot.byte_at},
        {"global_get_singleton", &godot.get_singleton},
        {"classdb_get_method_bind", &godot.method_bind},
        {"object_method_bind_call", &godot.bound_call},
        {"worker_thread_pool_add_native_task", &godot.add_task},
        {"classdb_construct_object2", &godot.classes.construct},
        {"object_set_instance", &godot.classes.set_instance},
        {"classdb_register_extension_class4", &godot.classes.register_class},
        {"classdb_register_extension_class_method", &godot.classes.register_method},
        {"classdb_register_extension_class_property", &godot.classes.register_property},
        {"classdb_register_extension_class_signal", &godot.classes.register_signal},
        {"classdb_unregister_extension_class", &godot.classes.unregister_class},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; ++i)
        if (!fetch(get, wanted[i].name, wanted[i].out))
            return false;
    godot.classes.library = library;
    return true;
}

const godot_classes *godot_class_functions(void)
{
    return &godot.classes;
}

string_name make_name(const char *text)
{
    string_name name = {0};
    godot.new_name(&name, text);
    return name;
}

void destroy_name(string_name *name)
{
    godot.destructor(GDEXTENSION_VARIANT_TYPE_STRING_NAME)(name);
}

godot_string make_string(const char *text)
{
    godot_string string = {0};
    godot.new_string(&string, text);
    return string;
}

void destroy_string(godot_string *string)
{
    godot.destructor(GDEXTENSION_VARIANT_TYPE_STRING)(string);
}

/* Godot's constructors take pointers to non-const and only read. */
variant variant_from_pointer(GDExtensionVariantType type, GDExtensionConstTypePtr pointer)
{
    variant value = {{0}};
    godot.from_type(type)(&value, (GDExtensionTypePtr)pointer);
    return value;
}

void variant_to_pointer(const variant *value, GDExtensionVariantType type, GDExtensionTypePtr pointer)
{
    GDExtensionPtrDestructor destructor = godot.destructor(type);
    if (destructor)
        destructor(pointer);
    godot.to_type(type)(pointer, (GDExtensionVariantPtr)value);
}

void variant_copy(const variant *value, GDExtensionUninitializedVariantPtr out)
{
    godot.new_copy(out, value);
}

variant variant_of_bool(bool value)
{
    GDExtensionBool byte = value;
    return variant_from_pointer(GDEXTENSION_VARIANT_TYPE_BOOL, &byte);
}

variant variant_of_integer(int64_t value)
{
    return variant_from_pointer(GDEXTENSION_VARIANT_TYPE_INT, &value);
}

variant variant_of_number(double value)
{
    return variant_from_pointer(GDEXTENSION_VARIANT_TYPE_FLOAT, &value);
}

variant variant_of_text(const char *text)
{
    godot_string string = make_string(text);
    variant value = variant_from_pointer(GDEXTENSION_VARIANT_TYPE_STRING, &string);
    destroy_string(&string);
    return value;
}

variant variant_of_object(GDExtensionObjectPtr object)
{
    return variant_from_pointer(GDEXTENSION_VARIANT_TYPE_OBJECT, &object);
}

variant variant_nil(void)
{
    variant value = {{0}};
    godot.new_nil(&value);
    return value;
}

void variant_destroy(variant *value)
{
    godot.destroy(value);
    godot.new_nil(value);
}

variant variant_construct(GDExtensionVariantType type, const variant *arguments, int32_t count)
{
    GDExtensionConstVariantPtr pointers[4];
    variant value = variant_nil();
    GDExtensionCallError error = {.error = GDEXTENSION_CALL_OK};
    for (int32_t i = 0; i < count && i < 4; ++i)
        pointers[i] = &arguments[i];
    godot.construct(type, &value, pointers, count, &error);
    return value;
}

GDExtensionVariantType variant_type(const variant *value)
{
    return godot.get_type(value);
}

bool variant_to_bool(const variant *value)
{
    GDExtensionBool byte = 0;
    godot.to_type(GDEXTENSION_VARIANT_TYPE_BOOL)(&byte, (GDExtensionVariantPtr)value);
    return byte != 0;
}

int64_t variant_to_integer(const variant *value)
{
    int64_t integer = 0;
    godot.to_type(GDEXTENSION_VARIANT_TYPE_INT)(&integer, (GDExtensionVariantPtr)value);
    return integer;
}

double variant_to_number(const variant *value)
{
    double number = 0;
    godot.to_type(GDEXTENSION_VARIANT_TYPE_FLOAT)(&number, (GDExtensionVariantPtr)value);
    return number;
}

char *variant_to_text(const variant *value)
{
    godot_string string = {0};
    godot.to_type(GDEXTENSION_VARIANT_TYPE_STRING)(&string, (GDExtensionVariantPtr)value);
    GDExtensionInt bytes = godot.string_to_utf8(&string, NULL, 0);
    char *text = malloc((size_t)bytes + 1);
    if (text) {
        godot.string_to_utf8(&string, text, bytes);
        text[bytes] = 0;
    }
    destroy_string(&string);
    return text;
}

const uint8_t *variant_bytes(const variant *value, size_t *count)
{
    *count = 0;
    if (variant_type(value) != GDEXTENSION_VARIANT_TYPE_PACKED_BYTE_ARRAY)
        return NULL;
    *count = (size_t)variant_ask(value, "size");
    if (*count == 0)
        return NULL;
    void *array = godot.internal(GDEXTENSION_VARIANT_TYPE_PACKED_BYTE_ARRAY)((GDExtensionVariantPtr)value);
    return godot.byte_at(array, 0);
}

bool variant_call(const variant *self, const char *method, const variant *arguments, int32_t count, variant *result)
{
    GDExtensionConstVariantPtr pointers[4];
    GDExtensionCallError error = {.error = GDEXTENSION_CALL_OK};
    variant thrown_away = variant_nil();
    string_name name = make_name(method);
    for (int32_t i = 0; i < count && i < 4; ++i)
        pointers[i] = &arguments[i];
    godot.call((GDExtensionVariantPtr)self, &name, pointers, count, &thrown_away, &error);
    destroy_name(&name);
    if (error.error != GDEXTENSION_CALL_OK) {
        char sentence[128];
        snprintf(sentence, sizeof sentence, "GhostDetector: this Godot cannot call %s", method);
        push_error(sentence, "variant_call");
    }
    if (result)
        *result = thrown_away;
    else
        variant_destroy(&thrown_away);
    return error.error == GDEXTENSION_CALL_OK;
}

int64_t variant_ask(const variant *self, const char *method)
{
    variant result;
    bool called = variant_call(self, method, NULL, 0, &result);
    int64_t answer = called ? variant_to_integer(&result) : 0;
    variant_destroy(&result);
    return answer;
}

void variant_set_member(variant *dictionary, const char *key, variant value)
{
    GDExtensionBool valid = 0;
    variant name = variant_of_text(key);
    godot.set(dictionary, &name, &value, &valid);
    variant_destroy(&name);
    variant_destroy(&value);
}

/* A static method has no object to be called on, so it is found by its class, and by the hash of its arguments. */
variant read_file(const char *path)
{
    const int64_t hash = 659035735;
    variant content = variant_nil(), argument = variant_of_text(path);
    GDExtensionConstVariantPtr arguments[] = {&argument};
    GDExtensionCallError error = {.error = GDEXTENSION_CALL_OK};
    string_name class_name = make_name("FileAccess"), method = make_name("get_file_as_bytes");
    GDExtensionMethodBindPtr bound = godot.method_bind(&class_name, &method, hash);
    if (bound)
        godot.bound_call(bound, NULL, arguments, 1, &content, &error);
    destroy_name(&class_name);
    destroy_name(&method);
    variant_destroy(&argument);
    return content;
}

static GDExtensionObjectPtr find_singleton(const char *text)
{
    string_name name = make_name(text);
    GDExtensionObjectPtr object = godot.get_singleton(&name);
    destroy_name(&name);
    return object;
}

variant singleton(const char *name)
{
    return variant_of_object(find_singleton(name));
}

int64_t task_start(void (*run)(void *user), void *user, const char *description)
{
    godot_string string = make_string(description);
    int64_t task = godot.add_task(find_singleton("WorkerThreadPool"), run, user, 0, &string);
    destroy_string(&string);
    return task;
}

bool task_is_done(int64_t task)
{
    variant pool = singleton("WorkerThreadPool"), argument = variant_of_integer(task), result;
    bool done = variant_call(&pool, "is_task_completed", &argument, 1, &result) && variant_to_bool(&result);
    variant_destroy(&result);
    variant_destroy(&pool);
    return done;
}

void task_wait(int64_t task)
{
    variant pool = singleton("WorkerThreadPool"), argument = variant_of_integer(task);
    variant_call(&pool, "wait_for_task_completion", &argument, 1, NULL);
    variant_destroy(&pool);
}

void push_error(const char *sentence, const char *function)
{
    godot.print_error(sentence, function, "GhostDetector", 0, 1);
}

void push_warning(const char *sentence, const char *function)
{
    godot.print_warning(sentence, function, "GhostDetector", 0, 1);
}
