"""Makes the names of ImageNet's 1000 classes: cli/classes/imagenet.txt, a line for each class with its WordNet id and
its name, and of that cli/classes/imagenet_names.inc, which the program is compiled with.

A class is a noun of WordNet 3.0, its id the noun's place in WordNet's data.noun (Debian: wordnet-base), and the classes
stand in the order of their ids. A name is the first word of the noun. Where two classes would have one, RENAMED has
others. Given the path of data.noun, all names are made anew from the ids of imagenet.txt; without it, only the .inc is.
"""
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cli", "classes")
TEXT, CODE = os.path.join(FOLDER, "imagenet.txt"), os.path.join(FOLDER, "imagenet_names.inc")
RENAMED = {"n02012849": "crane (bird)", "n03126707": "crane (machine)",
           "n02113186": "Cardigan Welsh corgi", "n02113023": "Pembroke Welsh corgi",
           "n03710637": "maillot (tights)", "n03710721": "maillot (swimsuit)"}
WIDTH = 120


def read_ids():
    with open(TEXT, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    return [line.split(" ", 1) for line in lines if not line.startswith("#")], [x for x in lines if x.startswith("#")]


def first_word(nouns, name):
    """Of a line of data.noun: offset, file, part of speech, count of words, then the words."""
    nouns.seek(int(name[1:]))
    fields = nouns.readline().decode().split()
    assert name[0] == "n" and fields[0] == name[1:], name
    return fields[4].replace("_", " ")


def make_text(nouns):
    classes, head = read_ids()
    with open(TEXT, "w", encoding="utf-8", newline="\n") as file:
        for line in head:
            file.write(line + "\n")
        for ident, *_ in classes:
            file.write(f"{ident} {RENAMED.get(ident) or first_word(nouns, ident)}\n")


def make_code():
    classes, _ = read_ids()
    assert len(classes) == 1000 and [c[0] for c in classes] == sorted(c[0] for c in classes)
    assert len({name.lower() for _, name in classes}) == 1000
    lines, line = [], ""
    for _, name in classes:
        item = f'"{name}",'
        assert name.isascii() and name.isprintable() and '"' not in name and "\\" not in name
        if len(line) + 1 + len(item) > WIDTH:
            lines.append(line)
            line = ""
        line += (" " if line else "") + item
    with open(CODE, "w", encoding="utf-8", newline="\n") as file:
        file.write("/* Made by tests/goldens/make_imagenet_classes.py from imagenet.txt, which names source and licence. */\n")
        file.write("\n".join(lines + [line]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with open(sys.argv[1], "rb") as data:
            make_text(data)
    make_code()
