"""Shards that were lost are redone, and nothing is counted twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isekai_gen.executors import ShardResult, WorkerError
from isekai_gen.executors.shard_queue import MAX_REDONE, ShardQueue


def queue_and_told(parts):
    told = []
    return ShardQueue(
        parts, lambda images, failed=0, device="": told.append((images, failed))
    ), told


def test_a_shard_that_comes_back_is_the_next_to_be_taken():
    queue, _ = queue_and_told([4, 5, 6])
    assert queue.take() == 4
    queue.give_back(4, "killed")
    assert [queue.take() for _ in range(4)] == [4, 5, 6, None]


def test_a_result_tells_what_happened_to_its_shard_before():
    queue, _ = queue_and_told([4])
    queue.give_back(queue.take(), "worker 1 was killed")
    queue.finish(ShardResult(4, {}, ("restored an image",)))
    (result,) = queue.results()
    assert result.messages == (
        "shard 4: worker 1 was killed; a fresh worker did it",
        "restored an image",
    )
    assert queue.finished


def test_another_shards_losses_do_not_count():
    queue, _ = queue_and_told([1, 2])
    for _ in range(MAX_REDONE):
        queue.give_back(1, "killed")
    queue.give_back(2, "killed")
    with pytest.raises(WorkerError, match="shard 1 lost 3 workers, the last: killed"):
        queue.give_back(1, "killed")


def test_a_start_that_succeeds_forgives_the_failed_ones():
    queue, _ = queue_and_told([1])
    for _ in range(5):
        queue.start_failed("cuda:0", "killed")
        queue.start_failed("cuda:0", "killed")
        queue.started("cuda:0")


def test_progress_that_is_heard_of_after_the_result_counts_too():
    queue, told = queue_and_told([7])
    queue.advance(7, 3, 0, "cpu")
    queue.give_back(queue.take(), "killed")
    queue.advance(7, 1, 0, "cpu")
    queue.finish(ShardResult(7, {}))
    queue.advance(7, 3, 1, "cpu")
    assert told == [(3, 0), (1, 1)]


@given(
    batches=st.lists(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))),
    losses=st.lists(st.integers(0, 20), max_size=MAX_REDONE),
)
def test_what_is_told_adds_up_wherever_workers_are_lost(batches, losses):
    queue, told = queue_and_told([7])
    for reached in losses:
        for batch in batches[:reached]:
            queue.advance(7, *batch, "cpu")
        queue.give_back(7, "killed")
    for batch in batches:
        queue.advance(7, *batch, "cpu")
    assert sum(images for images, _ in told) == sum(images for images, _ in batches)
    assert sum(failed for _, failed in told) == sum(failed for _, failed in batches)
