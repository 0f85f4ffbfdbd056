"""`covers:` and `rspsim list coverage` against a YAML reader of one's own."""

import yaml


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


def test_list_is_the_table_with_the_scenarios(rspsim, root):
    shown = {}
    for path in sorted((root / "scenarios").rglob("*.yaml")):
        doc = yaml.safe_load(path.read_text(encoding="utf-8"))
        for point in doc.get("covers", []):
            shown.setdefault(point, []).append((path, doc["scenario"]))
    table = rows((root / "docs/coverage-points.tsv").read_text(encoding="utf-8"))
    listed = rows(rspsim("list", "coverage", check=0).stdout)
    assert [row[:4] for row in listed] == table
    assert [int(row[0]) for row in listed] == list(range(1, 233))
    for row in listed:
        names = sorted(name for _, name in shown.get(int(row[0]), []))
        assert sorted(row[4].split(",")) == (names or ["-"]), row


def test_page_is_what_the_command_prints(rspsim, root):
    page = (root / "docs/coverage.md").read_text(encoding="utf-8")
    assert page == rspsim("list", "coverage", "--format", "markdown", check=0).stdout


def test_page_names_what_is_missing(rspsim, root):
    page = rspsim("list", "coverage", "--format", "markdown", root / "scenarios/consumer", check=0).stdout
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in page.splitlines()
             if line.startswith("| ") and line[2].isdigit()]
    points = rows((root / "docs/coverage-points.tsv").read_text(encoding="utf-8"))
    assert [c[:3] for c in cells] == [[p[0], p[1], p[3]] for p in points]
    for cell, point in zip(cells, points):
        if cell[3].startswith("not supported: "):
            assert cell[3] == f"not supported: {point[2]}" and point[2] != "-"
    assert cells[22 - 1][3] == "not supported: MEP"
    assert cells[9 - 1][3] == "**none**"  # an event: not a thing of scenarios/consumer
    assert "consumer-download-install" in cells[7 - 1][3].split(", ")


def test_points_are_checked(rspsim, tmp_path, root):
    text = (root / "scenarios/consumer/consumer-download-install.yaml").read_text(encoding="utf-8")
    for bad in ("[0]", "[233]", "[x]", "7"):
        path = tmp_path / "bad.yaml"
        path.write_text(text.replace("steps:", f"covers: {bad}\nsteps:", 1), encoding="utf-8")
        done = rspsim("check", path, check=2)
        assert "bad.yaml" in done.stderr and "covers" not in done.stdout
