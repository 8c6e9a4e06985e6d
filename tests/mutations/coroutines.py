"""Deliberate faults in coroutine functions: which they are, their event loop, its stamps, and what is said of it."""

from mutations.fault import Fault

F, C = "tests/toolkit/test_coroutines_figures.py", "tests/contracts/test_coroutines.py"
KIND, TASKS, LOOP = "helpers/tasks/coroutines.py", "helpers/tasks/loop.py", "helpers/engines/loop.py"
TEAMS, REGISTRY, WORKER = "helpers/engines/coroutines.py", "helpers/engines/registry.py", "helpers/tasks/worker.py"
BADGES, LAWS, ADVICE = "helpers/measure/badges.py", "helpers/models/points.py", "helpers/models/advice.py"

FAULTS = [
    # which functions
    Fault(
        "a callable object with an async __call__ taken for a plain function",
        KIND,
        "is_one(func) or is_one(type(func).__call__)",
        "is_one(func)",
        f"{C}::test_which_functions_are_coroutine_functions",
    ),
    Fault(
        "a partial object of a callable object is not looked through",
        KIND,
        "while isinstance(func, functools.partial):",
        "while False:",
        f"{C}::test_which_functions_are_coroutine_functions",
    ),
    Fault(
        "a plain function is let through to asyncio",
        REGISTRY,
        'if engine == "serial" or is_coroutine_function(func) == (engine == "asyncio"):',
        'if engine in ("serial", "asyncio") or not is_coroutine_function(func):',
        f"{C}::test_a_plain_function_is_refused_by_asyncio_before_anything_starts",
    ),
    Fault(
        "a coroutine function is let through to threads",
        REGISTRY,
        'if engine == "serial" or is_coroutine_function(func) == (engine == "asyncio"):',
        'if engine != "asyncio" or is_coroutine_function(func):',
        f"{C}::test_a_coroutine_function_is_refused_by_engines_of_plain_ones_before_anything_starts",
    ),
    Fault(
        "a coroutine that nobody awaits passes for a result",
        WORKER,
        'return hasattr(kind, "__await__") or issubclass(kind, AsyncGeneratorType)',
        "return issubclass(kind, AsyncGeneratorType)",
        "tests/toolkit/test_coroutines_figures.py::test_a_result_that_can_be_awaited_is_the_failure_of_its_item",
    ),
    Fault(
        "failures of awaitable results are numbered from the chunk's first on",
        WORKER,
        "failures[first + offset] = said",
        "failures[offset] = said",
        f"{F}::test_a_result_that_can_be_awaited_is_the_failure_of_its_item",
    ),
    # stamps and slots
    Fault(
        "a task's end stamped before it is awaited",
        TASKS,
        "self.results[index] = await self.func(item)",
        "coming = self.func(item); self.finished[index] = perf_counter(); self.results[index] = await coming",
        f"{F}::test_each_awaited_task_is_stamped_before_and_after",
    ),
    Fault(
        "the board says the item before, of an awaited task",
        TASKS,
        "self.board[slot] = index + 1",
        "self.board[slot] = index",
        f"{F}::test_each_awaited_task_is_stamped_before_and_after",
    ),
    Fault(
        "one slot more than was asked for",
        TASKS,
        "self.tasks = [None] * min(n_slots, len(trace.items))",
        "self.tasks = [None] * min(n_slots + 1, len(trace.items))",
        f"{F}::test_a_slot_takes_its_next_item_when_its_task_is_done",
    ),
    Fault(
        "every item is given to the first slot",
        TASKS,
        "self.slots[index] = slot\n            self.started",
        "self.slots[index] = 0\n            self.started",
        f"{F}::test_a_slot_takes_its_next_item_when_its_task_is_done",
    ),
    Fault(
        "what was cancelled before it began was running since the clock's zero",
        TASKS,
        "self.started[index] = self.started[index] or now",
        "pass",
        f"{F}::test_a_task_that_was_cancelled_before_it_began_is_a_failure_of_its_item",
    ),
    Fault(
        "a cancellation that an item leaves behind comes to the next one in the serial loop",
        TASKS,
        "if task.cancelling():\n            await calm(task)",
        "pass",
        f"{F}::test_a_cancellation_that_an_item_leaves_behind_is_not_that_of_the_next",
    ),
    Fault(
        "times of an event loop's timeline count from handing over",
        TEAMS,
        "origin=began - self.startup",
        "origin=began",
        f"{F}::test_a_run_of_slots_adds_up_to_slots_times_wall",
    ),
    Fault(
        "CPU seconds of threads that tasks sent work to are left out",
        TEAMS,
        "facts = line, account, self.startup, wall, use.process_cpu",
        "facts = line, account, self.startup, wall, use.cpu",
        f"{F}::test_a_run_of_slots_adds_up_to_slots_times_wall",
    ),
    Fault(
        "CPU time shared out evenly instead of by duration, of tasks",
        "helpers/records/runs.py",
        'shares = array("f", [time * rate for time in lasted])',
        'shares = array("f", [cpu / len(lasted) for _ in lasted])',
        f"{F}::test_a_timeline_of_tasks_counts_from_asking_for_the_loop",
    ),
    # clocks
    Fault(
        "the selector counts its last wait alone",
        TASKS,
        "self.seconds += perf_counter() - began",
        "self.seconds = perf_counter() - began",
        f"{F}::test_a_selector_counts_the_seconds_that_the_loop_waits",
    ),
    Fault(
        "the loop is said to be held while it waits",
        LOOP,
        "return now, now - waited, thread_time(), process_time()",
        "return now, waited, thread_time(), process_time()",
        f"{F}::test_the_loop_is_held_while_it_does_not_wait",
    ),
    Fault(
        "CPU seconds of the loop and of the process swapped",
        LOOP,
        "return now, now - waited, thread_time(), process_time()",
        "return now, now - waited, process_time(), thread_time()",
        f"{F}::test_the_loop_is_held_while_it_does_not_wait",
    ),
    # what is said
    Fault(
        "the loop is called blocked while others had the CPUs",
        BADGES,
        "disturbed = {BUSY, THROTTLED}.intersection(badges) or computed_elsewhere(loop)",
        "disturbed = computed_elsewhere(loop)",
        f"{F}::test_the_loop_was_held_where_it_is_certain",
    ),
    Fault(
        "the loop is called blocked while another thread had Python's lock",
        BADGES,
        "disturbed = {BUSY, THROTTLED}.intersection(badges) or computed_elsewhere(loop)",
        "disturbed = {BUSY, THROTTLED}.intersection(badges)",
        f"{F}::test_the_loop_was_held_where_it_is_certain",
    ),
    Fault(
        "a computing loop is called blocked",
        BADGES,
        "loop.held - loop.cpu > MOST * loop.span",
        "loop.held > MOST * loop.span",
        f"{F}::test_the_loop_was_held_where_it_is_certain",
    ),
    Fault(
        "tasks that were left are not told",
        BADGES,
        "    if loop.left:\n",
        "    if False:\n",
        f"{F}::test_the_loop_was_held_where_it_is_certain",
    ),
    Fault(
        "what held the loop taken for noise",
        "helpers/records/doubts.py",
        "if not badge.startswith((MORE_WORKERS, LOOP_HELD))",
        "if not badge.startswith(MORE_WORKERS)",
        f"{F}::test_what_held_the_loop_is_no_doubt_and_what_was_left_is_one",
    ),
    Fault(
        "each task of an event loop is said to want a CPU",
        BADGES,
        "return n_workers if loop is None or computed_elsewhere(loop) else 1",
        "return n_workers",
        f"{F}::test_tasks_of_one_loop_use_one_cpu_unless_other_threads_compute",
    ),
    Fault(
        "tasks that take turns are left out of fits as if they starved",
        LAWS,
        "if not usable or not counts or takes_turns(sweep, engine):",
        "if not usable or not counts:",
        f"{F}::test_tasks_that_take_turns_starve_for_no_cpu_and_never_crowd",
    ),
    Fault(
        "tasks with threads of their own are said to take turns",
        LAWS,
        "all(run.cpu <= ONE_CPU * run.wall for run in runs)",
        "all(run.cpu <= 2 * run.wall for run in runs)",
        f"{F}::test_tasks_that_take_turns_starve_for_no_cpu_and_never_crowd",
    ),
    Fault(
        "the advice does not say what held the loop",
        "helpers/models/causes.py",
        'return f"since {held}"',
        "pass",
        f"{F}::test_what_held_the_loop_is_why_to_stay_serial",
    ),
    Fault(
        "tasks of another number than those that failed are advised",
        ADVICE,
        'spoilt = {"threads", "asyncio"} &',
        'spoilt = {"threads"} &',
        f"{F}::test_tasks_of_another_number_than_those_that_failed_are_not_advised",
    ),
    Fault(
        "the deadline of tasks counts chunks that there are not",
        "helpers/measure/problems.py",
        'chunksize = 1 if engine == "asyncio" else chunksize or',
        "chunksize = chunksize or",
        f"{F}::test_the_deadline_counts_every_item_as_handed_over_by_itself",
    ),
    Fault(
        "points of asyncio are drawn as more workers than CPUs",
        "helpers/plots/speedup.py",
        'None if engine == "asyncio" else seen.cpus',
        "seen.cpus",
        f"{F}::test_no_number_of_tasks_is_more_than_the_cpus",
    ),
    Fault(
        "of many lanes the first ones are shown as if they were spread over all",
        "helpers/plots/timeline.py",
        'keep = columns["worker"] % each == 0',
        'keep = columns["worker"] < MAX_LANES',
        f"{F}::test_of_very_many_lanes_some_are_shown_and_it_is_said",
    ),
    # what tasks do to the loop
    Fault(
        "what a task has left running is waited for without end",
        LOOP,
        "asyncio.wait(tasks, timeout=END_SECONDS)",
        "asyncio.wait(tasks)",
        f"{F}::test_a_loop_is_closed_in_time_though_a_task_clings_to_it",
    ),
    Fault(
        "a task that is being cancelled is told as left",
        LOOP,
        "sum(not task.done() and not task.cancelling() for",
        "sum(not task.done() for",
        f"{F}::test_tasks_are_counted_that_go_on_and_that_nobody_has_cancelled",
    ),
    Fault(
        "a loop that a task has stopped is waited for without end",
        LOOP,
        "            self._playing.break_off(self._why_over())\n",
        "            pass\n",
        f"{F}::test_a_loop_that_a_task_has_stopped_is_told",
    ),
]
