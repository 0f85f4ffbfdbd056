"""Where an IPA may be: in the eUICC, and in front of a card without IoT functions, seen from outside by the trace."""

import json

import pytest

FLOWS = ["ipae-activation-code", "ipae-direct", "ipae-indirect", "ipae-rollback-no-coverage"]


def requests(rspsim, root, folder, name):
    rspsim("run", root / f"scenarios/iot/{name}.yaml", "--trace-dir", folder, "--quiet", check=0)
    events = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    return [e for e in events if e["kind"] == "message" and e["stage"] == "sent" and e["leg"] == "request"]


@pytest.mark.parametrize("name", FLOWS)
def test_ipa_in_the_euicc_needs_no_store_data(rspsim, root, tmp_path, name):
    """By name all its ES10 calls are in the trace; over the terminal's interface goes only the activation."""
    sent = requests(rspsim, root, tmp_path, name)
    apdus = [e["body"] for e in sent if e["interface"] == "APDU"]
    assert {a[10:14] for a in apdus if a[2:4] == "e2"} == {"bf42"}
    assert {e["function"] for e in sent} >= {"GetEimConfigurationData", "LoadBoundProfilePackage", "GetEimPackage"}
    # What else the terminal sends are channels, SELECT, what it can do, and what its modem and tester read.
    assert {a[2:4] for a in apdus} <= {"70", "a4", "aa", "10", "e2", "b0", "b2", "88", "c0"}
