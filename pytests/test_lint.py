"""The repository's own rules: direction of includes, banned calls, sizes, headers.

Every scanner is first shown a planted violation, so that a rule that finds nothing is known to look.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("sim", "asn1", "pki", "components")

# What each layer may include besides itself.
LAYERS = {
    "sim/core": set(),
    "asn1": {"sim/core"},
    "pki": {"asn1", "sim/core"},
    "sim/net": {"pki", "asn1", "sim/core"},
    "component": {"components/common", "sim/net", "pki", "asn1", "sim/core"},
}
CLOCKS = re.compile(
    r"(?<![\w.>])(?:g_get_real_time|g_get_monotonic_time|time|gettimeofday|clock_gettime"
    r"|g_date_time_new_now\w*|g_timeout_(?:add\w*|source_new\w*)|g_usleep|usleep|nanosleep|sleep"
    r"|g_random_\w+|g_rand_new\w*|gnutls_rnd|rand|srand|random|drand48|getrandom|getentropy"
    r"|g_uuid_string_random)\s*\(")
UNSAFE = re.compile(r"(?<![\w.>])(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|g_alloca)\s*\(")
PRINTS = re.compile(r"(?<![\w.>])(?:printf|puts|putchar|fprintf|fputs|g_print|g_printerr|perror)\s*\(")
MAX_FILE, MAX_FUNCTION = 800, 80


def sources():
    files = [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.[ch]"))]
    return [(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in files]


SOURCES = sources()


def stripped(text):
    """TEXT without comments and the insides of literals; lines stay where they are."""
    token = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)

    def blank(match):
        found = match.group()
        lines = "\n" * found.count("\n")
        return f'"{lines}"' if found[0] == '"' else "' '" if found[0] == "'" else " " + lines

    return token.sub(blank, text)


def layer(path):
    """(layer, folder): the layer's name in LAYERS or "sim/run", and the folder that is "itself"."""
    parts = path.split("/")
    if parts[0] == "components":
        return "component", "/".join(parts[:2])
    folder = "/".join(parts[:2]) if parts[0] == "sim" else parts[0]
    return folder, folder


def bad_includes(path, text):
    kind, own = layer(path)
    if kind == "sim/run":
        return []
    bad = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if not match:
            continue
        system, name = match.group(1) == "<", match.group(2)
        if system:
            wrong = "soup" in name and kind != "sim/net"
        else:
            # A name without a folder is generated or a neighbour's.
            target = layer(name)[1] if "/" in name else own
            wrong = ".." in name.split("/") or (target != own and target not in LAYERS[kind])
        if wrong:
            bad.append(f"{path}:{number}: {name}")
    return bad


def calls(pattern, path, text):
    return [f"{path}:{number}: {match.group()}"
            for number, line in enumerate(stripped(text).splitlines(), 1)
            for match in pattern.finditer(line)]


def banned_calls(path, text):
    outside = not path.startswith("sim/core/")
    return calls(UNSAFE, path, text) + (calls(CLOCKS, path, text) if outside else [])


def prints(path, text):
    return [] if path.startswith("sim/run/") else calls(PRINTS, path, text)


