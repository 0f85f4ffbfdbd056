"""The SM-DSs of `rspsim serve` against SM-DP+s, an LPA and an eUICC made of python-cryptography and http.client alone."""

import http.client
import json
import ssl
import subprocess

import pytest

import test_smdpp

EID = test_smdpp.EID
OTHER_EID = "89049032001234000000000000000238"
DP, EVENT = "dp1.example.com", "EVENT-0001"


class Card(test_smdpp.Device):
    """LPA and eUICC before an SM-DS: id-rspRole-ds-auth in place of -dp-auth, events in place of a profile."""

    def certificate(self, der, policy):
        return super().certificate(der, "7")

    def post(self, function, **members):
        if function != "authenticateClient":
            return super().post(function, **members)
        body = {"transactionId": members["transactionId"], "authenticateServerResponse":
                test_smdpp.base64.b64encode(members["authenticateServerResponse"]).decode()}
        self.https.request("POST", "/gsma/rsp2/es9plus/authenticateClient", json.dumps(body),
                           {"Content-Type": "application/json", "X-Admin-Protocol": "gsma/rsp/v2.2.2"})
        reply = json.loads(self.https.getresponse().read())
        status = reply["header"]["functionExecutionStatus"]
        if status["status"] != "Executed-Success":
            return f"{status['statusCodeData']['subjectCode']}/{status['statusCodeData']['reasonCode']}"
        assert set(reply) == {"header", "transactionId", "eventEntries"} and reply["transactionId"] == self.id_text
        return [(e["eventId"], e["rspServerAddress"]) for e in reply["eventEntries"]]

    def ask(self, event_id=""):
        self.initiate()
        return self.authenticate(event_id)


class Peer:
    """A client of ES12 with the TLS certificate of NAME; None: without one."""

    def __init__(self, address, pki, name):
        host, port = address.split(":")
        context = ssl.create_default_context(cafile=pki / "ci.pem")
        context.check_hostname = False
        if name:
            context.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key.pem")
        self.https = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)

    def post(self, function, **members):
        body = {"header": {"functionRequesterIdentifier": "2.999.1", "functionCallIdentifier": "1"}, **members}
        self.https.request("POST", "/gsma/rsp2/es12/" + function, json.dumps(body),
                           {"Content-Type": "application/json", "X-Admin-Protocol": "gsma/rsp/v2.2.2"})
        answer = self.https.getresponse()
        text = answer.read()
        assert answer.status == 200
        reply = json.loads(text)
        assert set(reply) == {"header"}
        status = reply["header"]["functionExecutionStatus"]
        data = status.get("statusCodeData")
        return f"{data['subjectCode']}/{data['reasonCode']}" if data else status["status"]

    def register(self, event_id=EVENT, address=DP, forwarding=False, eid=EID):
        return self.post("registerEvent", eid=eid, rspServerAddress=address, eventId=event_id,
                         forwardingIndicator=forwarding)

    def delete(self, event_id=EVENT, eid=EID):
        return self.post("deleteEvent", eid=eid, eventId=event_id)


class World:
    def __init__(self, program, root, tmp_path):
        self.program, self.root, self.state, self.pki = program, root, tmp_path / "state", tmp_path / "pki"
        self.world = root / "scenarios" / "worlds" / "discovery.yaml"
        subprocess.run([program, "pki", self.world, "--today", "-o", self.pki], check=True, cwd=root,
                       stdout=subprocess.DEVNULL, timeout=30)
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.program, "serve", self.world, "--state", self.state], cwd=self.root,
                                        text=True, stdout=subprocess.PIPE)
        ready = json.loads(self.process.stdout.readline())
        self.endpoints = {e["actor"]: e for e in ready["endpoints"]}

    def stop(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        assert kill or code == 0

    def peer(self, ds, name):
        return Peer(self.endpoints[ds]["address"], self.pki, name)

    def card(self, ds):
        return Card(self.endpoints[ds]["address"], self.pki)


@pytest.fixture
def served(program, root, tmp_path):
    world = World(program, root, tmp_path)
    yield world
    world.stop()


def test_endpoints(served):
    assert served.endpoints["rootds"]["interfaces"] == ["ES11", "ES12"]
    assert served.endpoints["altds"]["role"] == "smds"


def test_events(served):
    dp, card = served.peer("rootds", "dp1-tls"), served.card("rootds")
    assert card.ask() == []
    assert dp.register() == "Executed-Success"
    assert dp.register() == "8.9.5/3.3"
    assert dp.register("EVENT-0002") == "Executed-Success"
    assert dp.register("EVENT-0003", eid=OTHER_EID) == "Executed-Success"
    assert card.ask() == [(EVENT, DP), ("EVENT-0002", DP)]
    assert card.ask("EVENT-0002") == [("EVENT-0002", DP)]
    assert card.ask("EVENT-0003") == "8.9.5/3.9"
    assert dp.delete() == "Executed-Success"
    assert dp.delete() == "8.9.5/3.9"
    assert card.ask() == [("EVENT-0002", DP)]


def test_who_may(served):
    assert served.peer("rootds", None).register() == "1.1/1.2"
    assert served.peer("rootds", "mno-client").register() == "1.1/1.2"
    assert served.peer("rootds", "dp1-tls").register() == "Executed-Success"
    assert served.peer("rootds", "dp2-tls").delete() == "8.9.5/3.9"
    assert served.peer("rootds", "dp1-tls").delete() == "Executed-Success"
    with pytest.raises((ssl.SSLError, OSError)):  # a certificate that is for no TLS client
        served.peer("rootds", "dp1-auth").register()


def test_cascade(served):
    dp = served.peer("altds", "dp1-tls")
    assert dp.register(forwarding=True) == "Executed-Success"
    [(event, address)] = served.card("rootds").ask()
    assert address == served.endpoints["altds"]["address"]
    assert event != EVENT and len(bytes.fromhex(event)) == 16
    assert served.card("altds").ask(event) == [(EVENT, DP)]
    assert dp.delete() == "Executed-Success"
    assert served.card("altds").ask(event) == "8.9.5/3.9"
    assert served.card("rootds").ask() == []


def test_events_survive_a_kill(served):
    assert served.peer("altds", "dp1-tls").register(forwarding=True) == "Executed-Success"
    [(event, _)] = served.card("rootds").ask()
    served.stop(kill=True)
    served.start()
    assert served.card("altds").ask(event) == [(EVENT, DP)]
    assert served.peer("altds", "dp1-tls").delete() == "Executed-Success"
    assert served.card("rootds").ask() == []


def test_damaged_signature(served):
    card = served.card("rootds")
    card.initiate()
    card.server = card.server.replace(card.server[-4:], bytes(4))  # another serverChallenge
    assert card.authenticate("") == "8.1/6.1"
    assert card.authenticate("") == "8.10.1/3.9"  # the session has ended
