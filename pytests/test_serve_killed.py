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
import test_eim
import test_smdpp
import tlv

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


class ServedEim(test_eim.Eim):
    def __init__(self, program, root, folder):
        self.process = subprocess.Popen([program, "serve", test_eim.WORLD, "--state", folder / "state"], cwd=root, text=True,
                                        stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, "the server does not come up again"
        super().__init__(next(e for e in json.loads(line)["endpoints"] if e["role"] == "eim"), folder)

    def next_package(self):
        """The BF51 that is handed out; None: there is none."""
        answer = self.asn1(bytes.fromhex("bf4f125a10" + test_eim.EID))
        return None if answer.hex() == "bf4f03020101" else tlv.whole(answer, 0xBF4F, 0xBF51)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def manage(eim, known):
    """Orders packages and plays IPA and card; KNOWN gets what was acknowledged: {id: [state, octets, counter]}."""
    try:
        while True:
            status, reply = eim.manage("POST", "/packages", {"eid": test_eim.EID, "do": "list-profile-info"})
            assert status == 201
            known[reply["ids"][0]] = ["queued", None, None]
            while (package := eim.next_package()) is not None:
                counter, transaction = eim.open(package)
                number = min(i for i, (state, *_) in known.items() if state != "done")
                known[number] = ["delivered", package, counter]
                seq = len(known)
                result = eim.result(counter, transaction, bytes.fromhex("bf2d02a000"), seq)
                said = tlv.make(0x5A, bytes.fromhex(test_eim.EID))
                assert eim.asn1(tlv.make(0xBF50, said + result)) == tlv.make(0xBF50, tlv.make(0xBF53, tlv.make(0x80, integer(seq))))
                known[number][0] = "done"
    except DEAD:
        pass


def integer(value):
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def judge_eim(eim, known):
    """States only went on; what was handed out is handed out again octet for octet; counters only rise."""
    order = ["queued", "delivered", "done"]
    packages = {p["id"]: p for p in eim.manage("GET", "/packages")[1]}
    for number, (state, _, _) in known.items():
        assert order.index(packages[number]["state"]) >= order.index(state), (number, state)
    for number, package in packages.items():
        entry = known.setdefault(number, ["queued", None, None])  # an order that was not acknowledged
        if package["state"] == "done":
            entry[0] = "done"
    waiting = eim.next_package()
    first = min((i for i, (state, *_) in known.items() if state != "done"), default=None)
    assert (waiting is None) == (first is None)
    if waiting is None:
        return
    if known[first][1]:
        assert waiting == known[first][1], "signed anew"
    counter = eim.open(waiting)[0]
    used = [int.from_bytes(c, "big") for i, (_, _, c) in known.items() if c and i != first]
    assert int.from_bytes(counter, "big") > max(used, default=0), "a counter went back"
    known[first] = ["delivered", waiting, counter]


@pytest.mark.parametrize("seed", range(3))
def test_eim_killed(program, root, tmp_path, seed):
    rng = random.Random(seed)
    subprocess.run([program, "pki", test_eim.WORLD, "-o", tmp_path], check=True, cwd=root, stdout=subprocess.DEVNULL)
    known = {}
    for _ in range(5):
        eim = ServedEim(program, root, tmp_path)
        try:
            judge_eim(eim, known)
            worker = threading.Thread(target=manage, args=(eim, known))
            worker.start()
            time.sleep(rng.uniform(0.05, 0.6))
        finally:
            eim.end()
        worker.join()
    assert sum(1 for state, *_ in known.values() if state == "done") >= 4
