/* The entry point: the class GhostDetector with its properties, methods and signals, as tables. */
#include <stdlib.h>

#include "detector.h"

#define CLASS_NAME "GhostDetector"

enum { NOTIFICATION_POSTINITIALIZE = 0, NOTIFICATION_ENTER_TREE = 10, NOTIFICATION_INTERNAL_PROCESS = 25 };
enum { HINT_NONE = 0, HINT_RANGE = 1, HINT_FILE = 13 };
enum { USAGE_DEFAULT = 6 }; /* stored in scenes, shown in the inspector */

/* ---- methods ---- */

static void set_text(detector *node, char **text, const variant *value)
{
    char *given = variant_to_text(value);
    if (!given)
        return;
    free(*text);
    *text = given;
    node->changed = true;
}

static void set_model_path(detector *node, const variant *value, variant *result)
{
    (void)result;
    set_text(node, &node->wanted.model_path, value);
}

static void get_model_path(detector *node, const variant *value, variant *result)
{
    (void)value;
    *result = variant_of_text(node->wanted.model_path ? node->wanted.model_path : "");
}

static void set_device(detector *node, const variant *value, variant *result)
{
    (void)result;
    set_text(node, &node->wanted.device, value);
}

static void get_device(detector *node, const variant *value, variant *result)
{
    (void)value;
    *result = variant_of_text(node->wanted.device ? node->wanted.device : "");
}

static void set_confidence(detector *node, const variant *value, variant *result)
{
    (void)result;
    node->wanted.confidence = variant_to_number(value);
    node->changed = true;
}

static void get_confidence(detector *node, const variant *value, variant *result)
{
    (void)value;
    *result = variant_of_number(node->wanted.confidence);
}

static void set_iou(detector *node, const variant *value, variant *result)
{
    (void)result;
    node->wanted.iou = variant_to_number(value);
    node->changed = true;
}

static void get_iou(detector *node, const variant *value, variant *result)
{
    (void)value;
    *result = variant_of_number(node->wanted.iou);
}

static void detect(detector *node, const variant *texture, variant *result)
{
    *result = detector_detect(node, texture);
}

static void submit(detector *node, const variant *texture, variant *result)
{
    *result = variant_of_bool(detector_submit(node, texture));
}

static void is_busy(detector *node, const variant *value, variant *result)
{
    (void)value;
    *result = variant_of_bool(detector_is_busy(node));
}

/* A type of NIL stands for no argument, or for no result. */
typedef struct method {
    const char *name;
    GDExtensionVariantType result;
    GDExtensionVariantType argument;
    const char *argument_name, *argument_class;
    void (*run)(detector *node, const variant *argument, variant *result);
} method;

#define NOTHING GDEXTENSION_VARIANT_TYPE_NIL
#define TEXT    GDEXTENSION_VARIANT_TYPE_STRING
#define NUMBER  GDEXTENSION_VARIANT_TYPE_FLOAT
#define TRUTH   GDEXTENSION_VARIANT_TYPE_BOOL
#define LIST    GDEXTENSION_VARIANT_TYPE_ARRAY
#define OBJECT  GDEXTENSION_VARIANT_TYPE_OBJECT

static const method methods[] = {
    {"set_model_path", NOTHING, TEXT, "path", "", set_model_path},
    {"get_model_path", TEXT, NOTHING, "", "", get_model_path},
    {"set_device", NOTHING, TEXT, "device", "", set_device},
    {"get_device", TEXT, NOTHING, "", "", get_device},
    {"set_confidence", NOTHING, NUMBER, "confidence", "", set_confidence},
    {"get_confidence", NUMBER, NOTHING, "", "", get_confidence},
    {"set_iou", NOTHING, NUMBER, "iou", "", set_iou},
    {"get_iou", NUMBER, NOTHING, "", "", get_iou},
    {"detect", LIST, OBJECT, "texture", "Texture2D", detect},
    {"submit", TRUTH, OBJECT, "texture", "Texture2D", submit},
    {"is_busy", TRUTH, NOTHING, "", "", is_busy},
};

