/* Pickles that name functions and classes, and pickles that break the rules: nothing is called, nothing is believed. */
#include "check.h"

static void strangers_beside_the_weights_do_no_harm(void **state)
{
    (void)state;
    static const pickle_case cases[] = {
        {"os.system called", TEXT("U\1acos\nsystem\n(U\4exittR"), NULL},
        {"os.system by STACK_GLOBAL", TEXT("U\1aU\2osU\6system\x93(U\4exittR"), NULL},
        {"os.system by INST", TEXT("U\1a(U\4exitios\nsystem\n"), NULL},
        {"os.system by OBJ", TEXT("U\1a(cos\nsystem\nU\4exito"), NULL},
        {"an extension code", TEXT("U\1a\x82\x05"), NULL},
        {"an extension code, called", TEXT("U\1a\x83\x05\x01)R"), NULL},
        {"a class that is made and built", TEXT("U\1acargparse\nNamespace\n)\x81}U\1bK\1sb"), NULL},
        {"an object with items", TEXT("U\1accollections\ndefaultdict\ncbuiltins\nlist\n\x85RU\1bK\1s"), NULL},
        {"an object with a list", TEXT("U\1accollections\ndeque\n)RK\1aK\2a"), NULL},
        {"a call of a call", TEXT("U\1acfunctools\npartial\ncos\nsystem\n\x85R)R"), NULL},
        {"an ordered dict of pairs", TEXT("U\1accollections\nOrderedDict\n](]U\1kaK\1a]U\1laK\1ae\x85R"), NULL},
        {"a call without a name", TEXT("U\1acos\nsystem\n)Rq\1)R"), NULL},
        {"a set", TEXT("U\1a\x8f(K\1K\2\x90"), NULL},
        {"a frozen set", TEXT("U\1a(K\1K\2\x91"), NULL},
        {"a list in itself", TEXT("U\1a]q\1h\1a"), NULL},
        {"a key that is a number", TEXT("K\1K\2"), NULL},
        {"keyword arguments", TEXT("U\1acx\ny\n)}\x92"), NULL},
        {"old memo opcodes", TEXT("U\1aNp12\n0g12\n"), NULL},
        {"a list, a dict, bytes, marks that go",
         TEXT("U\1a(K\1K\2lU\1b(U\1cNdU\1dC\2\0\1U\1eN(0(K\1"
              "1"),
         NULL},
        {"integers of all lengths",
         TEXT("U\1a\x8a\0U\1b\x8a\1\xffU\1c\x8b\2\0\0\0\0\x80U\1dJ\xff\xff\xff\xffU\1eG\x3f\xf0\0\0\0\0\0\0"), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_load(cases[i].what, pth_with_extra(cases[i].opcodes, cases[i].count), 1);
}

static void a_weight_made_by_a_stranger_is_refused_by_its_name(void **state)
{
    (void)state;
    static const pickle_case cases[] = {
        {"a weight by os.system", TEXT("U\6x.biascos\nsystem\n(U\4exittR"), "os.system"},
        {"a weight by INST", TEXT("U\6x.bias(U\4exitios\nsystem\n"), "os.system"},
        {"a weight by an extension", TEXT("U\6x.bias\x82\x05)R"), "copyreg.extension"},
        {"a weight by a class", TEXT("U\6x.biascfoo.bar\nBaz\n)\x81}b"), "foo.bar.Baz"},
        {"a weight by a reconstructor", TEXT("U\6x.biasccopyreg\n_reconstructor\n(cfoo\nBaz\ncfoo\nB\nNtR"), "foo.Baz"},
        {"a parameter by a stranger", TEXT("U\6x.biasctorch._utils\n_rebuild_parameter\n(cos\nsystem\n)R\x89NtR"),
         "os.system"},
        {"a tensor of a stranger's storage",
         TEXT("U\1actorch._utils\n_rebuild_tensor_v2\n(cos\nsystem\n)RK\0K\1\x85K\1\x85\x89NtRU\1b"
              "(U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQU\6y.biascos\nsystem\n)R"),
         "os.system"},
        {"an object that hides a storage",
         TEXT("U\1acos\nsystem\n(]((U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQtatR"),
         "os.system"},
        {"a storage of an unknown class",
         TEXT("U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagecos\nsystem\nU\1"
              "0U\3cpuK\2tQK\0K\1\x85K\1\x85\x89NtR"),
         "os.system"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, pth_with_extra(cases[i].opcodes, cases[i].count), cases[i].words);
    check_bytes_refused("os.system as the root",
                        pth_with_pickle(TEXT("\x80\x02"
                                             "cos\nsystem\nU\2ls\x85R.")),
                        "os.system");
    check_bytes_refused("os.system under model", pth_with_pickle(TEXT("\x80\x02}U\5modelcos\nsystem\nU\2ls\x85Rs.")),
                        "os.system");
    check_bytes_refused("os.system, not even called",
                        pth_with_pickle(TEXT("\x80\x02"
                                             "cos\nsystem\n.")),
                        "dict of weights");
}

static void a_pickle_that_breaks_the_rules_is_refused_at_its_opcode(void **state)
{
    (void)state;
    static const pickle_case cases[] = {
        {"an empty list of marks", TEXT("\x80\x02(l."), "dict of weights"},
        {"an ordered dict of no pair",
         TEXT("\x80\x02"
              "ccollections\nOrderedDict\n](]K\1ae\x85R."),
         "REDUCE"},
        {"a tensor whose name is a number",
         TEXT("\x80\x02}K\1"
              "ctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQK\0K\2\x85K\1\x85tRs."),
         "no string"},
        {"a shape without strides",
         TEXT("\x80\x02}U\1actorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\nFloatStorage\nU\1"
              "0U\3cpuK\2tQK\0K\2\x85)tRs."),
         "strides"},
        {"SETITEM on a list", TEXT("\x80\x02]K\1K\2s."), "SETITEM at byte 7"},
        {"SETITEMS on an integer", TEXT("\x80\x02K\1(K\1K\2u."), "SETITEMS"},
        {"SETITEMS with an odd count", TEXT("\x80\x02}(K\1u."), "SETITEMS"},
        {"DICT with an odd count", TEXT("\x80\x02(K\1d."), "DICT"},
        {"APPEND on a dict", TEXT("\x80\x02}K\1a."), "APPEND at byte 5"},
        {"APPENDS on a tuple", TEXT("\x80\x02)(K\1e."), "APPENDS"},
        {"ADDITEMS on a list", TEXT("\x80\x02](K\1\x90."), "ADDITEMS"},
        {"BUILD on a plain dict", TEXT("\x80\x02}}b."), "BUILD at byte 4"},
        {"BUILD on a global",
         TEXT("\x80\x02"
              "cos\nsystem\n}b."),
         "BUILD"},
        {"BUILD on nothing", TEXT("\x80\x02}b."), "BUILD"},
        {"a dangling memo", TEXT("\x80\x02h\5."), "BINGET"},
        {"a dangling long memo", TEXT("\x80\x02j\xff\xff\xff\xff."), "LONG_BINGET"},
        {"a dangling old memo", TEXT("\x80\x02g7\n."), "GET"},
        {"an old memo that is no number", TEXT("\x80\x02Npx\n."), "PUT"},
        {"a huge memo number", TEXT("\x80\x02Nr\xff\xff\xff\xff."), "LONG_BINPUT"},
        {"a memo of nothing", TEXT("\x80\x02q\0."), "BINPUT"},
        {"REDUCE on too little", TEXT("\x80\x02)R."), "REDUCE"},
        {"REDUCE of an integer", TEXT("\x80\x02K\1)R."), "REDUCE"},
        {"REDUCE with a list",
         TEXT("\x80\x02"
              "cos\nsystem\n]R."),
         "REDUCE"},
        {"NEWOBJ of a string", TEXT("\x80\x02U\1a)\x81."), "NEWOBJ"},
        {"NEWOBJ with a dict",
         TEXT("\x80\x02"
              "cos\nsystem\n}\x81."),
         "NEWOBJ"},
        {"OBJ of nothing", TEXT("\x80\x02(o."), "OBJ"},
        {"OBJ of a string", TEXT("\x80\x02(U\1ao."), "OBJ"},
        {"INST without a mark", TEXT("\x80\x02ios\nsystem\n."), "INST"},
        {"STACK_GLOBAL of integers", TEXT("\x80\x02K\1K\2\x93."), "STACK_GLOBAL"},
        {"a global that does not end",
         TEXT("\x80\x02"
              "cos\nsystem"),
         "GLOBAL"},
        {"reaching below a mark", TEXT("\x80\x02K\1(\x85."), "TUPLE1"},
        {"setting below a mark", TEXT("\x80\x02}(K\1K\2s."), "SETITEM"},
        {"a mark that is missing", TEXT("\x80\x02t."), "TUPLE"},
        {"POP of nothing",
         TEXT("\x80\x02"
              "0."),
         "POP"},
        {"DUP of nothing",
         TEXT("\x80\x02"
              "2."),
         "DUP"},
        {"an unknown opcode", TEXT("\x80\x02\xfe."), "0xfe at byte 2"},
        {"a text integer", TEXT("\x80\x02I1\n."), "INT"},
        {"a persistent id of text", TEXT("\x80\x02Px\n."), "PERSID"},
        {"a persistent id that is no tuple", TEXT("\x80\x02K\1Q."), "BINPERSID"},
        {"a persistent id of an unknown kind", TEXT("\x80\x02U\1aU\1b\x86Q."), "BINPERSID"},
        {"a storage of too few words", TEXT("\x80\x02U\7storageNN\x87Q."), "BINPERSID"},
        {"a storage of negative size", TEXT("\x80\x02(U\7storagectorch\nFloatStorage\nU\1aU\1bJ\xff\xff\xff\xfftQ."),
         "BINPERSID"},
        {"a storage with a wrong view", TEXT("\x80\x02(U\7storagectorch\nFloatStorage\nU\1aU\1bK\2U\1cK\1K\2\x87tQ."),
         "BINPERSID"},
        {"a tensor of nothing",
         TEXT("\x80\x02"
              "ctorch._utils\n_rebuild_tensor_v2\n)R."),
         "REDUCE"},
        {"a tensor of integers",
         TEXT("\x80\x02"
              "ctorch._utils\n_rebuild_tensor_v2\n(K\1K\1))tR."),
         "REDUCE"},
        {"a parameter of nothing",
         TEXT("\x80\x02"
              "ctorch._utils\n_rebuild_parameter\n)R."),
         "REDUCE"},
        {"an ordered dict of no pairs",
         TEXT("\x80\x02"
              "ccollections\nOrderedDict\nK\1\x85R."),
         "REDUCE"},
        {"an out-of-band buffer", TEXT("\x80\x05\x97."), "NEXT_BUFFER"},
        {"a string past the end",
         TEXT("\x80\x02X\xff\xff\xff\xff"
              "a."),
         "BINUNICODE"},
        {"a string far past the end",
         TEXT("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
              "a."),
         "BINUNICODE8"},
        {"a long past the end", TEXT("\x80\x02\x8b\xff\xff\xff\xff."), "LONG4"},
        {"a frame past the end", TEXT("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN."), "FRAME"},
        {"a protocol to come", TEXT("\x80\x06N."), "PROTO"},
        {"no protocol", TEXT("N."), "no pickle"},
        {"two values at the end", TEXT("\x80\x02NN."), "STOP"},
        {"no value at the end", TEXT("\x80\x02."), "STOP"},
        {"a mark at the end", TEXT("\x80\x02N(."), "STOP"},
        {"no end", TEXT("\x80\x02N"), "cut short"},
        {"bytes after the end", TEXT("\x80\x02}.}."), "follow the pickle"},
        {"a control character in a global",
         TEXT("\x80\x02"
              "co\rs\x1b\nsys\x01tem\n)R."),
         "o?s?.sys?tem"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_bytes_refused(cases[i].what, pth_with_pickle(cases[i].opcodes, cases[i].count), cases[i].words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_beside_the_weights_do_no_harm),
        cmocka_unit_test(a_weight_made_by_a_stranger_is_refused_by_its_name),
        cmocka_unit_test(a_pickle_that_breaks_the_rules_is_refused_at_its_opcode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
