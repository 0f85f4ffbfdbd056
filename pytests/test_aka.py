"""Authentication in traces and on the card, against an oracle of its own (aka.py)."""

import json
import pathlib

import pytest

from aka import (Milenage, Xor, autn, kc, open_auts, open_autn, res_star, reveal)
from tlv import walk

VECTORS = pathlib.Path(__file__).parent / "vectors" / "milenage.tsv"
KEY = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
HOME = {1: bytes.fromhex("c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d"),
        2: bytes.fromhex("f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda")}
OWN = Milenage(KEY, OPC, (13, 27, 32, 64, 96), (1 << 127 | 1, 15, 2, 4, 0x80))
ALGORITHMS = {"attach-xor": Xor(bytes(range(16))), "attach-hostile": Xor(bytes(range(16))),
              "network-coverage-changes": Xor(bytes(range(16))), "attach-pin-required": OWN}


def test_oracle():
    """The oracle itself, against 3GPP TS 35.208."""
    for line in VECTORS.read_text().splitlines()[1:]:
        k, rand, sqn, amf, opc, f1, f1s, f2, f3, f4, f5, f5s = map(bytes.fromhex,
                                                                  line.split("\t")[1:])
        m = Milenage(k, opc)
        assert (m.mac(rand, sqn, amf), m.mac(rand, sqn, amf, True)) == (f1, f1s)
        assert m.answer(rand) == (f2, f3, f4, f5, f5s)


