"""What a task says of itself: rate, time left, failures and devices."""

from types import SimpleNamespace

import pytest

from isekai_gen.cli.console import ConsoleReporter
from isekai_gen.cli.progress import Pace, clock, progress_bar


class Clock:
    """A clock that tests turn."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def pace_after(steps, total=480):
    """A pace that was told of `steps`: (seconds later, images, failed, device)."""
    moment = Clock()
    pace = Pace(total, now=moment)
    for later, *told in steps:
        moment.seconds += later
        pace.count(*told)
    return pace


def test_nothing_is_said_of_the_rate_before_it_is_known():
    assert pace_after([]).line() == "0 of 480"
    assert pace_after([(90, 8)]).line() == "8 of 480"


def test_the_rate_leaves_out_the_time_that_loading_took():
    pace = pace_after([(300, 8), (2, 20), (2, 20)])
    assert pace.line() == "48 of 480, 10.0/s, 0:43 left"


def test_the_rate_is_that_of_the_last_minute():
    slow_then_fast = [(10, 10)] * 20 + [(1, 5)] * 70
    assert pace_after(slow_then_fast, 10_000).per_second() == pytest.approx(5, rel=0.02)


def test_a_stall_lowers_the_rate():
    pace = pace_after([(1, 10), (1, 10)])
    pace.now.seconds += 99
    assert pace.per_second() == pytest.approx(0.1)
    assert "6.0/min" in pace.line()


def test_failures_and_devices_are_told():
    pace = pace_after([(1, 8, 0, "cuda:0"), (1, 8, 3, "cuda:1"), (2, 8, 0, "cuda:0")])
    assert pace.line() == "24 of 480, 5.3/s, 1:26 left, 3 failed (cuda:0 16, cuda:1 8)"


def test_one_device_is_not_worth_a_word_and_many_are_counted():
    assert "cuda" not in pace_after([(1, 8, 0, "cuda:0")]).line()
    assert pace_after([(0, 1, 0, f"node{n}") for n in range(12)]).line().endswith("(on 12 devices)")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0:00"), (38, "0:38"), (725, "12:05"), (11220, "3:07:00")]
)
def test_times_are_shown_as_people_read_them(seconds, shown):
    assert clock(seconds) == shown


def lines_of(capsys, monkeypatch, total, steps):
    """What a task prints where there is no terminal, if its clock goes as told."""
    moment = Clock()
    monkeypatch.setattr("isekai_gen.cli.progress.time", SimpleNamespace(monotonic=moment))
    with ConsoleReporter(quiet=False).task("Generating images", total) as advance:
        for later, *told in steps:
            moment.seconds += later
            advance(*told)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_long_task_has_a_line_every_half_minute(capsys, monkeypatch):
    lines = lines_of(capsys, monkeypatch, 100_000, [(10, 8, 1)] * 9)
    assert len(lines) == 4
    assert lines[0].startswith("Generating images: 24 of 100000, 48.0/min")
    assert lines[-1] == "Generating images: 72 in 90.0 s, 9 failed"


def test_a_short_task_has_a_line_every_tenth(capsys, monkeypatch):
    lines = lines_of(capsys, monkeypatch, 40, [(1.5, 2)] * 20)
    assert [line.split(",")[0] for line in lines[:3]] == [
        "Generating images: 4 of 40",
        "Generating images: 8 of 40",
        "Generating images: 12 of 40",
    ]
    assert len(lines) == 10


def test_a_task_that_is_over_at_once_has_one_line(capsys, monkeypatch):
    assert lines_of(capsys, monkeypatch, 4, [(0.1, 1)] * 4) == ["Generating images: 4 in 0.4 s"]


def test_quiet_says_nothing(capsys):
    with ConsoleReporter(quiet=True).task("Generating images", 4) as advance:
        advance(4, 1, "cpu")
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_bar_says_the_same(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    with progress_bar("Generating images", 16) as advance:
        advance(8, 2, "cuda:0")
        advance(8, 0, "cuda:1")
    shown = capsys.readouterr().err
    assert "16 of 16" in shown
    assert "2 failed (cuda:0 8, cuda:1 8)" in shown
