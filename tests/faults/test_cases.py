"""The frame of the cases: what it says, and how it ends."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import cases
from tests.support.cases.__main__ import main, promises

Plant = Callable[[str, str], None]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Put a case beside the real ones."""
    monkeypatch.setattr(cases, "__path__", [*cases.__path__, str(tmp_path)])

    def plant(name: str, body: str) -> None:
        monkeypatch.delitem(sys.modules, f"{cases.__name__}.{name}", raising=False)
        (tmp_path / f"{name}.py").write_text(
            f'"""A planted promise."""\n\nfrom tests.support.cases import hold, say\n\n\ndef main() -> str:\n{body}\n'
        )

    return plant


def test_the_figure_is_the_last_line(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant("kept", "    say('half way')\n    hold(True, '')\n    return '12 of 12'")
    assert main(["kept"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" s  half way")
    assert lines[-1] == "kept: 12 of 12"


def test_a_promise_that_does_not_hold_ends_with_what_was_seen(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant("lost", "    hold(False, lambda: '11 of 12 completed')\n    return '12 of 12'")
    assert main(["lost"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "lost: broken: 11 of 12 completed"


def test_what_is_asserted_on_the_way_is_a_bar_too(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant("torn", "    assert False, 'waited for the end of each job\\nand more'")
    assert main(["torn"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "torn: broken: waited for the end of each job"
    assert "Traceback" in said.err


def test_a_wait_ends_with_all_or_with_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(cases, "STALLED_SECONDS", 0.05)
    seen = iter([1, 2, 3])
    cases.followed(lambda: next(seen), 3, "done")
    with pytest.raises(cases.Broken, match="2 of 3 done, and for 0 s not one more"):
        cases.followed(lambda: 2, 3, "done")


def test_a_case_that_is_stopped_says_so(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant("long", "    raise KeyboardInterrupt")
    assert main(["long"]) == 130
    assert capsys.readouterr().out.splitlines()[-1] == "long: stopped"


def test_the_list_says_each_promise_in_a_line(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant("kept", "    return ''")
    assert promises()["kept"] == "A planted promise."
    assert all(promises().values())
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "kept       A planted promise." in capsys.readouterr().out


def test_a_case_that_there_is_not_is_refused_in_words() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "tests.support.cases", "nothing"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "invalid choice: 'nothing'" in asked.stderr
