#!/usr/bin/env python3
"""Writes the made parts of the documentation: docs/coverage.md, and in docs/procedures/ and docs/links.md
what follows each line `<!-- run: SCENARIO [--filter GLOB] -->`, the diagram of a run of that scenario, or
`<!-- compare: SCENARIO… -->`, the table of rspsim compare.

    docs/render.py PROGRAM            # writes what has changed
    docs/render.py PROGRAM --check    # names what is not up to date; exit status 1
"""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent
MARK = re.compile(r"(<!-- (run|compare): ([^>]+?) -->\n)(.*?)(<!-- end -->)", re.S)


def output(*command):
    return subprocess.run([str(part) for part in command], cwd=DOCS.parent, text=True, check=True,
                          capture_output=True).stdout


def diagram(program, folder, words):
    path, *options = shlex.split(words)
    name = pathlib.Path(path).stem
    output(program, "run", f"scenarios/{path}", "--trace-dir", folder, "--quiet")
    drawn = output(program, "trace", f"{folder}/{name}.jsonl", "--format", "mermaid", *options)
    shown = "".join(f" {shlex.quote(option)}" if "*" in option else f" {option}" for option in options)
    return (f"```\nrspsim run scenarios/{path} --trace-dir out\n"
            f"rspsim trace out/{name}.jsonl --format mermaid{shown}\n```\n\n"
            f"```mermaid\n{drawn}```\n")


def table(program, words):
    paths = [f"scenarios/{path}" for path in shlex.split(words)]
    return (f"```\nrspsim compare --markdown {' '.join(paths)}\n```\n\n"
            + output(program, "compare", "--markdown", *paths))


def pages(program):
    """Path and text of each page as it should be."""
    yield DOCS / "coverage.md", output(program, "list", "coverage", "--format", "markdown")
    with tempfile.TemporaryDirectory() as folder:
        for path in [DOCS / "links.md", *sorted((DOCS / "procedures").glob("*.md"))]:
            text = path.read_text(encoding="utf-8")
            yield path, MARK.sub(lambda m: m[1] + (diagram(program, folder, m[3]) if m[2] == "run"
                                                   else table(program, m[3])) + m[5], text)


def main(program, check=False):
    stale = [(path, text) for path, text in pages(pathlib.Path(program).resolve())
             if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        print(path.relative_to(DOCS.parent))
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], check=len(sys.argv) == 3))
