"""What the check of queue_2 finds in what two careful workers put: arithmetic on their results."""

from __future__ import annotations

from helpers.course.queue.tasks import divide
from helpers.exercises.base import Wrong

#: The items that the workers get.
DIVISORS = [5, 0, 4, 0, 3, 2, 0, "x", 1, 6]


def judge_worker(found, joined, codes, troubles):
    """Raise Wrong unless two workers did all of `DIVISORS`; see `drive_worker` for what it is told."""
    if not found and codes == [0, 0]:
        raise Wrong("the worker puts no result at all, and it ends: it is to take items until None comes.")
    if wrong := [result for result in found if not isinstance(result, tuple) or len(result) != 3]:
        raise Wrong(f"a result is (item, 'ok' or 'failed', value or words); among the results is {wrong[0]!r}.")
    lost, extra = [told_of(item) for item in DIVISORS], []
    for result in found:
        if result in lost:
            lost.remove(result)
        else:
            extra.append(result)
    if of_sentinel := [result for result in extra if result[0] is None]:
        how = (
            "does not end at the sentinel None, but" if None in codes else "ends at the sentinel None, but before that"
        )
        raise Wrong(f"a worker {how} takes it for an item: it puts {of_sentinel[0]!r}.")
    if any(codes):
        error = f", {troubles[0]}" if troubles else ""
        raise Wrong(f"a worker ended with exit code {next(filter(None, codes))}: an error went through it{error}.")
    if lost:
        judge_lost(lost, extra)
    if extra:
        raise Wrong(f"nobody asked for the result {extra[0]!r}: each item gives one.")
    if None in codes:
        counted = "" if joined else " Nor does tasks.join() return: is task_done() called for everything that it gets?"
        raise Wrong(f"a worker is still running: it does not end when the sentinel None comes.{counted}")
    if not joined:
        raise Wrong(
            "all results are right, but tasks.join() does not return: some item, or the sentinel, never got its "
            "task_done()."
        )


def told_of(item):
    """Return the result that a careful worker puts for `item`."""
    try:
        return item, "ok", divide(item)
    except Exception as error:
        return item, "failed", repr(error)


def judge_lost(lost, extra):
    """Raise Wrong on results that are missing: `lost` has (item, state, value); `extra` is what was put besides."""
    for one in lost:
        if instead := [result for result in extra if result[0] == one[0]]:
            words = ": the words are the repr of the error" if instead[0][1] == one[1] == "failed" else ""
            raise Wrong(f"for the item {one[0]!r} it puts {instead[0]!r}; {one!r} is expected{words}.")
    raise Wrong(
        f"there is no result for the items {[item for item, _, _ in lost]} of {DIVISORS}. A failing item is "
        "reported and does not end the worker, 0 is an item, and the second half comes late: only None is the end, not "
        "an empty queue."
    )