def functions(text):
    """(name, first line, lines) of each function: a brace at depth 0 after a closing parenthesis."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group().count("\n"),
                  stripped(text), flags=re.M)
    found, depth, start = [], 0, None
    for at, char in enumerate(code):
        if char == "{":
            before = code[:at].rstrip() if depth == 0 else ""
            if before.endswith(")"):
                names = re.findall(r"(\w+)\s*\(", before[max(before.rfind(";"),
                                                             before.rfind("}")) + 1:])
                start = (names[0] if names else "?", code.count("\n", 0, at))
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0 and start:
                # One line more: the one with the name stands above the brace.
                found.append((start[0], start[1], code.count("\n", 0, at) - start[1] + 2))
                start = None
    return found


def too_long(path, text):
    lines = text.count("\n")
    bad = [f"{path}: {lines} lines"] if lines > MAX_FILE else []
    return bad + [f"{path}:{first}: {name} has {n} lines"
                  for name, first, n in functions(text) if n > MAX_FUNCTION]


def bad_header(path, text):
    if not path.endswith(".h"):
        return []
    bad = [] if text.lstrip().startswith("/*") else [f"{path}: does not open with a comment"]
    if not re.search(r"^#pragma once$", text, re.M):
        bad.append(f"{path}: no #pragma once")
    return bad


@pytest.mark.parametrize("rule", [bad_includes, banned_calls, prints, too_long, bad_header])
def test_rule(rule):
    assert len(SOURCES) > 50, "the scanner does not see the sources"
    assert [bad for path, text in SOURCES for bad in rule(path, text)] == []


@pytest.mark.parametrize("path, include", [
    ("sim/core/loop.c", '"asn1/tlv.h"'),
    ("asn1/tlv.c", '"pki/key.h"'),
    ("pki/key.c", '"sim/net/bus.h"'),
    ("sim/net/bus.c", '"components/lpa/lpa.h"'),
    ("sim/net/bus.c", '"sim/run/world.h"'),
    ("components/lpa/lpa.c", '"components/euicc/euicc.h"'),
    ("components/common/server.c", '"components/smdpp/smdpp.h"'),
    ("components/lpa/lpa.c", '"sim/run/world.h"'),
    ("components/lpa/lpa.c", "<libsoup/soup.h>"),
    ("components/lpa/lpa.c", '"../euicc/euicc.h"'),
])
def test_upward_include_is_found(path, include):
    assert bad_includes(path, f"#include {include}\n")


@pytest.mark.parametrize("path, include", [
    ("sim/core/loop.c", '"sim/core/loop.h"'),
    ("pki/key.c", '"asn1/tlv.h"'),
    ("sim/net/https.c", "<libsoup/soup.h>"),
    ("components/lpa/lpa.c", '"components/lpa/lpa-private.h"'),
    ("components/smdpp/smdpp.c", '"components/common/server.h"'),
    ("sim/run/world.c", '"components/lpa/lpa.h"'),
])
def test_downward_include_is_allowed(path, include):
    assert not bad_includes(path, f"#include {include}\n")


@pytest.mark.parametrize("call", [
    "time (NULL)", "g_get_real_time ()", "clock_gettime (0, &t)", "g_timeout_add (1, f, d)",
    "g_timeout_add_seconds (1, f, d)", "g_random_int ()", "rand ()", "random ()",
    "g_date_time_new_now_utc ()", "gnutls_rnd (0, p, 1)", "getrandom (p, 1, 0)", "g_usleep (1)",
    "strcpy (a, b)", "sprintf (a, b)", "gets (a)", "strcat (a, b)",
])
def test_banned_call_is_found(call):
    assert banned_calls("pki/key.c", f"x = {call};")


@pytest.mark.parametrize("code", [
    "rsp_actor_time (a);", "g_strdup_printf (x);", "/* time (NULL) */", 'f ("time (NULL)");',
    "snprintf (a, 1, b);", "bench->time (x);",
])
def test_harmless_call_passes(code):
    assert not banned_calls("pki/key.c", code)


def test_clock_is_allowed_in_core_alone():
    assert not banned_calls("sim/core/loop.c", "g_get_monotonic_time ();")
    assert banned_calls("sim/run/cmd-bench.c", "g_get_monotonic_time ();")
    assert banned_calls("sim/core/loop.c", "strcpy (a, b);")


def test_print_is_found():
    assert prints("sim/net/bus.c", "printf (x);") and prints("pki/key.c", "g_print (x);")
    assert not prints("sim/run/main.c", "printf (x);")


def function_of(lines):
    return "static int\nf (void)\n{\n" + "    x ();\n" * (lines - 4) + "    y ();\n}\n"


def test_long_function_and_file_are_found():
    assert not too_long("a.c", function_of(MAX_FUNCTION))
    assert too_long("a.c", function_of(MAX_FUNCTION + 1))
    assert not too_long("a.c", "static int table[] = {\n" + "1,\n" * 200 + "};\n")
    assert too_long("a.c", "\n" * (MAX_FILE + 1)) and not too_long("a.c", "\n" * MAX_FILE)
    tricky = 'int g (void)\n{\n    f ("}", \'{\'); /* } */\n}\n'
    assert functions(tricky) == [("g", 1, 4)]


def test_bad_header_is_found():
    assert bad_header("a.h", "#pragma once\n") and bad_header("a.h", "/* x */\n")
    assert not bad_header("a.h", "/* x */\n#pragma once\n")


def test_formatted():
    """clang-format has nothing to say. Tables that are kept in columns are left out."""
    tool = shutil.which("clang-format-14")
    if not tool:
        pytest.skip("clang-format-14 is not installed")
    aside = {"sim/run/language.c", "asn1/functions.h"}
    files = [str(ROOT / path) for path, _ in SOURCES if path not in aside]
    done = subprocess.run([tool, "--dry-run", "-Werror", *files], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[:2000]
