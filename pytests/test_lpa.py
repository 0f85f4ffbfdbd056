"""`rspsim lpa` as a user has it: against `rspsim serve` over real TLS, with a card in a process of its own and with one
of a world; and against a server that misbehaves."""

import http.server
import json
import ssl
import subprocess
import threading

import pytest

WORLD = "scenarios/worlds/serve.yaml"
ICCID = "8988303000000000010"


class Bench:
    def __init__(self, program, root, folder):
        self.program, self.root, self.folder = program, root, folder
        subprocess.run([program, "pki", WORLD, "-o", folder / "pki"], cwd=root, check=True, capture_output=True)
        self.ca = folder / "pki" / "ci.pem"
        self.server = subprocess.Popen([program, "serve", WORLD], cwd=root, text=True, stdout=subprocess.PIPE)
        self.address = json.loads(self.server.stdout.readline())["endpoints"][0]["address"]
        self.resolve = f"dp1.example.com={self.address}"
        self.process_card = f"stdio:'{program}' card {WORLD} card --stdio --state '{folder}/card'"
        self.world_card = f"sim:{WORLD}:card"

    def close(self):
        self.server.terminate()
        assert self.server.wait(timeout=10) == 0

    def lpa(self, *args, card=None, ca=True, resolve=True, check=0):
        card = card or self.process_card
        command = [self.program, "lpa", "--card", card]
        if card == self.world_card:
            command += ["--state", self.folder / "world"]
        elif ca:
            command += ["--ca", self.ca]
        if resolve:
            command += ["--resolve", self.resolve]
        done = subprocess.run([*command, *args], cwd=self.root, text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == check, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *args, **kwargs):
        return json.loads(self.lpa("--json", *args, **kwargs).stdout)


@pytest.fixture
def bench(program, root, tmp_path):
    bench = Bench(program, root, tmp_path)
    yield bench
    bench.close()


@pytest.mark.parametrize("kind", ["process", "world"])
def test_life_of_a_profile(bench, kind):
    card = bench.process_card if kind == "process" else bench.world_card
    info = bench.json("info", card=card)
    assert info["eid"] == "89049032001234000000000000000141" and info["svn"] == "2.6.0"
    assert bench.json("list", card=card) == []
    code = "LPA:1$dp1.example.com$MID-0001"
    assert bench.lpa("--yes", "download", code, card=card).stdout == ICCID + "\n"
    second = bench.json("--yes", "--confirmation-code", "1234", "download", "1$dp1.example.com$MID-0002", card=card)
    assert second["ok"] and second["iccid"] == "8988303000000000028" and second["pending"] == 0
    third = bench.json("--yes", "--address", "dp1.example.com", "download", card=card)
    assert third["iccid"] == "8988303000000000036"
    bench.lpa("--yes", "enable", ICCID, card=card)
    bench.lpa("nickname", ICCID, "holiday", card=card)
    states = {p["iccid"]: (p["state"], p["nickname"]) for p in bench.json("list", card=card)}
    assert states == {ICCID: ("enabled", "holiday"), "8988303000000000028": ("disabled", ""),
                      "8988303000000000036": ("disabled", "")}
    bench.lpa("--yes", "disable", ICCID, card=card)
    bench.lpa("--yes", "delete", ICCID, card=card)
    assert len(bench.json("list", card=card)) == 2
    assert bench.lpa("notifications", card=card).stdout == ""
    bench.lpa("--yes", "default-dp", "dp1.example.com", card=card)
    assert bench.json("info", card=card)["defaultDpAddress"] == "dp1.example.com"
    bench.lpa("--yes", "reset", "operational", "test", card=card)
    assert bench.json("list", card=card) == []


def test_what_is_not_delivered_waits(bench):
    bench.lpa("--yes", "--keep-notifications", "download", "1$dp1.example.com$MID-0001")
    waiting = bench.json("notifications")
    assert [n["event"] for n in waiting] == ["install", "install"] and waiting[0]["iccid"] == ICCID
    assert bench.json("notifications", "deliver")["delivered"] == 2
    assert bench.json("notifications") == []


