"""Bad scenario files and bad messages: FILE:LINE:COL and a sentence, never a crash."""

import re

import pytest

HEAD = """scenario: bad
world: worlds/consumer.yaml
steps:
"""

CASES = {
    "unknown key": ("scenario: bad\nworlds: worlds/consumer.yaml\nsteps: []\n", 2, 'worlds'),
    "unknown step": (HEAD + "  - wiat: 60s\n", 4, "wait"),
    "two keys in a step": (HEAD + "  - {wait: 60s, note: x}\n", 4, "exactly one key"),
    "wrong type": (HEAD + "  - wait: [60s]\n", 4, ""),
    "bad duration": (HEAD + "  - wait: sixty\n", 4, ""),
    "unknown actor": (HEAD + "  - user: {at: fone, do: list}\n", 4, "phone"),
    "wrong role": (HEAD + "  - user: {at: card, do: list}\n", 4, "expected lpa"),
    "unknown function": (HEAD + "  - operator: {at: mno, call: ES2+.DownloadOrdr, to: dp1}\n", 4,
                         "ES2+.DownloadOrder"),
    "not an ES2+ function": (HEAD + "  - operator: {at: mno, call: ES9+.CancelSession, to: dp1}\n", 4,
                             "ES2+"),
    "unknown verb": (HEAD + "  - user: {at: phone, do: downlod}\n", 4, "download"),
    "missing argument": (HEAD + "  - user: {at: phone, do: enable}\n", 4, "iccid"),
    "no scenario steps": ("scenario: bad\nworld: worlds/consumer.yaml\n", 1, "steps"),
    "world path climbs": ("scenario: bad\nworld: ../../etc/passwd\nsteps: []\n", 2, "below"),
    "world path absolute": ("scenario: bad\nworld: /etc/passwd\nsteps: []\n", 2, "below"),
    "world file missing": ("scenario: bad\nworld: worlds/nowhere.yaml\nsteps: []\n", 2, "no such file"),
    "unknown role": ("scenario: bad\nworld: {actors: {ds: {role: smdp}}}\nsteps: []\n", 2, "smdpp"),
    "actor refers to nobody": (
        "scenario: bad\nworld:\n  actors:\n    eum: {role: eum, certified-by: ci}\nsteps: []\n", 4, "ci"),
    "certified by itself": (
        "scenario: bad\nworld:\n  actors:\n    eum: {role: eum, certified-by: eum}\nsteps: []\n", 4,
        "expected ci"),
    "bad eid": ("scenario: bad\nworld:\n  actors:\n    ci: {role: ci}\n    e: {role: eum, certified-by: ci}\n"
                '    c: {role: euicc, certified-by: e, eid: "12"}\nsteps: []\n', 6, "EID"),
    "huge number": ("scenario: bad\nworld: {seed: 99999999999999999999999, actors: {ci: {role: ci}}}\n"
                    "steps: []\n", 2, ""),
    "bad name": ('scenario: "../x"\nworld: worlds/consumer.yaml\nsteps: []\n', 1, "letters"),
    "tab and colon soup": ("scenario: bad\n\t- : :\n", 2, ""),
    "not utf-8": (b"scenario: \xff\xfe\n", None, ""),
    "duplicate key": ("scenario: a\nscenario: b\n", 2, ""),
    "alias to itself": ("scenario: bad\nworld: &w {use: *w}\nsteps: []\n", 2, ""),
    "unknown alias": ("scenario: bad\nworld: *nobody\nsteps: []\n", 2, ""),
    "fault without what it needs": (
        "scenario: bad\nworld: worlds/consumer.yaml\nfaults:\n"
        "  - {name: f, match: {function: ES9+.CancelSession}, action: delay}\nsteps: []\n", 4, "delay"),
    "status on a request": (
        "scenario: bad\nworld: worlds/consumer.yaml\nfaults:\n"
        "  - {name: f, match: {function: ES9+.CancelSession}, action: http-status, status: 500}\n"
        "steps: []\n", 4, "response"),
    "expectation of the wrong role": (
        HEAD + "  - note: x\nexpect:\n  dp1: {profiles: []}\n", 6, "euicc"),
    "message without an arrow": (
        HEAD + "  - note: x\nexpect:\n  messages:\n    - phone dp1: ES9+.CancelSession\n", 7, "->"),
}


