"""The fuzz targets over a fixed corpus, cut from the traces of the scenarios, and its mutations.

RSPSIM_FUZZ=1000000 for a long run. `make fuzz` runs the same targets under libFuzzer. The sanitizer build is used where
RSPSIM_SANITIZED names it.
"""

import json
import os
import pathlib
import subprocess

import pytest

RUNS = os.environ.get("RSPSIM_FUZZ", "2000")
TARGETS = ["decode", "body", "cert", "package", "yaml", "card", "network"]
TRACES = ["consumer-download-install", "consumer-local-management", "lpa-ppr1-allowed-by-rat", "hostile-es9p-cancel-session",
          "attach-suci", "attach-resynchronised"]


def messages(traces):
    for name in TRACES:
        for line in (traces / f"{name}.jsonl").read_text().splitlines():
            event = json.loads(line)
            if event["kind"] == "message" and event["stage"] == "sent" and "body" in event:
                json_body = event["encoding"] == "json"
                yield event, event["body"].encode() if json_body else bytes.fromhex(event["body"])


def script_of(commands):
    return b"".join(bytes([len(c)]) + c for c in commands if len(c) < 256)


@pytest.fixture(scope="module")
def corpus(traces, rspsim, root, tmp_path_factory):
    """A folder a target, of the inputs it starts from."""
    top = tmp_path_factory.mktemp("corpus")
    numbers = {".".join(line.split("\t")[:2]): n for n, line in
               enumerate(rspsim("list", "functions", check=0).stdout.splitlines())}
    seen, commands = set(), []
    for target in TARGETS:
        (top / target).mkdir()

    def put(target, data):
        if (target, data) not in seen:
            seen.add((target, data))
            (top / target / f"{len(seen):05}").write_bytes(data)

    for event, body in messages(traces):
        name = f"{event['interface']}.{event['function']}"
        if event["interface"] == "APDU":
            commands += [body] if event["leg"] == "request" else []
        else:
            put("body", bytes([numbers[name], event["leg"] == "response"]) + body)
        if event["interface"] == "NAS":
            put("network", b"\0" + body)
            if name == "NAS.RegistrationRequest" and event["leg"] == "request":
                put("network", b"\2" + body[6:])
                put("network", b"\3" + body[14:])
        put("decode", body)
    for start in range(0, len(commands), 40):
        put("card", script_of(commands[start:start + 40]))
    rspsim("pki", "scenarios/worlds/consumer.yaml", "-o", top / "pki", check=0)
    for path in sorted((top / "pki").rglob("*.der")):
        put("cert", path.read_bytes())
    for path in sorted((root / "scenarios" / "profiles").glob("*.yaml")):
        put("yaml", path.read_bytes())
        rspsim("profile", "build", path, "-o", top / "package.der", check=0)
        put("package", (top / "package.der").read_bytes())
    return top


@pytest.mark.parametrize("target", TARGETS)
def test_target(corpus, program, target):
    built = pathlib.Path(os.environ.get("RSPSIM_SANITIZED", program)).parent
    done = subprocess.run([built / "pytests" / "fuzz" / f"fuzz-{target}", "--runs", RUNS, corpus / target], text=True,
                          capture_output=True, timeout=3600, env=dict(
                              os.environ, UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
                              ASAN_OPTIONS="detect_leaks=1:intercept_tls_get_addr=0"))
    assert done.returncode == 0, done.stderr[-6000:]
    assert done.stdout.endswith(f"{RUNS} mutations\n")