def test_refusals_name_place_and_reason(bench):
    done = bench.lpa("--yes", "download", "1$dp1.example.com$NOBODY", check=1)
    assert done.stderr == "rspsim lpa: ES9+.AuthenticateClient: refused 8.2.6/3.8 (MatchingID refused)\n"
    done = bench.lpa("--yes", "--confirmation-code", "9", "download", "1$dp1.example.com$MID-0002", check=1)
    assert "ES9+.GetBoundProfilePackage: refused 8.2.7/3.8" in done.stderr
    done = bench.lpa("--yes", "download", "1$dp1.example.com", check=1)
    assert "activationCode" in done.stderr
    done = bench.lpa("--yes", "enable", ICCID, check=1)
    assert "ES10c.EnableProfile: iccidOrAidNotFound" in done.stderr
    done = bench.lpa("download", "1$dp1.example.com$MID-0001", check=1)
    assert "say --yes" in done.stderr and "postponed" in done.stderr
    assert bench.json("list") == []


def test_tls_is_checked(bench):
    code = "1$dp1.example.com$MID-0001"
    done = bench.lpa("--yes", "download", code, ca=False, check=1)
    assert "InitiateAuthentication: tls" in done.stderr
    other = bench.folder / "other.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", bench.folder / "k.pem", "-out", other, "-subj", "/CN=other"], check=True,
                   capture_output=True)
    done = bench.lpa("--yes", "--ca", other, "download", code, ca=False, check=1)
    assert "the TLS certificate is refused: ciUnknown" in done.stderr
    done = bench.lpa("--yes", "--resolve", f"dp9.example.com={bench.address}", "download", "1$dp9.example.com$A",
                     check=1)
    assert "the TLS certificate is refused: name" in done.stderr
    done = bench.lpa("--yes", "download", code, resolve=False, check=1)
    assert "InitiateAuthentication: unresolved" in done.stderr
    bench.lpa("--yes", "--insecure", "--ca", other, "download", code, ca=False)


@pytest.mark.parametrize("args, word", [
    ([], "what shall it do"), (["fly"], "no such command"), (["enable"], "usage"), (["discover", "a", "b"], "usage"),
    (["--card", "pcsc:", "list"], "--card is"), (["--card", "stdio:/bin/false", "list"], "does not give a card"),
    (["--card", "stdio:/bin/cat", "list"], "does not give a card"), (["--card", f"sim:{WORLD}:dp1", "list"], "no euicc"),
    (["--card", "sim:nowhere.yaml:card", "list"], "nowhere.yaml"), (["--timeout", "-1", "list"], "--timeout"),
    (["--card", f"sim:{WORLD}:card", "reset", "all"], "operational"),
    (["--card", f"sim:{WORLD}:card", "--resolve", "x", "list"], "--resolve"),
    (["--card", f"sim:{WORLD}:card", "--ca", "README.md", "list"], "README.md")])
def test_bad_usage(rspsim, args, word):
    done = rspsim("lpa", *args, check=2)
    assert word in done.stderr and not done.stdout


class Hostile(http.server.BaseHTTPRequestHandler):
    answer = (200, b"")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.answer
        self.send_response(status)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args):
        pass


@pytest.mark.parametrize("answer, word", [
    ((200, b""), "badReply"), ((200, b"{\x00\x1b[31m"), "badReply"), ((500, b"no"), "http"), ((302, b""), "http"),
    ((200, b"[" * 100000), "badReply"), ((200, b" " * (5 << 20)), "too large"),
    ((200, b'{"header":{"functionExecutionStatus":{"status":"Failed","statusCodeData":'
           b'{"subjectCode":"8.1\x1b[2J","reasonCode":"3.8"}}}}'), "InitiateAuthentication")])
