"""Pages that show what would change, made of a stack that stands: its presets, its jobs, and the marks they bear."""

import json
from pathlib import Path
from typing import Any

import pytest

from client import Darkroom, command
from local.supervisor import Supervisor
from operations import upgrade
from operations.comparison import Verdict
from operations.standing import standing
from tests.support import pictures
from tests.support.stack import ROOT, on_the_stack

pytestmark = on_the_stack


def numbers(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert command.run([*arguments, "--no-score", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_marked_with_a_result_is_made_again_with_that_result(
    stack: Supervisor,
    darkroom: Darkroom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`presets diff` fetches the mark from the service, `upgrade` takes it from the results, and both lay it over."""
    monkeypatch.chdir(ROOT)
    photo = tmp_path / "corpus" / "photo.jpg"
    photo.parent.mkdir()
    photo.write_bytes(pictures.encoded(pictures.photo(300, 200).convert("RGB"), "jpeg", quality=92))
    logo = darkroom.upload(
        pictures.encoded(pictures.disc(40, 40, (255, 0, 0), (255, 0, 0)), "png"),
        variants=[{"name": "logo", "output": {"format": "png"}}],
    )
    darkroom.wait(logo.id)
    mark = {"asset": f"{logo.id}.logo", "scale": 30}
    text = {"text": "{job_id} {date}", "anchor": "south", "scale": 90}
    old = [{"name": "hero", "resize": {"width": 200}, "overlays": [mark, text]}]
    new = [{"name": "hero", "resize": {"width": 200}, "overlays": [mark, text], "output": {"quality": 40}}]
    for name, variants in (("marked@1", old), ("marked@2", new)):
        darkroom.put_preset(name, variants)
    page = tmp_path / "page.html"

    wanted = ["presets", "diff", "marked@1", "marked@2", "--corpus", str(photo.parent), "--url", stack.url]
    found = numbers([*wanted, "--out", str(page)], capsys)
    assert found["pairs"] == 1
    (pair,) = found["details"]
    assert pair["verdict"] == "mixed"
    assert pair["after"]["bytes"] < pair["before"]["bytes"]

    job = darkroom.wait(darkroom.upload(photo, preset="marked@1").id)
    with standing(ROOT, "local", data=tmp_path, endpoint=stack.cloud.endpoint) as found_there:
        row = found_there.jobs([job.id])[job.id]
        assert row is not None
        assert [(pair.variant, pair.verdict) for pair in upgrade.pairs(found_there, [row])] == [("hero", Verdict.SAME)]
    some = ["upgrade", "--what-changes", "--sample", "1", "--endpoint", stack.cloud.endpoint, "--out", str(page)]
    assert numbers(some, capsys)["pairs"] >= 1
    for name in ("marked@1", "marked@2"):
        darkroom.delete_preset(name)
