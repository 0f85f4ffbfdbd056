"""rspsim trace: rendering, comparison, and traces that nobody wrote well."""

import hashlib
import html.parser
import json
import re

import pytest

SCENARIO = "scenarios/faults/drop-get-bpp-request.yaml"
HOSTILE = '\x1b[31m<script>alert(1)</script>"&;#\u202e'


@pytest.fixture(scope="module")
def trace(rspsim, root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    rspsim("run", root / SCENARIO, "--trace-dir", folder, "--quiet", check=0)
    return next(folder.glob("*.jsonl"))


def events(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path, *lines):
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n"
                            for line in lines), encoding="utf-8")
    return path


def message(**more):
    return {"v": 1, "seq": 1, "t": 5, "kind": "message", "interface": "ES9+", "function": "X",
            "src": "a", "dst": "b", "leg": "request", "stage": "sent", "xid": 1, **more}


def test_every_event_holds_what_it_says(trace):
    order = ["v", "seq", "t", "step", "cause", "kind", "interface", "function", "spec", "src",
             "dst", "leg", "stage", "xid", "transactionId", "encoding", "bytes", "sha256", "body",
             "plain", "status", "state", "fault", "op", "key", "result"]
    bodies = 0
    for number, event in enumerate(events(trace)):
        assert event["v"] == 1 and event["seq"] == number
        known = [key for key in event if key in order]
        assert known == sorted(known, key=order.index)
        assert number == 0 or event["cause"] < number
        if "body" in event:
            text = event["body"]
            raw = text.encode() if event["encoding"] == "json" else bytes.fromhex(text)
            assert len(raw) == event["bytes"]
            assert hashlib.sha256(raw).hexdigest() == event["sha256"]
            bodies += 1
    assert bodies > 20


def test_text(rspsim, trace):
    text = rspsim("trace", trace, check=0).stdout
    assert "\x1b" not in text
    lines = text.splitlines()
    assert re.search(r"mno +dp1 +phone +card", text)
    lost = next(i for i, line in enumerate(lines) if "ES9+.GetBoundProfilePackage ✗ drop" in line)
    assert "✗" in lines[lost + 1] and "◀" not in lines[lost + 1]
    assert "APDU" not in text
    assert "released → downloaded" in text or "allocated → released" in text


def test_filter_and_explain(rspsim, trace):
    apdus = rspsim("trace", trace, "--filter", "APDU*", check=0).stdout
    assert "APDU.Transmit" in apdus and "ES9+" not in apdus
    explained = rspsim("trace", trace, "--explain", check=0).stdout
    assert "The LPA opens a session" in explained and "(SGP.22 5.6.1)" in explained


def test_from_step(rspsim, traces):
    path = traces / "procedure-iot-indirect-smds.jsonl"
    whole = rspsim("trace", path, "--format", "mermaid", check=0).stdout.splitlines()
    rest = rspsim("trace", path, "--format", "mermaid", "--from-step", 3, check=0).stdout.splitlines()
    assert any("ES2+.ConfirmOrder" in line for line in whole)
    assert not any("ES2+.ConfirmOrder" in line for line in rest)
    assert any("LoadBoundProfilePackage" in line for line in rest)
    assert ".yaml#58;" in next(line for line in rest if "Note" in line)
    none = rspsim("trace", path, "--from-step", 99, check=0).stdout
    assert "ESipa" not in none and "procedure-iot-indirect-smds" in none


def test_callers_are_called_what_they_are(rspsim, traces):
    """An IPA is no LPA, and an eIM that relays is neither."""
    direct = rspsim("trace", traces / "direct-activation-code.jsonl", "--explain", check=0).stdout
    indirect = rspsim("trace", traces / "indirect-activation-code.jsonl", "--explain", check=0).stdout
    assert "LPA" not in re.sub(r"LPA:1\S*", "", direct + indirect)
    assert "The IPA opens a session with the eUICC's challenge" in direct
    assert "The eIM opens a session with the eUICC's challenge" in indirect


def test_every_function_is_explained(rspsim, root, tmp_path):
    """Each row of the message table has its sentence."""
    rows = re.findall(r'X \(\w+, \w+, "([^"]+)", "(\w+)",',
                      (root / "asn1" / "functions.h").read_text(encoding="utf-8"))
    assert len(rows) > 30
    for interface, function in rows:
        path = write(tmp_path / "t.jsonl", message(interface=interface, function=function))
        plain = rspsim("trace", path, "--filter", "*", check=0).stdout
        told = rspsim("trace", path, "--filter", "*", "--explain", check=0).stdout
        assert len(told) > len(plain) + 10, f"{interface}.{function} has no explanation"


