"""rspsim bench: the shape of its answer, and that the floor is what a download really does."""

import json


def test_json_shape_and_floor(rspsim):
    found = json.loads(rspsim("bench", "--json", check=0).stdout)
    assert list(found) == ["crypto-floor", "download", "https", "start", "card", "fleet"]
    floor, download = found["crypto-floor"], found["download"]
    assert floor["counts"] == download["counts"]
    assert floor["counts"]["signatures"] == 6
    assert floor["profile_bytes"] == download["profile_bytes"] > 1000
    assert floor["us"] > 0 and download["us"] > 0 and found["https"]["us"] > 0
    assert abs(download["floor_ratio"] - download["us"] / floor["us"]) < 0.02
    assert abs(download["trace_ratio"] - download["trace_us"] / download["us"]) < 0.02
    assert download["floor_ratio"] > 1
    assert found["start"]["ms"] > 0
    assert 0 < found["card"]["read_binary_us"] < found["card"]["install_us"]
    assert found["card"]["profile_bytes"] == floor["profile_bytes"]


def test_fleet(rspsim):
    """A device more costs the same whether there are many or few; octets do not depend on the load."""
    few, many = (json.loads(rspsim("bench", "fleet", "--devices", n, "--json", check=0).stdout)["fleet"]
                 for n in ("160", "480"))
    assert (few["devices"], many["devices"]) == (160, 480)
    assert 0 < many["bytes"] < 10_000 and many["bytes"] < 1.1 * few["bytes"]
    assert many["profile_bytes"] == few["profile_bytes"] > 1000
    assert many["start_us"] > 0 and many["download_us"] > 0


def test_devices_out_of_range(rspsim):
    assert rspsim("bench", "fleet", "--devices", "0").returncode == 2


def test_one_name(rspsim):
    assert list(json.loads(rspsim("bench", "crypto-floor", "--json", check=0).stdout)) == [
        "crypto-floor"]


def test_unknown_name(rspsim):
    done = rspsim("bench", "dowload")
    assert done.returncode == 2 and 'did you mean "download"' in done.stderr
    assert not done.stdout
