"""`rspsim serve --state` killed by SIGKILL at random points: what it acknowledged it still knows, and what it did not it may
know or not, but never half."""

import http.client
import json
import random
import shutil
import subprocess
import threading
import time

import pytest

import test_conformance_serve as conformance
import test_smdpp

WORLD = """
world:
  use: worlds/consumer.yaml
  actors:
    dp1: {profiles: [{iccid: "8988303000000100001", count: 150, type: pool, package: profiles/minimal.yaml}]}
"""
DEAD = (OSError, http.client.HTTPException, json.JSONDecodeError, ValueError)


class Host:
    """The server, its address, and a client of each kind."""

    def __init__(self, program, root, folder):
        self.process = subprocess.Popen([program, "serve", folder / "world.yaml", "--state", folder / "state"],
                                        cwd=root, text=True, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, "the server does not come up again"
        self.address = json.loads(line)["endpoints"][0]["address"]
        self.operator = conformance.Operator(self.address, folder, "mno")
        self.device = test_smdpp.Device(self.address, folder / "pki")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.device.https.close()


def work(host, known, number):
    """Orders, downloads and ends, one after the other; KNOWN gets what was acknowledged. The call under way stays in it."""
    try:
        while True:
            number += 1
            known["under way"] = f"order-{number}"
            reply = host.operator.call("downloadOrder", f"order-{number}", profileType="pool")
            if isinstance(reply, str):
                return
            iccid = reply["iccid"]
            assert iccid not in known
            known[iccid] = ("ordered", None)
            known["under way"] = iccid
            matching_id = host.operator.call("confirmOrder", f"confirm-{number}", iccid=iccid, releaseFlag=True)["matchingId"]
            known[iccid] = ("released", matching_id)
            host.device.initiate()
            assert host.device.authenticate(matching_id) is False
            assert isinstance(host.device.get(), bytes)
            known[iccid] = ("downloaded", matching_id)
            if number % 3 == 0:
                continue
            assert host.device.result() is None
            known[iccid] = ("installed", matching_id)
    except DEAD:
        pass


def judge(host, known):
    order = known.pop("under way", None)
    if order and order.startswith("order-"):
        reply = host.operator.call("downloadOrder", order, profileType="pool")  # the same call again
        if isinstance(reply, dict):
            assert reply["iccid"] not in known, "one profile was ordered twice"
            known[reply["iccid"]] = ("ordered", None)
    elif order:
        known[order] = ("unsure", None)  # its last call may have been executed or not
    for iccid, (state, matching_id) in known.items():
        assert host.operator.call("downloadOrder", iccid=iccid) == "8.2.1/3.3", iccid
        if state in ("ordered", "unsure"):
            continue
        host.device.initiate()
        answer = host.device.authenticate(matching_id)
        assert answer == ("8.2.6/3.8" if state == "installed" else False), (iccid, state)


@pytest.mark.parametrize("seed", range(3))
def test_killed(program, root, tmp_path, seed):
    rng = random.Random(seed)
    (tmp_path / "world.yaml").write_text(WORLD)
    subprocess.run([program, "pki", tmp_path / "world.yaml", "--today", "-o", tmp_path / "pki"], check=True, cwd=root,
                   stdout=subprocess.DEVNULL)
    shutil.copy(tmp_path / "pki" / "mno-client.pem", tmp_path / "mno.pem")
    shutil.copy(tmp_path / "pki" / "mno-client.key.pem", tmp_path / "mno.key")
    known, number = {}, 0
    for _ in range(4):
        host = Host(program, root, tmp_path)
        try:
            judge(host, known)
            worker = threading.Thread(target=work, args=(host, known, number))
            worker.start()
            time.sleep(rng.uniform(0.05, 0.6))
        finally:
            host.end()
        worker.join()
        number += 100
    assert sum(1 for k in known if k != "under way") >= 4