static const struct {
    const char *name;
    GDExtensionVariantType type;
    uint32_t hint;
    const char *hint_text, *setter, *getter;
} properties[] = {
    {"model_path", TEXT, HINT_FILE, "*.safetensors,*.pth", "set_model_path", "get_model_path"},
    {"confidence", NUMBER, HINT_RANGE, "0,1,0.01", "set_confidence", "get_confidence"},
    {"iou", NUMBER, HINT_RANGE, "0,1,0.01", "set_iou", "get_iou"},
    {"device", TEXT, HINT_NONE, "", "set_device", "get_device"},
};

static const struct {
    const char *name, *argument;
    GDExtensionVariantType type;
} signals[] = {{"detected", "boxes", LIST}, {"failed", "reason", TEXT}};

/* A call with Variants, from scripts. Godot takes null for an object of any class. */
static void call_method(void *user, GDExtensionClassInstancePtr instance, const GDExtensionConstVariantPtr *arguments,
                        GDExtensionInt count, GDExtensionVariantPtr result, GDExtensionCallError *error)
{
    const method *called = user;
    const int32_t wanted = called->argument != NOTHING;
    variant answer = variant_nil();
    if (count != wanted) {
        error->error =
            count < wanted ? GDEXTENSION_CALL_ERROR_TOO_FEW_ARGUMENTS : GDEXTENSION_CALL_ERROR_TOO_MANY_ARGUMENTS;
        error->expected = wanted;
        return;
    }
    if (wanted) {
        const GDExtensionVariantType given = variant_type(arguments[0]);
        const bool number = called->argument == NUMBER && given == GDEXTENSION_VARIANT_TYPE_INT;
        const bool null = called->argument == OBJECT && given == NOTHING;
        if (given != called->argument && !number && !null) {
            error->error = GDEXTENSION_CALL_ERROR_INVALID_ARGUMENT;
            error->argument = 0;
            error->expected = (int32_t)called->argument;
            return;
        }
    }
    error->error = GDEXTENSION_CALL_OK;
    called->run(instance, wanted ? arguments[0] : NULL, &answer);
    variant_copy(&answer, result);
    variant_destroy(&answer);
}

/* A call with C values, from compiled scripts and other extensions. */
static void call_method_by_pointers(void *user, GDExtensionClassInstancePtr instance,
                                    const GDExtensionConstTypePtr *arguments, GDExtensionTypePtr result)
{
    const method *called = user;
    variant argument =
        called->argument == NOTHING ? variant_nil() : variant_from_pointer(called->argument, arguments[0]);
    variant answer = variant_nil();
    called->run(instance, &argument, &answer);
    if (called->result != NOTHING)
        variant_to_pointer(&answer, called->result, result);
    variant_destroy(&answer);
    variant_destroy(&argument);
}

/* ---- the class ---- */

static GDExtensionObjectPtr create_instance(void *user, GDExtensionBool tell)
{
    (void)user;
    const godot_classes *classes = godot_class_functions();
    string_name parent = make_name("Node"), name = make_name(CLASS_NAME);
    GDExtensionObjectPtr object = classes->construct(&parent);
    detector *node = object ? detector_create(object) : NULL;
    if (node)
        classes->set_instance(object, &name, node);
    destroy_name(&parent);
    destroy_name(&name);
    if (node && tell) {
        const variant self = variant_of_object(object), what = variant_of_integer(NOTIFICATION_POSTINITIALIZE);
        variant_call(&self, "notification", &what, 1, NULL);
    }
    return object;
}

static void free_instance(void *user, GDExtensionClassInstancePtr instance)
{
    (void)user;
    detector_destroy(instance);
}

/* The internal process is Node's _process, but for scripts to leave alone: one on this node may have a _process of its
 * own. */
static void notification(GDExtensionClassInstancePtr instance, int32_t what, GDExtensionBool reversed)
{
    (void)reversed;
    detector *node = instance;
    if (!node)
        return;
    if (what == NOTIFICATION_ENTER_TREE) {
        const variant self = variant_of_object(node->object), on = variant_of_bool(true);
        variant_call(&self, "set_process_internal", &on, 1, NULL);
    } else if (what == NOTIFICATION_INTERNAL_PROCESS) {
        detector_poll(node);
    }
}

/* A description of a value with the names that it points to. */
typedef struct value_info {
    string_name name, class_name;
    godot_string hint;
    GDExtensionPropertyInfo info;
} value_info;

