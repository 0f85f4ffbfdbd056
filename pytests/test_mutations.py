"""Random damage to every message of a session: no crash, no hang, nothing wrong accepted.

Each case is a scenario of its own with one fault that flips bits at a random place of a random message. However the
download ends, the invariants must hold (what is installed is octet for octet what was ordered, and the order agrees
with the card), and a fresh order must then install. RSPSIM_MUTATIONS=10000 for a long run; the sanitizer build is
used where RSPSIM_SANITIZED names it.
"""

import os
import pathlib
import random
import subprocess

import pytest

COUNT = int(os.environ.get("RSPSIM_MUTATIONS", "400"))
BATCH = 500
MESSAGES = [
    ("ES2+.DownloadOrder", "request"), ("ES2+.ConfirmOrder", "request"),
    ("ES9+.InitiateAuthentication", "request"), ("ES9+.InitiateAuthentication", "response"),
    ("ES9+.AuthenticateClient", "request"), ("ES9+.AuthenticateClient", "response"),
    ("ES9+.GetBoundProfilePackage", "request"), ("ES9+.GetBoundProfilePackage", "response"),
    ("ES9+.HandleNotification", "request"),
    ("ES10b.GetEUICCInfo1", "response"), ("ES10b.GetEUICCChallenge", "response"),
    ("ES10b.AuthenticateServer", "request"), ("ES10b.AuthenticateServer", "response"),
    ("ES10b.PrepareDownload", "request"), ("ES10b.PrepareDownload", "response"),
    ("ES10b.LoadBoundProfilePackage", "request"), ("ES10b.LoadBoundProfilePackage", "response"),
    ("ES8+.InitialiseSecureChannel", "request"), ("ES8+.ConfigureISDP", "request"),
    ("ES8+.StoreMetadata", "request"), ("ES8+.LoadProfileElements", "request"),
    ("APDU.Transmit", "request"), ("APDU.Transmit", "response"),
]
CASE = """scenario: mutation-{n}
world: worlds/consumer.yaml
faults:
  - {{name: damage, match: {{function: {function}, leg: {leg}, nth: {nth}}}, action: corrupt,
     offset: {offset}, mask: {mask}}}
steps:
  - operator: {{at: mno, call: ES2+.DownloadOrder, to: dp1, iccid: "8988303000000000010", expect: {{{first}}}}}
  - operator: {{at: mno, call: ES2+.ConfirmOrder, to: dp1, iccid: "8988303000000000010", matchingId: MID-0001,
               releaseFlag: true, expect: {{{second}}}}}
  - user: {{at: phone, do: download, activationCode: "LPA:1$dp1.example.com$MID-0001", expect: {{profile: any}}}}
  - card: {{at: card, do: reset}}
  - operator: {{at: mno, call: ES2+.DownloadOrder, to: dp1, iccid: "8988303000000000028"}}
  - operator: {{at: mno, call: ES2+.ConfirmOrder, to: dp1, iccid: "8988303000000000028", matchingId: MID-0002,
               releaseFlag: true}}
  - user: {{at: phone, do: download, activationCode: "LPA:1$dp1.example.com$MID-0002"}}
"""


IOT_MESSAGES = [("ESipa." + function, leg) for function in
                ("GetEimPackage", "ProvideEimPackageResult", "InitiateAuthentication", "AuthenticateClient", "GetBoundProfilePackage",
                 "HandleNotification") for leg in ("request", "response")] + [
    ("ES10b.LoadEuiccPackage", "request"), ("ES10b.LoadEuiccPackage", "response"), ("ES10b.RetrieveNotificationsList", "response"),
    ("ES10b.RemoveNotificationFromList", "response"), ("ES10b.GetCerts", "response"), ("ES9+.HandleNotification", "request")]
# Its calls until the damage must be past; the others' are more.
MOST = {"ES10b.LoadEuiccPackage": 2, "ESipa.ProvideEimPackageResult": 4, "ESipa.InitiateAuthentication": 1, "ESipa.AuthenticateClient": 1,
        "ESipa.GetBoundProfilePackage": 1}
