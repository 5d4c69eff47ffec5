#!/usr/bin/python3
"""Keeps today's public headers as those of a release: copies them to tests/abi/release_NAME/ghostvk and lists their
structs, members and constants in members.inc beside it. Run once, when the release is made; afterwards nobody touches
the folder.
usage: keep_release.py NAME        such as 0_1"""

import pathlib
import re
import shutil
import sys

abi = pathlib.Path(__file__).resolve().parent
source = abi.parent.parent / "include" / "ghostvk"
folder = abi / f"release_{sys.argv[1]}"
shutil.rmtree(folder, ignore_errors=True)
shutil.copytree(source, folder / "ghostvk")


def member_name(declarator):
    function = re.search(r"\(\*(\w+)\)\(", declarator)
    return function.group(1) if function else re.search(r"(\w+)(\[[^\]]*\])?$", declarator.strip()).group(1)


lines = [
    f"/* Every struct, member and constant of the headers in the folder beside this file; keep_release.py wrote it. */",
    "/* clang-format off */",
]
for header in sorted(folder.glob("ghostvk/*.h")):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\n\} \1;", text, re.S):
        lines.append(f"STRUCT({name})")
        for declaration in filter(None, (" ".join(part.split()) for part in body.split(";"))):
            declarators = [declaration] if "(*" in declaration else declaration.split(",")
            lines += [f"FIELD({name}, {member_name(declarator)})" for declarator in declarators]
    for name, body in re.findall(r"typedef enum (\w+) \{(.*?)\} \1;", text, re.S):
        lines += [f"CONSTANT({constant})" for constant in re.findall(r"\b(GVK_\w+)\b\s*(?:=[^,}]*)?(?:,|$)", body.strip())]
    lines += [f"CONSTANT({name})" for name in re.findall(r"^#define (GVK_\w+) +\d+", text, re.M) if "VERSION" not in name]
(folder / "members.inc").write_text("\n".join(lines) + "\n")
