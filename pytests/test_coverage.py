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


def test_points_are_checked(rspsim, tmp_path, root):
    text = (root / "scenarios/consumer/consumer-download-install.yaml").read_text(encoding="utf-8")
    for bad in ("[0]", "[233]", "[x]", "7"):
        path = tmp_path / "bad.yaml"
        path.write_text(text.replace("steps:", f"covers: {bad}\nsteps:", 1), encoding="utf-8")
        done = rspsim("check", path, check=2)
        assert "bad.yaml" in done.stderr and "covers" not in done.stdout