IOT_CASE = """scenario: mutation-{n}
world:
  use: worlds/iot.yaml
  actors:
    eim1: {{version: "{version}"}}
    card: {{iot: {{version: "{version}", eims: [{{eim: eim1, token: true}}]}}}}
    dev1: {{version: "{version}", notify: {notify}, indirect: {indirect}, retries: 1}}
faults:
  - {{name: damage, match: {{function: {function}, leg: {leg}, nth: {nth}}}, action: corrupt,
     offset: {offset}, mask: {mask}}}
steps:
  - eim: {{at: eim1, to: card, do: data-request}}
  - eim: {{at: eim1, to: card, do: download, activationCode: "1$dp1.example.com$MID-0001"}}
  - eim: {{at: eim1, to: card, do: enable, iccid: "8988303000000000010", rollback: true}}
  - eim: {{at: eim1, to: card, operations: [{{do: list-profile-info}}, {{do: get-rat}}, {{do: disable, iccid: "8988303000000000010"}}]}}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - eim: {{at: eim1, to: card, do: list-profile-info}}
  - ipa: {{at: dev1, do: poll, expect: {{packages: 1, failed: 0, result: ok}}}}
"""


def make_iot(n, rng):
    function, leg = rng.choice(IOT_MESSAGES)
    relayed = "Client" in function or "Authentication" in function or "Bound" in function
    return IOT_CASE.format(n=n, function=function, leg=leg, nth=rng.randint(1, MOST.get(function, 3)), notify=rng.choice(["smdp", "eim", "both"]),
                           version=rng.choice(["1.0", "1.2", "1.2"]), indirect="true" if relayed else rng.choice(["true", "false"]),
                           offset=rng.choice([rng.randint(0, 40), rng.randint(0, 600), -rng.randint(1, 80)]), mask=rng.randint(1, 255))


def make(n, rng):
    function, leg = rng.choice(MESSAGES)
    many = function in ("APDU.Transmit", "ES8+.LoadProfileElements")
    ordered = function.startswith("ES2+")
    return CASE.format(n=n, function=function, leg=leg, nth=rng.randint(1, 10) if many else 1,
                       offset=rng.choice([rng.randint(0, 40), rng.randint(0, 1200),
                                          -rng.randint(1, 60)]),
                       mask=rng.randint(1, 255), first="code: any" if ordered else "",
                       second="code: any" if ordered else "")


@pytest.fixture(scope="module")
def binary(program):
    path = pathlib.Path(os.environ.get("RSPSIM_SANITIZED", program))
    return path if path.exists() else program


def run(binary, root, tmp_path, make_one, count):
    """(scenarios, those that failed, for want of a fault's place.)"""
    rng = random.Random(20250101)
    total = failed = 0
    for start in range(0, count, BATCH):
        folder = tmp_path / str(start)
        folder.mkdir()
        for n in range(start, min(start + BATCH, count)):
            (folder / f"mutation-{n:05}.yaml").write_text(make_one(n, rng))
        done = subprocess.run([binary, "run", folder, "--jobs", "2", "--quiet"], cwd=root, text=True,
                              capture_output=True, timeout=60 + BATCH,
                              env=dict(os.environ, UBSAN_OPTIONS="halt_on_error=1"))
        # A place behind the message's end is a fault that cannot fire: not a finding.
        findings = [line for line in done.stderr.splitlines() if " to fire, got " not in line]
        assert not findings, "\n".join(findings[:20])
        assert done.returncode in (0, 1)
        counts = [int(word) for word in done.stdout.split() if word.isdigit()]
        total += sum(counts)
        failed += counts[1]
    return total, failed


@pytest.mark.parametrize("make_one,count", [(make, COUNT), (make_iot, COUNT // 2)])
def test_random_damage(binary, root, tmp_path, make_one, count):
    total, failed = run(binary, root, tmp_path, make_one, count)
    assert total == count and failed < count / 2
