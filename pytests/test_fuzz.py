"""The fuzz targets over a fixed corpus, cut from the traces of the scenarios, and its mutations.

RSPSIM_FUZZ=1000000 for a long run. `make fuzz` runs the same targets under libFuzzer. The sanitizer build is used where
RSPSIM_SANITIZED names it.
"""

import base64
import json
import os
import pathlib
import subprocess

import pytest

import tlv

RUNS = os.environ.get("RSPSIM_FUZZ", "2000")
TARGETS = ["decode", "body", "cert", "package", "yaml", "card", "network", "eim", "ipa"]
TRACES = ["consumer-download-install", "consumer-local-management", "lpa-ppr1-allowed-by-rat", "hostile-es9p-cancel-session",
          "attach-suci", "attach-resynchronised"]
IOT_TRACES = ["eim-operations", "data-request", "direct-activation-code", "direct-activation-code-v10", "indirect-activation-code",
              "indirect-smds", "eim-pushes", "notifications-to-eim", "notifications-to-eim-v10", "result-kept-by-card", "rollback-no-way",
              "rollback-no-way-v10", "immediate-enable"]
# Modes of fuzz-eim.c.
ASN1, JSON, RESULT, ERROR, UNSIGNED, DATA, DOWNLOAD, SERVER = range(8)
# What an IPA asks of its card beside downloads.
FROM_CARD = {"GetEID", "GetEimConfigurationData", "RetrieveNotificationsList", "RemoveNotificationFromList", "LoadEuiccPackage", "ProfileRollback",
             "GetEuiccConfiguredAddresses", "GetEUICCInfo1", "GetEUICCInfo2", "GetCerts", "ImmediateEnable"}


def messages(traces, names=TRACES):
    for name in names:
        for line in (traces / f"{name}.jsonl").read_text().splitlines():
            event = json.loads(line)
            if event["kind"] == "message" and event["stage"] == "sent" and "body" in event:
                json_body = event["encoding"] == "json"
                yield event, event["body"].encode() if json_body else bytes.fromhex(event["body"])


def script_of(commands):
    return b"".join(bytes([len(c)]) + c for c in commands if len(c) < 256)


def said_to_an_eim(event, body, v10):
    """Inputs of fuzz-eim.c."""
    if event["interface"] == "ES9+" and event["leg"] == "response":
        return [bytes([SERVER]) + body]
    if event["interface"] != "ESipa" or event["leg"] != "request" or event["encoding"] != "der":
        return []
    order = ["InitiateAuthentication", "GetBoundProfilePackage", "AuthenticateClient", "TransferEimPackage", "GetEimPackage",
             "ProvideEimPackageResult", "HandleNotification", "CancelSession"]
    inputs = [bytes([ASN1 | v10, order.index(event["function"])]) + body]
    if event["function"] == "ProvideEimPackageResult":
        result = [(tag, value, whole) for tag, value, whole in tlv.walk(tlv.find(body, 0xBF50)) if tag != 0x5A][0]
        inputs.append(bytes([UNSIGNED | v10]) + result[2])
        json_body = {"eidValue": "89049032001234000000000000000141", "eimPackageResult": base64.b64encode(result[2]).decode()}
        inputs.append(bytes([JSON, order.index(event["function"])]) + json.dumps(json_body).encode())
        inputs += parts_of(*result[:2], v10)
    return inputs


def parts_of(tag, value, v10):
    """The elements of a result that are not the package's own."""
    if tag == 0xBF54:
        yield bytes([DOWNLOAD | v10]) + b"".join(whole for t, _, whole in tlv.walk(value) if t != 0x82)
    if tag == 0xBF51:
        kind, data, _ = next(tlv.walk(value))
        if kind != 0xA2:
            rest = b"".join(whole for t, _, whole in tlv.walk(tlv.find(data, 0x30)) if t > 0x82 or t < 0x80)
            yield bytes([(RESULT if kind == 0xA0 else ERROR) | v10]) + rest
    if tag == 0xBF52 and value[0] == 0xA0:
        yield bytes([DATA | v10]) + b"".join(whole for t, _, whole in tlv.walk(tlv.find(value, 0xA0)) if t != 0x87)


def said_to_an_ipa(traces, name):
    """An input of fuzz-ipa.c: the answers of a whole scenario."""
    chunks = [body for event, body in messages(traces, [name]) if event["leg"] == "response" and event["dst"] == "dev1"
              and (event["interface"] == "ESipa" or event["function"] in FROM_CARD) and len(body) < 0x8000]
    return bytes([name.endswith("-v10")]) + b"".join(len(chunk).to_bytes(2, "big") + chunk for chunk in chunks)


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
    for name in IOT_TRACES:
        put("ipa", said_to_an_ipa(traces, name))
        for event, body in messages(traces, [name]):
            for data in said_to_an_eim(event, body, 0x10 * name.endswith("-v10")):
                put("eim", data)
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