@pytest.fixture(scope="module")
def runs(rspsim, tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    rspsim("run", "scenarios/network", "--trace-dir", folder, "--quiet", check=0)
    return {p.stem: [json.loads(line) for line in p.open()] for p in folder.glob("*.jsonl")}


def bodies(events, function):
    """(leg, octets) of each message of FUNCTION, as sent."""
    return [(e["leg"], bytes.fromhex(e["body"])) for e in events
            if e["kind"] == "message" and e.get("stage") == "sent" and e["function"] == function]


def authentications(events):
    """(RAND, AUTN, answer, status word) of each AUTHENTICATE in 3G context, 61xx followed."""
    apdus = bodies(events, "Transmit")
    for i, (leg, body) in enumerate(apdus):
        if leg == "request" and body[1] == 0x88 and body[3] == 0x81 and len(body) == 39:
            answer = apdus[i + 1][1]
            if answer[-2] == 0x61:
                answer = apdus[i + 3][1]
            yield body[6:22], body[23:39], answer[:-2], int.from_bytes(answer[-2:], "big")


def parts(answer):
    out, at = [], 1
    while at < len(answer):
        out.append(answer[at + 1:at + 1 + answer[at]])
        at += 1 + answer[at]
    return out


def test_every_answer_of_the_card(runs):
    """RES, CK, IK, Kc and AUTS of every scenario are those of the specification."""
    seen = {0xDB: 0, 0xDC: 0}
    for name, events in runs.items():
        if name == "attach-tuak" or name == "attach-refused":
            continue
        algorithm = ALGORITHMS.get(name, Milenage(KEY, OPC))
        for rand, challenge, answer, sw in authentications(events):
            if sw != 0x9000:
                continue
            seen[answer[0]] += 1
            if answer[0] == 0xDC:
                open_auts(algorithm, rand, parts(answer)[0])
                continue
            open_autn(algorithm, rand, challenge)
            given = parts(answer)
            assert tuple(given[:3]) == algorithm.answer(rand)[:3]
            assert given[3:] in ([], [kc(algorithm, rand)])
    assert seen[0xDB] >= 18 and seen[0xDC] >= 5


def test_res_star(runs):
    """In 5GS the device answers with RES*, bound to the network's name."""
    events = runs["attach-suci"]
    challenges = [b[8:24] for leg, b in bodies(events, "RegistrationRequest")
                  if leg == "response" and b[2] == 0x56]
    answers = [b[5:] for leg, b in bodies(events, "AuthenticationResponse") if leg == "request"]
    assert len(challenges) == len(answers) == 3
    for rand, answer in zip(challenges, answers):
        assert answer == res_star(Milenage(KEY, OPC), rand, "5G:mnc001.mcc001.3gppnetwork.org")


def test_sequence_numbers_rise(runs):
    events = runs["attach-milenage"]
    numbers = [open_autn(Milenage(KEY, OPC), rand, challenge)
               for rand, challenge, _, _ in authentications(events)]
    numbers = numbers[:3]  # the rest are the ISIM's
    assert [n >> 5 for n in numbers] == sorted({n >> 5 for n in numbers})
    assert len({n & 31 for n in numbers}) == 3


def test_suci(runs):
    """Each SUCI is fresh and hides the IMSI of its profile."""
    requests = [b for leg, b in bodies(runs["attach-suci"], "RegistrationRequest")
                if leg == "request"]
    identities = [b[6:6 + int.from_bytes(b[4:6], "big")] for b in requests]
    assert len({i[8:40] for i in identities}) == len(identities) == 4
    wanted = ["0000000121", "0000000121", "0000000131", "0000000141"]
    for identity, msin in zip(identities, wanted):
        assert identity[:4] == bytes.fromhex("0100f110")
        assert identity[4:6].hex() == ("21f3" if msin.endswith("121") else "f0ff")
        assert identity[7] == {1: 27, 2: 30}[identity[6]]
        assert reveal(identity[6], HOME[identity[6]], identity[8:]) == msin


def test_ts48_attaches(rspsim, shared, tmp_path):
    """The GSMA test profile: XOR, null scheme by GET IDENTITY."""
    scenario = tmp_path / "ts48.yaml"
    (tmp_path / "ts48.der").write_bytes(
        (shared / "vectors/ts48/ts48-v7-saip2.3-nobertlv.der").read_bytes())
    scenario.write_text("""
scenario: ts48-attach
world:
  actors:
    ci: {role: ci}
    eum: {role: eum, certified-by: ci}
    mno: {role: operator}
    dp1: {role: smdpp, certified-by: ci, fqdn: dp1.example.com,
          profiles: [{iccid: "89000123456789012341", package: ts48.der, personalise: false,
                      metadata: {profileName: TS.48, serviceProviderName: GSMA, class: test}}],
          orders: [{iccid: "89000123456789012341", matchingId: TS48}]}
    card: {role: euicc, certified-by: eum, eid: "89049032001234000000000000000141"}
    phone: {role: lpa, euicc: card}
steps:
  - user: {at: phone, do: download, activationCode: "LPA:1$dp1.example.com$TS48"}
  - user: {at: phone, do: enable, iccid: "89000123456789012341"}
  - attach: {at: phone, to: mno, expect: {system: 5gs, identity: suci}}
  - attach: {at: phone, to: mno, system: eps}
""")
    rspsim("run", scenario, "--trace-dir", tmp_path, check=0)
    events = [json.loads(line) for line in (tmp_path / "ts48-attach.jsonl").open()]
    first = bodies(events, "RegistrationRequest")[0][1]
    assert first[6:19].hex() == "0100f110f0ff00001032547698"
    given = [parts(answer) for _, _, answer, _ in authentications(events)]
    assert [[len(p) for p in g] for g in given] == [[16, 16, 16, 8]] * 2
    for (rand, challenge, _, _), answer in zip(authentications(events), given):
        open_autn(Xor(bytes(range(16))), rand, challenge)
        assert tuple(answer[:3]) == Xor(bytes(range(16))).answer(rand)[:3]


def test_both_transports(rspsim, tmp_path):
    for transport in ("memory", "https"):
        rspsim("run", "scenarios/network", "--transport", transport, "--trace-dir",
               tmp_path / transport, "--quiet", check=0)
    for path in (tmp_path / "memory").iterdir():
        other = (tmp_path / "https" / path.name).read_text().replace('"https"', '"memory"', 1)
        assert path.read_text() == other
