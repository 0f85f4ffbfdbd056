"""An unmodified lpac over PC/SC: pcscd and vpcd between it and `rspsim card --vpcd`, through every
local management function. Skipped where one of them is absent, or a pcscd of somebody else runs."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

WORLD = "scenarios/worlds/serve.yaml"
PORT = 35963
LPAC, PCSCD = shutil.which("lpac"), shutil.which("pcscd") or "/usr/sbin/pcscd"
ICCID, OTHER = "8988303000000000010", "8988303000000000028"


def port_is_open():
    """Somebody listens there; a connection to see that would be taken for a card."""
    listening = pathlib.Path("/proc/net/tcp").read_text().splitlines()
    return any(line.split()[1].endswith(f":{PORT:04X}") and line.split()[3] == "0A" for line in listening[1:])


def why_not():
    if not LPAC:
        return "lpac is not on PATH"
    if not os.access(PCSCD, os.X_OK):
        return "pcscd is absent"
    if not pathlib.Path("/etc/reader.conf.d/vpcd").exists():
        return "vpcd is absent"
    if os.getuid() != 0:
        return "pcscd needs root"
    return "another pcscd runs" if port_is_open() else None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def wait_for(what, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.1)
    pytest.fail("nothing came up in time")


class Bench:
    def __init__(self, program, root, state):
        self.program, self.root, self.state = program, root, state
        self.server = subprocess.Popen([program, "serve", WORLD], cwd=root, text=True, stdout=subprocess.PIPE)
        self.address = json.loads(self.server.stdout.readline())["endpoints"][0]["address"]
        self.card = None
        self.pcscd = subprocess.Popen([PCSCD, "-f"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)

    def insert(self):
        self.card = subprocess.Popen([self.program, "card", WORLD, "card", "--vpcd", f"127.0.0.1:{PORT}",
                                      "--state", self.state], cwd=self.root)
        wait_for(lambda: (self.lpac("chip", "info") or {}).get("code") == 0)

    def remove(self):
        self.card.terminate()
        self.card.wait(timeout=10)

    def close(self):
        if self.card:
            self.remove()
        for process in (self.pcscd, self.server):
            process.terminate()
            process.wait(timeout=10)

    def lpac(self, *args):
        env = dict(os.environ, LPAC_APDU="pcsc", LPAC_HTTP="curl")
        done = subprocess.run([LPAC, *args], env=env, text=True, capture_output=True, timeout=90)
        payloads = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        results = [p["payload"] for p in payloads if p["type"] == "lpa"]
        return results[-1] if results else None

    def ok(self, *args):
        result = self.lpac(*args)
        assert result and result["code"] == 0, (args, result)
        return result.get("data")

    def refused(self, *args):
        result = self.lpac(*args)
        assert result and result["code"] != 0, (args, result)
        return result

    def states(self):
        return {p["iccid"]: p["profileState"] for p in self.ok("profile", "list")}


@pytest.fixture
def bench(program, root, tmp_path):
    bench = Bench(program, root, tmp_path)
    try:
        wait_for(port_is_open)
        bench.insert()
        yield bench
    finally:
        bench.close()


def test_every_local_function(bench):
    info = bench.ok("chip", "info")
    assert info["eidValue"] == "89049032001234000000000000000141"
    assert "crlSupport" in json.dumps(info["EUICCInfo2"])
    bench.ok("chip", "defaultsmdp", "dp1.example.com")
    assert bench.ok("chip", "info")["EuiccConfiguredAddresses"]["defaultDpAddress"] == "dp1.example.com"
    bench.ok("profile", "download", "-s", bench.address, "-m", "MID-0001")
    bench.ok("profile", "download", "-s", bench.address, "-m", "MID-0002", "-c", "1234")
    assert bench.states() == {ICCID: "disabled", OTHER: "disabled"}
    for n in bench.ok("notification", "list"):
        bench.ok("notification", "process", "-r", str(n["seqNumber"]))
    assert bench.ok("notification", "list") == []

    bench.ok("profile", "enable", ICCID)
    assert bench.states() == {ICCID: "enabled", OTHER: "disabled"}
    bench.refused("profile", "enable", ICCID)
    bench.refused("profile", "delete", ICCID)
    bench.ok("profile", "enable", OTHER)
    assert bench.states() == {ICCID: "disabled", OTHER: "enabled"}
    bench.refused("profile", "disable", ICCID)
    bench.ok("profile", "nickname", ICCID, "holiday")
    bench.ok("profile", "disable", OTHER)
    bench.ok("profile", "delete", OTHER)
    assert bench.states() == {ICCID: "disabled"}
    pending = bench.ok("notification", "list")
    assert pending, "enable, disable and delete are told to the operator"
    bench.ok("notification", "remove", str(pending[0]["seqNumber"]))
    assert len(bench.ok("notification", "list")) == len(pending) - 1

    bench.remove()
    bench.insert()  # the memory outlives the process
    listed = bench.ok("profile", "list")
    assert [(p["iccid"], p["profileNickname"]) for p in listed] == [(ICCID, "holiday")]
    bench.ok("chip", "purge", "yes")
    assert bench.states() == {}
    assert not bench.ok("chip", "info")["EuiccConfiguredAddresses"]["defaultDpAddress"]
