"""The made parts of docs/ are what their commands make; links lead somewhere; YAML in the docs is true."""

import os
import re
import subprocess
import sys

import yaml


def test_made_parts_are_up_to_date(program, root):
    done = subprocess.run([sys.executable, root / "docs/render.py", program, "--check"], text=True,
                          capture_output=True, timeout=300)
    assert done.returncode == 0, f"make docs would change:\n{done.stdout}{done.stderr}"


def test_every_diagram_is_of_a_run(root):
    pages = [p for p in (root / "docs/procedures").glob("*.md") if p.name != "README.md"]
    assert len(pages) >= 12
    index = (root / "docs/procedures/README.md").read_text(encoding="utf-8")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        made = re.findall(r"<!-- run: .*? -->\n(.*?)<!-- end -->", text, re.S)
        assert made and all("sequenceDiagram" in part and "->>" in part for part in made), page
        assert text.count("```mermaid") == len(made), f"{page}: a diagram by hand"
        assert f"({page.name})" in index


def test_links_lead_somewhere(root):
    for page in [root / "README.md", *root.glob("docs/**/*.md"), *root.glob("scenarios/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(root)}: {target}"


def test_scenarios_named_in_the_pages_exist(root):
    """`name`, `name-*` and `scenarios/folder/name-*` of the procedure pages."""
    names = {path.stem for path in (root / "scenarios").rglob("*.yaml")}
    for page in (root / "docs/procedures").glob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for word in re.findall(r"`([a-z0-9/*-]+-[a-z0-9*-]*)`", text):
            if word.startswith("scenarios/"):
                assert list(root.glob(word + ".yaml")), f"{page.name}: {word}"
            elif not re.fullmatch(r"-.*|activate-lpae", word):
                prefix = word.rstrip("*")
                assert any(n == word or word.endswith("*") and n.startswith(prefix) for n in names), \
                    f"{page.name}: {word}"


def test_whole_scenarios_of_the_docs_run(rspsim, root, tmp_path):
    """Each YAML block with `scenario:` is a scenario that passes."""
    found = 0
    for page in root.glob("docs/*.md"):
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            if not block.startswith("scenario:"):
                continue
            found += 1
            path = tmp_path / f"{yaml.safe_load(block)['scenario']}.yaml"
            path.write_text(block, encoding="utf-8")
            rspsim("run", path, check=0)
    assert found >= 1


def test_the_walk_through_of_an_ipa(root):
    """The shell blocks of docs/iot.md, as one session: each command prints what the page says."""
    text = (root / "docs/iot.md").read_text(encoding="utf-8")
    script, wanted = [], []
    for line in "".join(re.findall(r"```sh\n(.*?)```", text, re.S)).replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            script += [f"echo '{len(wanted)}:'", line[2:]]
            wanted.append([])
        else:
            wanted[-1].append(line)
    done = subprocess.run(["bash"], input="\n".join(script), cwd=root, text=True, timeout=120, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "PATH": "/usr/bin:/bin"})
    found = [part.splitlines() for part in re.split(r"^\d+:\n", done.stdout, flags=re.M)[1:]]
    assert found == wanted
