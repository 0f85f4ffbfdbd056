"""The card in a PC/SC reader: pcscd with vsmartcard's virtual reader, seen by pyscard and by OpenSC.
Skips by name where one of them is not installed, or where this machine's pcscd is in use."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

WORLD = "scenarios/worlds/serve.yaml"
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SOCKET = Path("/run/pcscd/pcscd.comm")
ISDR = bytes.fromhex("A0000005591010FFFFFFFF8900000100")


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail("nothing came in time")


@pytest.fixture
def reader(program, root, tmp_path):
    smartcard = pytest.importorskip("smartcard.System", reason="pyscard is not installed")
    daemon = shutil.which("pcscd") or shutil.which("pcscd", path="/usr/sbin")
    if not daemon or not DRIVER.exists():
        pytest.skip("pcscd or vsmartcard-vpcd is not installed")
    if SOCKET.exists() and smartcard_answers():
        pytest.skip("pcscd is in use on this machine")
    if os.geteuid() != 0:
        pytest.skip("pcscd cannot be started without root")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = tmp_path / "conf"
    config.mkdir()
    (config / "vpcd").write_text(f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{port:#x}\n'
                                 f"LIBPATH {DRIVER}\nCHANNELID {port:#x}\n", encoding="ascii")
    pcscd = subprocess.Popen([daemon, "--foreground", "--config", str(config)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    card = None
    try:
        def door():
            if pcscd.poll() is not None:
                pytest.skip("pcscd does not start here")
            return SOCKET.exists()
        wait_for(door)

        def connected():
            nonlocal card
            if card is None or card.poll() is not None:
                card = subprocess.Popen([program, "card", WORLD, "card", "--vpcd", f"127.0.0.1:{port}"],
                                        cwd=root, stderr=subprocess.DEVNULL)
            time.sleep(0.3)
            return card.poll() is None
        wait_for(connected)
        yield wait_for(lambda: [r for r in smartcard.readers() if "Virtual PCD" in r.name])[0]
    finally:
        for process in (card, pcscd):
            if process:
                process.terminate()
                process.wait(timeout=10)


def smartcard_answers():
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(SOCKET)) == 0


def exchange(connection, command):
    data, sw1, sw2 = connection.transmit(list(command))
    answer = bytes(data)
    while sw1 == 0x61:
        data, sw1, sw2 = connection.transmit([command[0] & 0x83, 0xC0, 0, 0, sw2])
        answer += bytes(data)
    return answer, sw1 << 8 | sw2


def test_pyscard_and_opensc(reader, root):
    from smartcard.CardConnection import CardConnection
    from smartcard.Exceptions import CardConnectionException, NoCardException

    connection = reader.createConnection()

    def connect():
        try:
            connection.connect(CardConnection.T0_protocol)
            return True
        except (NoCardException, CardConnectionException):
            return False
    wait_for(connect)
    assert bytes(connection.getATR()).hex() == "3b9f96801fc78031a073be21136743200718000001a5"
    mf, sw = exchange(connection, bytes.fromhex("00a40004023f00"))
    assert sw == 0x9000 and mf[0] == 0x62
    assert exchange(connection, bytes.fromhex("00a40004022f00"))[1] == 0x9000
    assert exchange(connection, bytes.fromhex("00a4040c07a0000000871002"))[1] == 0x6A82
    assert exchange(connection, bytes.fromhex("0070000001")) == (b"\1", 0x9000)
    fci, sw = exchange(connection, bytes.fromhex("01a4040010") + ISDR)
    assert sw == 0x9000 and fci[:2] == b"\x6f\x1f"
    eid, sw = exchange(connection, bytes.fromhex("81e2910006bf3e035c015a"))
    assert sw == 0x9000 and eid[5:].hex() == "89049032001234000000000000000141"
    assert exchange(connection, bytes.fromhex("0070800100"))[1] == 0x9000
    connection.disconnect()
    tool = shutil.which("opensc-tool")
    if tool:
        done = subprocess.run([tool, "--reader", reader.name, "--send-apdu", "00:A4:00:04:02:3F:00"],
                              capture_output=True, text=True, timeout=30, check=False)
        assert "Received (SW1=0x90, SW2=0x00)" in done.stdout or "SW1=0x61" in done.stdout, done.stdout
