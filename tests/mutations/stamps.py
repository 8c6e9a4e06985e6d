"""Deliberate faults in where the topics read the clock."""

from mutations.fault import Fault

T = "tests/course/test_stamps.py"
POOL, PLAYING, BREAK_EVEN = (f"helpers/course/pool/{name}.py" for name in ("tasks", "playing", "break_even"))
QUEUE, LOCK, COUNTING, PROCESS = (
    f"helpers/course/{name}/tasks.py" for name in ("queue", "lock", "counting", "process")
)
PARTNERS = "helpers/course/pipe/partners.py"

FAULTS = [
    Fault(
        "a pool task begins when its work is done",
        POOL,
        "    columns[n_tasks + place] = perf_counter()\n    value = do_work(kind, size)\n",
        "    value = do_work(kind, size)\n    columns[n_tasks + place] = perf_counter()\n",
        f"{T}::test_a_pool_task_begins_before_its_work_and_ends_after_it",
    ),
    Fault(
        "a put is asked for when it has returned",
        QUEUE,
        "    cells[at] = perf_counter()\n    cells[at + 1] = item\n    queue.put(item)\n",
        "    queue.put(item)\n    cells[at] = perf_counter()\n    cells[at + 1] = item\n",
        f"{T}::test_a_put_and_a_get_are_stamped_before_and_after",
    ),
    Fault(
        "a get is done when it is asked for",
        QUEUE,
        "    item = queue.get()\n    cells[at + 1] = NO_ITEM if item is SENTINEL else item\n"
        "    cells[at + 2] = perf_counter()\n",
        "    cells[at + 2] = perf_counter()\n    item = queue.get()\n"
        "    cells[at + 1] = NO_ITEM if item is SENTINEL else item\n",
        f"{T}::test_a_put_and_a_get_are_stamped_before_and_after",
    ),
    Fault(
        "a lock is asked for when it is got",
        LOCK,
        "        self.asked.append(perf_counter())\n        if self.lock is not None:\n"
        "            self.lock.acquire()\n",
        "        if self.lock is not None:\n            self.lock.acquire()\n"
        "        self.asked.append(perf_counter())\n",
        f"{T}::test_a_lock_is_asked_for_before_it_is_got",
    ),
    Fault(
        "a process is called when start() has returned",
        PROCESS,
        '        report.send((index, "called", perf_counter()))\n        process.start()\n',
        '        process.start()\n        report.send((index, "called", perf_counter()))\n',
        f"{T}::test_a_process_is_called_before_it_starts",
    ),
    Fault(
        "a slice of counting begins before the common start",
        COUNTING,
        "        begin_at(start)\n        began, made, problem = perf_counter(), 0, None\n",
        "        began, made, problem = perf_counter(), 0, None\n        begin_at(start)\n",
        f"{T}::test_a_slice_of_counting_begins_at_the_common_start",
    ),
    Fault(
        "a warm pool is timed with its start",
        BREAK_EVEN,
        "cold, began = perf_counter() - began, perf_counter()",
        "cold = perf_counter() - began",
        f"{T}::test_a_cold_pool_is_timed_with_its_start_and_a_warm_one_without",
    ),
    Fault(
        "a cold pool is timed without its start",
        BREAK_EVEN,
        "                results = pool.map(uneven.burn, items)\n",
        "                began = perf_counter()\n                results = pool.map(uneven.burn, items)\n",
        f"{T}::test_a_cold_pool_is_timed_with_its_start_and_a_warm_one_without",
    ),
    Fault(
        "a pool is asked for when it is there",
        PLAYING,
        "        self.processes = [process for process",
        "        self.asked = perf_counter()\n        self.processes = [process for process",
        f"{T}::test_a_pool_is_asked_for_before_it_starts",
    ),
    Fault(
        "a look at the serial loop takes time off it",
        PLAYING,
        "            began = looked = perf_counter()\n",
        "            gone, began = 0.0, perf_counter()\n            looked = began\n",
        f"{T}::test_looks_at_the_serial_loop_do_not_take_time_off_it",
    ),
    Fault(
        "a delivery is over when it is sent off",
        PARTNERS,
        "    crew.ask_all([message])\n    return perf_counter() - began\n",
        "    ended = perf_counter()\n    crew.ask_all([message])\n    return ended - began\n",
        f"{T}::test_a_delivery_ends_with_the_answer_and_shared_is_not_sent",
    ),
    Fault(
        "a job at a lock begins before the common start",
        LOCK,
        "        begin_at(start)\n        began = perf_counter()\n",
        "        began = perf_counter()\n        begin_at(start)\n",
        f"{T}::test_a_job_at_a_lock_begins_at_the_common_start_and_ends_with_its_work",
    ),
    Fault(
        "the baseline takes the lock",
        LOCK,
        '"plain": run_plain,',
        '"plain": run_sections,',
        f"{T}::test_the_jobs_of_the_baseline_take_no_lock_and_the_others_do",
    ),
]
