"""Links and cards that take their time: what a run says of them, reckoned again from its trace."""

import json

import pytest

RATES = {"nb-iot": (62500, 25500), "lte-m": (375000, 300000), "lte": (5160000, 10296000)}


def report(rspsim, tmp_path, *args):
    path = tmp_path / "report.json"
    rspsim("run", *args, "--report", path, "--trace-dir", tmp_path, "--quiet", check=0)
    return {s["scenario"]: s for s in json.loads(path.read_text())["scenarios"]}


def times(path, function):
    """When each request of FUNCTION was delivered, and its response sent."""
    starts, ends = {}, {}
    for event in map(json.loads, path.open()):
        if event["kind"] == "message" and event["function"] == function:
            if (event["leg"], event["stage"]) == ("request", "delivered"):
                starts[event["xid"]] = event["t"]
            if (event["leg"], event["stage"]) == ("response", "sent"):
                ends[event["xid"]] = event["t"]
    return [(ends[x] - starts[x]) / 1000 for x in starts if x in ends]


def test_card_takes_its_time(rspsim, tmp_path):
    """The measured times of single functions come out again, within the link's share."""
    run = report(rspsim, tmp_path, "scenarios/network/link-download.yaml")["link-download"]
    trace = tmp_path / "link-download.jsonl"
    for function, measured, share in (("GetEUICCChallenge", 4.7, 12), ("GetEUICCInfo1", 40.2, 30),
                                      ("AuthenticateServer", 3016, 160), ("PrepareDownload", 3707, 70)):
        (took,) = times(trace, function)
        assert measured < took < measured + share, function
    segments = [e["t"] / 1000 for e in map(json.loads, trace.open())
                if e["kind"] == "message" and e["function"] == "LoadProfileElements"
                and e["stage"] == "delivered"]
    assert all(600 < b - a < 1400 for a, b in zip(segments, segments[1:]))
    busy = run["cards"][0]["microseconds"]
    assert 0.9 * run["virtualMicroseconds"] < busy < run["virtualMicroseconds"]


def test_report_of_links(rspsim, tmp_path):
    """Airtime is octets over rate; several processes say the same."""
    one = report(rspsim, tmp_path, "scenarios/network")
    two = report(rspsim, tmp_path, "scenarios/network", "--jobs", "2")
    for name in one:
        assert {k: v for k, v in one[name].items() if k != "realMicroseconds"} == \
            {k: v for k, v in two[name].items() if k != "realMicroseconds"}
    (link,) = one["link-download"]["links"]
    up, down = RATES[link["link"]]
    assert link["airtimeMicroseconds"] == pytest.approx(
        8e6 * (link["up"] / up + link["down"] / down), abs=2 * link["packets"])
    assert "links" not in one["attach-xor"]
    lossy = {e["device"]: e for e in one["link-message-limit"]["links"]}
    assert lossy["phone"]["lost"] == 0 and lossy["phone2"]["lost"] > 0


def test_compare(rspsim):
    done = rspsim("compare", "scenarios/network/link-download.yaml", check=0)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[1] for row in rows] == list(RATES)
    seconds = [float(row[2]) for row in rows]
    assert seconds == sorted(seconds, reverse=True) and len(set(seconds)) == 3
    assert len({row[3] for row in rows}) == 1, "the card does not care about the link"
    assert "| link-download | lte-m |" in rspsim("compare", "--markdown",
                                               "scenarios/network/link-download.yaml").stdout
    assert rspsim("compare").returncode == 2


def test_compare_puts_every_device_on_the_link(rspsim, tmp_path):
    """Scenarios that name no link, too; one that does not pass costs the others nothing."""
    thrifty = tmp_path / "thrifty.yaml"
    thrifty.write_text("""
scenario: thrifty
world:
  actors:
    ci: {role: ci}
    eum: {role: eum, certified-by: ci}
    eim1: {role: eim, certified-by: ci, fqdn: eim1.example.com, devices: [card]}
    card: {role: euicc, certified-by: eum, eid: "89049032001234000000000000000141", iot: {version: "1.2", eims: [{eim: eim1}]}}
    dev1: {role: ipa, euicc: card, fqdn: dev1.example.com, connectivity: {link: lte}}
steps:
  - eim: {at: eim1, to: card, do: list-profile-info}
  - eim: {at: eim1, to: card, do: push, address: dev1.example.com}
expect: {eim1: {packages: [{state: done}]}, dev1: {traffic: {airtime: 100ms}}}
""")
    done = rspsim("compare", thrifty, "scenarios/iot/direct-smds.yaml", check=1)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[:2] for row in rows if row[0] == "direct-smds"] == [["direct-smds", link] for link in RATES]
    assert all(int(row[7]) > 10 and int(row[5]) > 5000 for row in rows if row[0] == "direct-smds")
    pushed = {row[1]: row for row in rows if row[0] == "thrifty"}
    assert list(pushed) == ["lte-m", "lte"] and "thrifty, over nb-iot: thrifty.yaml:" in done.stderr
    # package and acknowledgement come down to the device, with a request's headers, and the answers go up
    assert int(pushed["lte"][6]) > 2 * 389 and 2 * 249 < int(pushed["lte"][5]) < 2 * 389


@pytest.mark.parametrize("bad,message", [
    ("network: {places: {home: {coverage: [nobody]}}}", '"nobody" is no operator'),
    ("network: {places: {home: {}}}\n  actors: {phone: {connectivity: {place: moon}}}",
     'no place "moon"'),
    ("actors: {phone: {connectivity: {link: 5g}}}", "5g"),
])
def test_bad_networks(rspsim, tmp_path, bad, message):
    path = tmp_path / "bad.yaml"
    path.write_text(f"scenario: bad\nworld:\n  use: worlds/consumer.yaml\n  {bad}\nsteps: []\n")
    done = rspsim("check", path)
    assert done.returncode == 2 and message in done.stderr


def test_steps_need_connectivity(rspsim, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("scenario: bad\nworld: worlds/consumer.yaml\nsteps:\n  - device: {at: phone}\n")
    assert "no device with connectivity" in rspsim("check", path).stderr