@pytest.mark.parametrize("name", CASES)
def test_positioned_error(rspsim, tmp_path, name):
    text, line, word = CASES[name]
    path = tmp_path / "bad.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = rspsim("check", path, check=2)
    first = done.stderr.splitlines()[0]
    assert re.match(r"bad\.yaml:\d+:\d+: .+", first), done.stderr
    if line:
        assert first.startswith(f"bad.yaml:{line}:"), done.stderr
    assert word in first


def test_alias_bomb(rspsim, tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 12):
        lines.append(f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]")
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines) + "\n")
    done = rspsim("check", path, check=2)
    assert re.match(r"bomb\.yaml:\d+:\d+: ", done.stderr)


def test_deep_nesting(rspsim, tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text("scenario: " + "[" * 5000 + "]" * 5000 + "\n")
    assert re.match(r"deep\.yaml:\d+:\d+: ", rspsim("check", path, check=2).stderr)


def test_worlds_that_use_one_another(rspsim, tmp_path):
    (tmp_path / "a.yaml").write_text("world: {use: b.yaml}\n")
    (tmp_path / "b.yaml").write_text("world: {use: a.yaml}\n")
    (tmp_path / "s.yaml").write_text("scenario: s\nworld: a.yaml\nsteps: []\n")
    done = rspsim("check", tmp_path / "s.yaml", check=2)
    assert "deep" in done.stderr and re.match(r"[ab]\.yaml:1:\d+: ", done.stderr)


def test_same_name_twice(rspsim, tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("scenario: same\nworld: worlds/consumer.yaml\nsteps: []\n")
    done = rspsim("check", tmp_path, check=2)
    assert "b.yaml:1:" in done.stderr and "a.yaml" in done.stderr


def test_failed_expectation_has_a_position(rspsim, tmp_path):
    path = tmp_path / "fails.yaml"
    path.write_text("scenario: fails\nworld: worlds/consumer.yaml\nsteps:\n  - wait: 1s\n"
                    "expect:\n  dp1:\n    orders: [{iccid: \"8988303000000000010\", state: installed}]\n")
    done = rspsim("run", path, check=1)
    assert done.stderr.startswith("fails.yaml:7: expected state installed, got available")


def test_fault_that_never_fires_fails_the_run(rspsim, tmp_path):
    path = tmp_path / "idle.yaml"
    path.write_text("scenario: idle\nworld: worlds/consumer.yaml\nfaults:\n"
                    "  - {name: never, match: {function: ES9+.CancelSession}, action: drop}\n"
                    "steps:\n  - wait: 1s\n")
    done = rspsim("run", path, check=1)
    assert done.stderr.startswith("idle.yaml:4: ") and "never" in done.stderr


@pytest.mark.parametrize("function, field", [
    ("ES9+.InitiateAuthentication", "euiccChalenge"), ("ES9+.AuthenticateClient", "authenticateServerResponse.euiccSigned2"),
    ("ES10b.PrepareDownload", "smdpSigned3.transactionId"), ("ES9+.InitiateAuthentication", "euiccInfo1.svn.extra")])
def test_fault_on_a_field_that_is_not_there_fails_the_run(rspsim, tmp_path, function, field):
    path = tmp_path / "x.yaml"
    path.write_text(f"""scenario: bad
world: worlds/consumer.yaml
faults:
  - {{name: missed, match: {{function: {function}}}, action: corrupt,
     field: {field}, remove: true}}
steps:
  - operator: {{at: mno, call: ES2+.DownloadOrder, to: dp1, iccid: "8988303000000000010"}}
  - operator: {{at: mno, call: ES2+.ConfirmOrder, to: dp1, iccid: "8988303000000000010", matchingId: MID-0001,
               releaseFlag: true}}
  - user: {{at: phone, do: download, activationCode: "LPA:1$dp1.example.com$MID-0001"}}
""")
    done = rspsim("run", path, check=1)
    assert f'x.yaml:5: expected fault "missed" to fire, got fieldNotFound: {field}\n' == done.stderr


def test_missing_path(rspsim):
    assert "no such file" in rspsim("run", "nowhere.yaml", check=2).stderr


@pytest.mark.parametrize("args", [(), ("frobnicate",), ("run",), ("run", "--jobs", "x", "scenarios"),
                                  ("run", "--transport", "pigeon", "scenarios"),
                                  ("run", "--shard", "3/2", "scenarios"), ("check",), ("serve",)])
def test_bad_usage(rspsim, args):
    done = rspsim(*args, check=2)
    assert done.stderr and not done.stdout