def test_hostile_server(bench, answer, word):
    """Whatever a server says ends in one line for people, without its control characters."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Hostile,), {"answer": answer}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pki = bench.folder / "pki"
    context.load_cert_chain(pki / "dp1-tls.pem", pki / "dp1-tls.key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = bench.lpa("--yes", "--insecure", "--resolve", f"bad.example.com=127.0.0.1:{server.server_port}",
                         "download", "1$bad.example.com$A", check=1)
        assert word in done.stderr and "\x1b" not in done.stderr and done.stderr.count("\n") == 1
    finally:
        server.shutdown()


def test_lpa_in_the_euicc_needs_no_store_data(rspsim, root, tmp_path):
    """The trace has the ES10 calls by name, but over the terminal's interface goes only the activation."""
    rspsim("run", root / "scenarios/consumer/lpae-download.yaml", "--trace-dir", tmp_path, "--quiet", check=0)
    events = [json.loads(line) for line in (tmp_path / "lpae-download.jsonl").read_text().splitlines()]
    sent = [e for e in events if e["kind"] == "message" and e["stage"] == "sent" and e["leg"] == "request"]
    store_data = [e["body"][10:14] for e in sent if e["interface"] == "APDU" and e["body"][2:4] == "e2"]
    assert set(store_data) == {"bf42"}
    assert {"AuthenticateServer", "LoadBoundProfilePackage", "EnableProfile", "StoreMetadata"} <= {
        e["function"] for e in sent}


@pytest.mark.parametrize("answer", [
    "rubbish", "{}", "[1]", '{"type":"apdu","payload":{"ecode":-1}}', '{"type":"apdu","payload":{"ecode":0,"data":"9"}}',
    '{"type":"apdu","payload":{"ecode":0,"data":"90"}}', '{"type":"apdu","payload":{"ecode":0,"data":"6a82"}}',
    '{"type":"apdu","payload":{"ecode":0,"data":"01019000"}}', '{"type":"apdu","payload":{"ecode":0,"data":"' + "00" * 400 + '"}}',
    "x" * 100000])
def test_hostile_card(rspsim, tmp_path, answer):
    """A card's program that says anything ends the command with one line and status 1."""
    (tmp_path / "answer").write_text(answer)
    (tmp_path / "card.py").write_text(
        "import pathlib, sys\nready = '{\"type\":\"apdu\",\"payload\":{\"ecode\":0}}'\n"
        "answer = (pathlib.Path(__file__).parent / 'answer').read_text()\n"
        "for n, line in enumerate(sys.stdin):\n    print(answer if n else ready, flush=True)\n")
    for command in (["list"], ["info"], ["notifications"], ["--yes", "download", "1$dp1.example.com$A"]):
        done = rspsim("lpa", "--card", f"stdio:/usr/bin/python3 '{tmp_path}/card.py'", *command, check=1)
        assert done.stderr.startswith("rspsim lpa: ") and done.stderr.count("\n") == 1


def test_discovery(program, root, tmp_path):
    """An order behind an event: the card's root SM-DS tells where it is, and the profile is installed."""
    world = tmp_path / "world.yaml"
    world.write_text("world:\n  use: worlds/discovery.yaml\n  actors:\n    dp1:\n      orders:\n"
                     f'        - {{iccid: "{ICCID}", matchingId: EVENT-1, eid: "89049032001234000000000000000141",\n'
                     "           smdsAddress: rootds.example.com}\n")
    server = subprocess.Popen([program, "serve", world], cwd=root, text=True, stdout=subprocess.PIPE)
    try:
        places = []
        for endpoint in json.loads(server.stdout.readline())["endpoints"]:
            places += ["--resolve", f"{endpoint['fqdn']}={endpoint['address']}"]
        command = [program, "lpa", "--card", f"sim:{world}:card", "--state", tmp_path / "card", "--yes", *places]
        for _ in range(2):
            done = subprocess.run([*command, "discover"], cwd=root, text=True, capture_output=True, timeout=60)
            assert done.returncode == 0, done.stderr
            listed = subprocess.run([*command, "--json", "list"], cwd=root, text=True, capture_output=True, timeout=60)
            assert [p["iccid"] for p in json.loads(listed.stdout)] == [ICCID]
        done = subprocess.run([*command, "discover", "altds.example.com"], cwd=root, text=True, capture_output=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
    finally:
        server.terminate()
        server.wait(timeout=10)
