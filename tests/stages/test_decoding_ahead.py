"""Pictures are decoded ahead, in order, and only so many of them."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.executors import EngineChoice
from isekai_gen.stages.decoding_ahead import batches_ahead, decode_threads


@dataclass(frozen=True)
class Number:
    number: int
    opened: bool = True


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 4), st.integers(1, 7))
def test_batches_hold_everything_in_order_and_so_many_that_opened(opened, threads, rows):
    inputs = [Number(number, good) for number, good in enumerate(opened)]
    batches = list(batches_ahead(lambda each: each, inputs, threads, rows))
    assert [each for batch in batches for each in batch] == inputs
    assert all(batches)
    assert all(sum(each.opened for each in batch) == rows for batch in batches[:-1])
    assert sum(each.opened for batch in batches[-1:] for each in batch) <= rows


def test_slow_pictures_do_not_change_the_order():
    def look(number: int) -> Number:
        time.sleep(0.002 * (number % 3))
        return Number(number)

    batches = list(batches_ahead(look, range(20), 4, 6))
    assert [[each.number for each in batch] for batch in batches] == [
        [*range(6)], [*range(6, 12)], [*range(12, 18)], [18, 19],
    ]  # fmt: skip


def test_only_about_one_batch_is_taken_ahead():
    taken = []

    def inputs():
        for number in range(1000):
            taken.append(number)
            yield number

    with closing(batches_ahead(Number, inputs(), 2, 5)) as batches:
        next(batches)
        assert 5 <= len(taken) <= 5 + 2 * 2 + 5
        next(batches)
        assert len(taken) <= 5 + 2 * 2 + 10


def test_closing_ends_the_threads_and_looks_at_nothing_more():
    looked = []

    def look(number: int) -> Number:
        looked.append(number)
        time.sleep(0.001)
        return Number(number)

    with closing(batches_ahead(look, range(1000), 2, 4)) as batches:
        next(batches)
    count = len(looked)
    time.sleep(0.02)
    assert len(looked) == count < 100
    names = [thread.name for thread in threading.enumerate()]
    assert not any("picture reader" in name for name in names)


def test_what_goes_wrong_in_a_thread_is_raised():
    def look(number: int) -> Number:
        if number == 3:
            raise OSError("torn cable")
        return Number(number)

    with pytest.raises(OSError, match="torn cable"):
        list(batches_ahead(look, range(10), 2, 2))


@pytest.mark.parametrize(
    ("devices", "parts", "threads"),
    [
        (["cuda:0"], 5, 16),
        (["cuda:0", "cuda:1"], 5, 8),
        (["cuda:0", "cuda:1"], 1, 16),
        (["cpu"], 100, 2),
        (["cpu"], 1, 16),
    ],
)
def test_the_threads_of_all_workers_fill_the_cores(monkeypatch, devices, parts, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    context = SimpleNamespace(engine=EngineChoice("local"))
    assert decode_threads(context, devices, parts) == threads


def test_on_a_cluster_the_threads_do_not_depend_on_this_machine(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    context = SimpleNamespace(engine=EngineChoice("ray"))
    assert decode_threads(context, ["cpu"], 9) == 1
    assert decode_threads(context, ["cuda"], 9) == 8
