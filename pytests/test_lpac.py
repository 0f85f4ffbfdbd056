"""An unmodified lpac against `rspsim serve` and `rspsim card --stdio`; skipped where lpac is not on PATH."""

import json
import os
import shutil
import subprocess
import threading

import pytest

WORLD = "scenarios/worlds/serve.yaml"
LPAC = shutil.which("lpac")
pytestmark = pytest.mark.skipif(not LPAC, reason="lpac is not on PATH")


class Bench:
    def __init__(self, program, root, state):
        self.root = root
        self.server = subprocess.Popen([program, "serve", WORLD], cwd=root, text=True,
                                       stdout=subprocess.PIPE)
        self.address = json.loads(self.server.stdout.readline())["endpoints"][0]["address"]
        self.card = subprocess.Popen([program, "card", WORLD, "card", "--stdio", "--state", state],
                                     cwd=root, text=True, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)

    def close(self):
        self.card.stdin.close()
        assert self.card.wait(timeout=10) == 0
        self.server.terminate()
        assert self.server.wait(timeout=10) == 0

    def lpac(self, *args):
        """Runs lpac with its APDUs relayed to the card; returns the payload of its result."""
        env = dict(os.environ, LPAC_APDU="stdio", LPAC_HTTP="curl")
        lpac = subprocess.Popen([LPAC, *args], env=env, text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        watchdog = threading.Timer(60, lpac.kill)
        watchdog.start()
        result = None
        for line in lpac.stdout:
            message = json.loads(line)
            if message["type"] == "apdu":
                self.card.stdin.write(line)
                self.card.stdin.flush()
                lpac.stdin.write(self.card.stdout.readline())
                lpac.stdin.flush()
            elif message["type"] == "lpa":
                result = message["payload"]
        lpac.wait()
        watchdog.cancel()
        return result

    def ok(self, *args):
        result = self.lpac(*args)
        assert result and result["code"] == 0, (args, result)
        return result.get("data")


@pytest.fixture
def bench(program, root, tmp_path):
    bench = Bench(program, root, tmp_path)
    yield bench
    bench.close()


def test_everything_a_user_does(bench):
    info = bench.ok("chip", "info")
    assert info["eidValue"] == "89049032001234000000000000000141"
    assert bench.ok("profile", "list") == []
    bench.ok("profile", "download", "-s", bench.address, "-m", "MID-0001")
    bench.ok("profile", "download", "-s", bench.address, "-m", "MID-0002", "-c", "1234")
    listed = bench.ok("profile", "list")
    assert [p["iccid"] for p in listed] == ["8988303000000000010", "8988303000000000028"]
    assert all(p["profileState"] == "disabled" for p in listed)
    notifications = bench.ok("notification", "list")
    assert [n["profileManagementOperation"] for n in notifications] == ["install", "install"]
    for n in notifications:
        assert n["notificationAddress"] == bench.address
        bench.ok("notification", "process", "-r", str(n["seqNumber"]))
    assert bench.ok("notification", "list") == []
    bench.ok("profile", "enable", "8988303000000000010")
    assert bench.ok("profile", "list")[0]["profileState"] == "enabled"
    bench.ok("profile", "nickname", "8988303000000000010", "holiday")
    assert bench.ok("profile", "list")[0]["profileNickname"] == "holiday"
    bench.ok("profile", "disable", "8988303000000000010")
    bench.ok("profile", "delete", "8988303000000000010")
    assert [p["iccid"] for p in bench.ok("profile", "list")] == ["8988303000000000028"]


def test_default_order_by_eid(bench):
    bench.ok("profile", "download", "-s", bench.address)
    assert [p["iccid"] for p in bench.ok("profile", "list")] == ["8988303000000000036"]


def test_refusals_name_their_code(bench):
    result = bench.lpac("profile", "download", "-s", bench.address, "-m", "NOBODY")
    assert result["code"] != 0 and "matchingId" in json.dumps(result)
    result = bench.lpac("profile", "download", "-s", bench.address, "-m", "MID-0002", "-c", "9999")
    assert result["code"] != 0 and "onfirmation" in json.dumps(result)
    assert bench.ok("profile", "list") == []


def test_chip_management(bench):
    bench.ok("chip", "defaultsmdp", "dp1.example.com")
    info = bench.ok("chip", "info")
    assert info["EuiccConfiguredAddresses"]["defaultDpAddress"] == "dp1.example.com"
    bench.ok("profile", "download", "-s", bench.address, "-m", "MID-0001")
    bench.ok("chip", "purge", "yes")
    assert bench.ok("profile", "list") == []