/* Filled in place, because `info` points into the struct. */
static void describe_value(value_info *out, GDExtensionVariantType type, const char *name, const char *class_name,
                           uint32_t hint, const char *hint_text)
{
    out->name = make_name(name);
    out->class_name = make_name(class_name);
    out->hint = make_string(hint_text);
    out->info = (GDExtensionPropertyInfo){.type = type,
                                          .name = &out->name,
                                          .class_name = &out->class_name,
                                          .hint = hint,
                                          .hint_string = &out->hint,
                                          .usage = USAGE_DEFAULT};
}

static void forget_value(value_info *value)
{
    destroy_name(&value->name);
    destroy_name(&value->class_name);
    destroy_string(&value->hint);
}

static void register_method(const godot_classes *classes, string_name *class_name, const method *described)
{
    string_name name = make_name(described->name);
    value_info argument, result;
    GDExtensionClassMethodArgumentMetadata metadata = GDEXTENSION_METHOD_ARGUMENT_METADATA_NONE;
    describe_value(&argument, described->argument, described->argument_name, described->argument_class, HINT_NONE, "");
    describe_value(&result, described->result, "", "", HINT_NONE, "");
    GDExtensionClassMethodInfo info = {.name = &name,
                                       .method_userdata = (void *)described,
                                       .call_func = call_method,
                                       .ptrcall_func = call_method_by_pointers,
                                       .method_flags = GDEXTENSION_METHOD_FLAGS_DEFAULT,
                                       .has_return_value = described->result != NOTHING,
                                       .return_value_info = &result.info,
                                       .argument_count = described->argument != NOTHING,
                                       .arguments_info = &argument.info,
                                       .arguments_metadata = &metadata};
    classes->register_method(classes->library, class_name, &info);
    forget_value(&argument);
    forget_value(&result);
    destroy_name(&name);
}

static void initialize(void *user, GDExtensionInitializationLevel level)
{
    (void)user;
    if (level != GDEXTENSION_INITIALIZATION_SCENE)
        return;
    const godot_classes *classes = godot_class_functions();
    string_name class_name = make_name(CLASS_NAME), parent = make_name("Node");
    const GDExtensionClassCreationInfo4 info = {.is_exposed = 1,
                                                .is_runtime = 1, /* the editor shows it and runs nothing of it */
                                                .notification_func = notification,
                                                .create_instance_func = create_instance,
                                                .free_instance_func = free_instance};
    classes->register_class(classes->library, &class_name, &parent, &info);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; ++i)
        register_method(classes, &class_name, &methods[i]);
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; ++i) {
        value_info value;
        string_name setter = make_name(properties[i].setter), getter = make_name(properties[i].getter);
        describe_value(&value, properties[i].type, properties[i].name, "", properties[i].hint, properties[i].hint_text);
        classes->register_property(classes->library, &class_name, &value.info, &setter, &getter);
        forget_value(&value);
        destroy_name(&setter);
        destroy_name(&getter);
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; ++i) {
        value_info value;
        string_name name = make_name(signals[i].name);
        describe_value(&value, signals[i].type, signals[i].argument, "", HINT_NONE, "");
        classes->register_signal(classes->library, &class_name, &name, &value.info, 1);
        forget_value(&value);
        destroy_name(&name);
    }
    destroy_name(&class_name);
    destroy_name(&parent);
}

static void deinitialize(void *user, GDExtensionInitializationLevel level)
{
    (void)user;
    if (level != GDEXTENSION_INITIALIZATION_SCENE)
        return;
    const godot_classes *classes = godot_class_functions();
    string_name class_name = make_name(CLASS_NAME);
    classes->unregister_class(classes->library, &class_name);
    destroy_name(&class_name);
}

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

EXPORT GDExtensionBool ghostvk_godot_init(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library,
                                          GDExtensionInitialization *out);

GDExtensionBool ghostvk_godot_init(GDExtensionInterfaceGetProcAddress get, GDExtensionClassLibraryPtr library,
                                   GDExtensionInitialization *out)
{
    out->minimum_initialization_level = GDEXTENSION_INITIALIZATION_SCENE;
    out->userdata = NULL;
    out->initialize = initialize;
    out->deinitialize = deinitialize;
    return godot_connect(get, library);
}
