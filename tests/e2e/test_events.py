"""What a device does is what an administrator sees, until the installation goes."""
import csv
import io
import json

from programs import DIGITS_V1, DIGITS_V2


def test_downloads_and_adoption_show_and_a_deleted_installation_is_erased(server, godwit):
    for model in (DIGITS_V1, DIGITS_V2):
        godwit.push("digits", model.read_bytes(), "--publish")
        godwit.ok("get", "digits", "--type", "latest", "--send-events")
    godwit.ok("get", "digits", "--type", "latest")  # Says which version it holds now.
    stats = godwit.json("model", "stats", "digits")
    assert stats["adoption"] == [{"installations": "1", "version": "2"}]
    finished = [total for total in stats["totals"] if total["kind"] == "FINISHED"]
    assert [(total["version"], total["count"], total["bytes"]) for total in finished] == [
        (number, "1", str(model.stat().st_size)) for number, model in (("1", DIGITS_V1), ("2", DIGITS_V2))]
    text = godwit.ok("model", "stats", "digits")
    assert "@2" in text and "100.0 %" in text and "█" in text

    first = stats["firstDay"]
    rows = [json.loads(line) for line in godwit.ok("events", "export", "--from", first).splitlines()]
    assert {row["kind"] for row in rows} == {"STARTED", "FINISHED", "SWITCHED"}
    table = csv.DictReader(io.StringIO(godwit.ok("events", "export", "--from", first, "--format", "csv")))
    assert [row["kind"] for row in table] == [row["kind"] for row in rows]

    [installation] = {row["installation"] for row in rows}
    [path] = (path for path in godwit.home.rglob("installation") if path.parent.name != "locks")
    refresh_token = json.loads(path.read_bytes()[16:])["refresh_token"]
    status, _, reply = server.request(
        "DELETE", f"/v1/projects/godwit/installations/{installation}",
        {"x-goog-api-key": server.app["api_key"], "Authorization": f"FIS_v2 {refresh_token}"})
    assert status == 200, reply
    assert godwit.ok("events", "export", "--from", first) == ""
    assert godwit.json("model", "stats", "digits")["adoption"] == []


def test_without_the_flag_nothing_is_told(server, godwit):
    godwit.push("digits", DIGITS_V1.read_bytes(), "--publish")
    godwit.ok("get", "digits")
    stats = godwit.json("model", "stats", "digits")
    assert stats["totals"] == []
    assert not list(godwit.home.rglob("events"))
