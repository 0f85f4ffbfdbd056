"""ES6 over SCP80 against a model of one's own: Python cryptography makes and reads the packets (ETSI TS 102 225, 3GPP TS
31.115) by the keys in the profile's description."""

import json

import pytest
import yaml
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

KIC = bytes(range(0x00, 0x10))
KID = bytes(range(0x10, 0x20))
TAR = bytes.fromhex("b20100")
ICCID = "8988303000000000010"


def cmac(data):
    mac = CMAC(algorithms.AES(KID))
    mac.update(data)
    return mac.finalize()[:8]


def cbc(data, decrypt=False):
    cipher = Cipher(algorithms.AES(KIC), modes.CBC(bytes(16)))
    worker = cipher.decryptor() if decrypt else cipher.encryptor()
    return worker.update(data) + worker.finalize()


def command(counter, script, spi="1619", keys="1212"):
    padding = -(6 + 8 + len(script)) % 16
    body = script + bytes(padding)
    count = counter.to_bytes(5, "big") + bytes([padding])
    head = bytes([13 + 8]) + bytes.fromhex(spi + keys) + TAR
    head = (len(head) + 6 + 8 + len(body)).to_bytes(2, "big") + head
    return head + cbc(count + cmac(head + count + body) + body)


def read_command(packet):
    assert int.from_bytes(packet[:2], "big") == len(packet) - 2 and packet[2] == 21
    plain = cbc(packet[10:], decrypt=True)
    count, mac, body = plain[:6], plain[6:14], plain[14:]
    assert mac == cmac(packet[:10] + count + body)
    return packet[3:10].hex(), int.from_bytes(count[:5], "big"), body[:len(body) - count[5]]


def read_response(data):
    assert data[:3] == b"\x02\x71\x00"
    packet = data[3:]
    assert int.from_bytes(packet[:2], "big") == len(packet) - 2 and packet[3:6] == TAR
    if packet[2] == 10:  # no security
        return None, packet[12], packet[13:]
    assert packet[2] == 18
    plain = cbc(packet[6:], decrypt=True)
    inner, mac, rest = plain[:7], plain[7:15], plain[15:]
    assert mac == cmac(packet[:6] + inner + rest)
    return int.from_bytes(inner[:5], "big"), inner[6], rest[:len(rest) - inner[5]]


def tlv(tag, value):
    length = bytes([len(value)]) if len(value) < 128 else bytes([0x81, len(value)])
    return bytes.fromhex(tag) + length + value


def envelope(packet, header=bytes.fromhex("027000")):
    user = header + packet
    tpdu = bytes.fromhex("440481214" + "37ff652101000000000") + bytes([len(user)]) + user
    data = tlv("d1", tlv("82", b"\x83\x81") + tlv("86", b"\x91\x21") + tlv("8b", tpdu))
    return b"\x80\xc2\x00\x00" + bytes([len(data)]) + data


def events_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_packets_of_a_run(traces):
    """What the operator sends is what TS 102 225 says, and so is what the card answers."""
    counters, scripts = [], []
    for event in events_of(traces / "es6-update-metadata.jsonl"):
        if event["kind"] != "message" or event["function"] != "UpdateMetadata" or event["stage"] != "sent":
            continue
        body = bytes.fromhex(event["body"])
        if event["leg"] == "request":
            head, counter, script = read_command(body)
            assert head == "16191212b20100"
            counters.append(counter)
            scripts.append(script)
            assert script.startswith(bytes.fromhex("80e6200016000010a0000005591010ffffffff8900000f00000000"))
        elif event["status"]["sw"] == "9000":
            counter, status, additional = read_response(body)
            assert counter == counters[-1] and status == 0 and additional[1:] == b"\x90\x00"
    assert len(scripts) == 5 and counters == sorted(set(counters))
    assert b"\x91\x0aNew Mobile\x92\x08New plan" in scripts[0]


def scenario(steps):
    return yaml.safe_dump({
        "scenario": "ota-model",
        "world": {"use": "worlds/consumer.yaml",
                  "actors": {"dp1": {"orders": [{"iccid": ICCID, "matchingId": "MID-0001"}]}}},
        "steps": [{"user": {"at": "phone", "do": "download", "activationCode": "1$dp1.example.com$MID-0001"}},
                  {"user": {"at": "phone", "do": "enable", "iccid": ICCID}}, *steps]})