def test_mermaid(rspsim, trace):
    lines = rspsim("trace", trace, "--format", "mermaid", check=0).stdout.splitlines()
    assert lines[0] == "sequenceDiagram"
    shape = re.compile(r"    (participant p\d+ as |p\d+(->>|-->>|-x|--x)p\d+: |Note over p\d)")
    assert all(shape.match(line) for line in lines[1:])
    assert any("-x" in line and "GetBoundProfilePackage" in line for line in lines)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page_of(text):
    page = Page()
    page.feed(re.sub(r"<(line|circle|path)\b([^<>]*)/>", r"<\1\2></\1>", text))
    assert page.open == []
    return page


def test_html(rspsim, trace, tmp_path):
    out = tmp_path / "page.html"
    done = rspsim("trace", trace, "--format", "html", "-o", out, "--explain", check=0)
    assert done.stdout == ""
    page = page_of(out.read_text(encoding="utf-8"))
    assert "script" not in page.tags and page.tags.count("details") > 20
    assert '"euiccChallenge"' in "".join(page.text)


def test_hostile_text_stays_text(rspsim, tmp_path):
    path = write(tmp_path / "t.jsonl",
                 message(src=HOSTILE, function=HOSTILE, encoding="json", body='{"a":"<b>"}',
                         status={"error": HOSTILE}, fault={"name": HOSTILE, "action": HOSTILE}),
                 {"v": 1, "kind": "state", "src": HOSTILE,
                  "state": {"object": HOSTILE, "to": HOSTILE}})
    text = rspsim("trace", path, "--filter", "*", check=0).stdout
    assert "\x1b" not in text and "\u202e" not in text
    mermaid = rspsim("trace", path, "--format", "mermaid", "--filter", "*", check=0).stdout
    assert "<" not in mermaid and "\x1b" not in mermaid
    page = page_of(rspsim("trace", path, "--format", "html", "--filter", "*", check=0).stdout)
    assert "script" not in page.tags and "b" not in page.tags


@pytest.mark.parametrize("line, says", [
    ("{", ":1: "),
    ("[]", ":1: not an event"),
    ('{"v":2,"kind":"run"}', ":1: not an event"),
    ('{"v":1,"kind":5}', ":1: not an event"),
    ('{"v":1,"v":1,"kind":"run"}', ":1: "),
    ('{"v":1,"kind":"\ufffe\x01"}', ":1: "),
])
@pytest.mark.parametrize("form", ["text", "mermaid", "html"])
def test_bad_lines(rspsim, tmp_path, line, says, form):
    path = write(tmp_path / "bad.jsonl", line)
    done = rspsim("trace", path, "--format", form, check=2)
    assert f"{path}{says}" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("event", [
    message(t=-5, xid=-1, src=5, dst=[], leg={}, stage=None, status=[], fault="x", spec=1),
    message(dst="a"), message(body=7, encoding=9), message(encoding="der", body="zz"),
    {"v": 1, "kind": "nothing"}, {"v": 1, "kind": "step"}, {"v": 1, "kind": "state", "state": 1},
    message(t=2**62, function="x" * 10000),
])
@pytest.mark.parametrize("form", ["text", "mermaid", "html"])
def test_odd_events_are_drawn(rspsim, tmp_path, event, form):
    path = write(tmp_path / "odd.jsonl", event)
    rspsim("trace", path, "--format", form, "--filter", "*", "--explain", check=0)


def test_cut_off_file_and_endless_line(rspsim, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(message()), encoding="utf-8")
    assert ":1: the last line is incomplete" in rspsim("trace", path, check=2).stderr
    assert "longer than 16 MiB" in rspsim("trace", "/dev/zero", check=2).stderr


def test_many_actors(rspsim, tmp_path):
    path = write(tmp_path / "t.jsonl", *(message(src=f"actor{n}", xid=n) for n in range(400)))
    for form in ("text", "mermaid", "html"):
        rspsim("trace", path, "--format", form, check=0)


def test_usage(rspsim, trace, tmp_path):
    assert "not supported: pcapng" in rspsim("trace", trace, "--format", "pcapng", check=2).stderr
    for args in ([], [trace, trace], [trace, "--format", "x"], ["--nonsense"], ["diff", trace],
                 [tmp_path / "absent"], [tmp_path]):
        assert rspsim("trace", *args, check=2).stderr
    assert rspsim("trace", trace, "-o", "/nowhere/at/all", check=2).stderr


def test_diff(rspsim, trace, tmp_path):
    assert "no difference" in rspsim("trace", "diff", trace, trace, check=0).stdout
    lines = events(trace)
    lines[7]["t"] += 1
    other = write(tmp_path / "other.jsonl", *lines)
    told = rspsim("trace", "diff", trace, other, check=1).stdout
    assert "event 7" in told and f"{other}:8" in told
    assert re.findall(r"^  (\S+)$", told, re.M) == ["t"]
    short = write(tmp_path / "short.jsonl", *events(trace)[:5])
    assert "ends here" in rspsim("trace", "diff", trace, short, check=1).stdout
    bad = write(tmp_path / "bad.jsonl", "{")
    rspsim("trace", "diff", trace, bad, check=2)
