"""Records written by hand, for tests whose answer was worked out on paper."""

from array import array

from helpers.records import Accounting, Run, Sweep, Timeline


def make_run(engine="serial", n_workers=1, round=1, wall=1.0, **facts):
    """Return a Run; what is not given is plain: no start-up, all of the time worked, no badges."""
    facts = {
        "start_method": None,
        "chunksize": 1,
        "startup": 0.0,
        "cpu": n_workers * wall,
        "n_items": 4,
        "accounting": Accounting(working=n_workers * wall),
        "warmup": round == 0,
        **facts,
    }
    return Run(engine=engine, n_workers=n_workers, round=round, wall=wall, **facts)


def make_sweep(walls, usable_cpus=8, **facts):
    """Return a Sweep of hand-written walls: {(engine, n_workers): {round: seconds or (startup, seconds)}}."""
    runs = []
    for (engine, n_workers), rounds in walls.items():
        for number, seconds in rounds.items():
            startup, wall = seconds if isinstance(seconds, tuple) else (0.0, seconds)
            runs.append(make_run(engine, n_workers, number, wall, startup=startup, **facts))
    return Sweep("work", 4, tuple(runs), {"usable_cpus": usable_cpus})


def rounds(*seconds, warmup=None):
    """Return {round: seconds} from round 1 on; `warmup` is that of round 0."""
    return {**({0: warmup} if warmup is not None else {}), **dict(enumerate(seconds, 1))}


def make_timeline(tasks, queued=0.0):
    """Return the Timeline of tasks (worker, started, finished), in the order of the items."""
    workers, started, finished = zip(*tasks, strict=True)
    n_tasks = len(tasks)
    return Timeline(
        array("H", workers),
        array("d", [queued] * n_tasks),
        array("d", started),
        array("d", finished),
        array("f", [end - start for start, end in zip(started, finished, strict=True)]),
    )