def script(update):
    install = bytes.fromhex("80e6200016000010a0000005591010ffffffff8900000f00000000")
    return install + b"\x80\xe2\x90\x00" + bytes([len(update)]) + update


def run(rspsim, tmp_path, apdus, steps=()):
    """Answers of a card of the simulator to raw ENVELOPEs."""
    path = tmp_path / "ota-model.yaml"
    path.write_text(scenario([{"card": {"at": "card", "apdu": apdu.hex()}} for apdu in apdus] + list(steps)))
    done = rspsim("run", path, "--trace-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    answers, current = [], b""
    for event in events_of(tmp_path / "ota-model.jsonl"):
        if event["kind"] != "message" or event.get("interface") != "APDU" or event["stage"] != "sent":
            continue
        body = bytes.fromhex(event["body"])
        if event["leg"] == "request":
            current = body
        elif current[1] == 0xC2 and body[-2] != 0x61:
            answers.append(body)
        elif current[1] == 0xC0 and body[:3] == b"\x02\x71\x00":
            answers.append(body)
    return answers


def test_the_card_takes_packets_of_the_model(rspsim, tmp_path):
    update = tlv("bf2a", tlv("92", b"By the model"))
    answers = run(rspsim, tmp_path, [envelope(command(7, script(update)))],
                  [{"user": {"at": "phone", "do": "list",
                             "expect": {"profiles": [{"iccid": ICCID, "name": "By the model"}]}}}])
    counter, status, additional = read_response(answers[-1][:-2])
    assert (counter, status, additional.hex()) == (7, 0, "029000")


@pytest.mark.parametrize("packet, secured, status", [
    (command(1, b"\x80\xe2\x90\x00\x00", spi="0219"), False, 0x0A), (command(1, b"", spi="0019"), False, 0x0A),
    (command(1, b"", keys="2222"), False, 0x06), (command(1, b"", keys="1222"), False, 0x06),
    (command(1, b"", keys="1515"), False, 0x06), (command(0, b"\x80\xe2\x90\x00\x00"), True, 0x02),
    (command(1, b"")[:-1] + b"\x00", False, 0x01)])
def test_security_errors(rspsim, tmp_path, packet, secured, status):
    answers = run(rspsim, tmp_path, [envelope(packet)])
    counter, got, additional = read_response(answers[-1][:-2])
    assert got == status and additional == b"" and (counter is not None) == secured


@pytest.mark.parametrize("commands, additional", [
    (b"\x80\xe2\x90\x00\x00", "016985"), (b"\x80\xe6\x20\x00\x00", "016a80"), (b"\x80\xa4\x00\x00\x00", "016d00"),
    (b"\xa0\xa4\x00\x00\x00", "016e00"), (b"\x80\xe2\x90\x00\xff", "006700"), (b"", "006a80"),
    (script(tlv("bf2a", tlv("90", b"nickname"))), "026a80"), (script(tlv("bf2a", tlv("94", b"\x89PNG"))), "026a80"),
    (script(tlv("bf2a", tlv("5a", bytes(10)))), "026a80"), (script(b"\xbf\x2a\x05\x92"), "026a80"),
    (script(tlv("bf2a", tlv("99", b"\x06\x40"))), "026985"), (script(tlv("bf2a", b"")), "029000")])
def test_scripts(rspsim, tmp_path, commands, additional):
    answers = run(rspsim, tmp_path, [envelope(command(9, commands))])
    assert read_response(answers[-1][:-2]) == (9, 0, bytes.fromhex(additional))


def test_parts_in_any_order(rspsim, tmp_path):
    packet = command(3, script(tlv("bf2a", tlv("92", b"x" * 64) + tlv("91", b"y" * 32))))
    first, rest = packet[:60], packet[60:]
    one = envelope(first, bytes.fromhex("070003aa02017000"))
    two = envelope(rest, bytes.fromhex("050003aa0202"))
    answers = run(rspsim, tmp_path, [two, one])
    assert read_response(answers[-1][:-2])[1] == 0
