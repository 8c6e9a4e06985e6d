"""Faults in the runner: what is left behind, deadlines that do not hold, messages of somebody else."""

from mutations.fault import Fault

GUARDIAN, GROUPS, HANDLE, INSIDE, LIBRARY, PLAYS, TIDYING = (
    f"helpers/runner/{name}.py" for name in "guardian groups handle inside library plays tidying".split()
)
WORKER = "helpers/tasks/worker.py"
R, E, W = (f"tests/toolkit/test_{name}.py" for name in ("runner", "endings", "warm_runner"))
A = "tests/contracts/test_attacks.py"
LEFT = f"{A}::test_what_a_task_leaves_is_ended_and_its_results_are_kept"
CLINGING = f"{A}::test_workers_that_do_not_end_are_ended_and_their_results_are_kept"
KILLED = f"{E}::test_a_killed_program_leaves_nothing"

FAULTS = [
    # Stop, and the end of a play
    Fault(
        "an early Stop is forgotten",
        PLAYS,
        "            if self.stopped or (should_stop",
        "            if (should_stop",
        f"{R}::test_a_stop_before_the_first_record_is_not_forgotten",
    ),
    Fault(
        "a runner is kept after a play that did not end",
        PLAYS,
        "give_back(self.runner) if clean else _end(self.runner)",
        "give_back(self.runner)",
        f"{R}::test_nothing_is_kept_of_a_runner_whose_play_did_not_end",
    ),
    Fault(
        "Stop reaches the caller as an error",
        PLAYS,
        "    except Stopped:\n        pass\n    finally:",
        "    finally:",
        f"{R}::test_a_stop_before_the_first_record_is_not_forgotten",
    ),
    Fault(
        "a play that is over ends the next one",
        PLAYS,
        "if self.runner is not None and not over:",
        "if self.runner is not None:",
        f"{R}::test_a_play_knows_whether_it_was_stopped_and_has_nothing_to_do_with_the_next_one",
    ),
    Fault(
        "what another play left unread is taken for an answer",
        PLAYS,
        "if kind != LOOK and number in (None, self.number):",
        "if kind != LOOK:",
        f"{R}::test_messages_of_another_play_are_not_read",
    ),
    Fault(
        "a runner with unread messages is lent again",
        PLAYS,
        "if unread or not runner.alive:",
        "if not runner.alive:",
        f"{R}::test_a_runner_with_unread_messages_is_not_lent_again",
    ),
    # forks, strays, services
    Fault(
        "a forked child of a task answers in its parent's place",
        WORKER,
        '    _state["forked"] = True',
        '    _state["forked"] = False',
        f"{LEFT}[fork_and_return_later-processes]",
    ),
    Fault(
        "a forked child of a task goes on in its parent's loop",
        WORKER,
        "            board.release()",
        "            pass",
        f"{A}::test_a_task_that_forks_is_run_once_an_item",
    ),
    Fault("orphans are lost from sight", INSIDE, "    become_subreaper()\n", "", f"{LEFT}"),
    Fault("what tasks left running is left running", INSIDE, "        end_strays()\n", "", f"{LEFT}"),
    Fault(
        "workers that do not end are waited for",
        "helpers/engines/base.py",
        "    thread.join(seconds)\n    if thread",
        "    thread.join()\n    if thread",
        f"{CLINGING}[leave_a_thread-processes]",
    ),
    Fault(
        "a semaphore made before its resource tracker is up",
        INSIDE,
        '    prepare_library("multiprocessing")\n',
        "",
        f"{R}::test_what_removes_leftovers_is_up_before_there_can_be_any",
    ),
    Fault(
        "semaphores of a killed tracker stay",
        HANDLE,
        "            guardian.remove_traces(guardian.short_name(self.mark))\n",
        "",
        f"{E}::test_clean_up_after_a_killed_tracker_takes_its_semaphores",
    ),
    Fault(
        "semaphores bear no mark",
        LIBRARY,
        '"semprefix": semaphore_prefix(mark)',
        '"semprefix": "/mp"',
        f"{E}::test_clean_up_after_a_killed_tracker_takes_its_semaphores",
    ),
    Fault(
        "a tracker is killed with its kernel",
        LIBRARY,
        "start_new_session=True",
        "start_new_session=False",
        "tests/toolkit/test_kernel.py::test_a_kernel_that_is_killed_with_its_group_leaves_no_semaphore",
    ),
    Fault(
        "blocks of shared memory bear no mark",
        LIBRARY,
        "        blocks._SHM_NAME_PREFIX, blocks._SHM_SAFE_NAME_LENGTH = ",
        "        _ = ",
        f"{E}::test_a_stop_between_making_a_block_and_telling_the_tracker_of_it_leaves_nothing",
    ),
    Fault(
        "a play that is killed is told as a death",
        PLAYS,
        "                raise Stopped if self.stopped else self._death()\n",
        "                raise self._death()\n",
        f"{R}::test_a_play_that_is_killed_ends_without_an_error",
    ),
    Fault(
        "what breaks at the end of a play loses its results",
        INSIDE,
        '        return ["the process"]',
        "        raise",
        "tests/contracts/test_attacks.py::test_results_are_kept_though_the_end_of_the_play_breaks",
    ),
    Fault(
        "what was printed last is not waited for",
        PLAYS,
        "                self.runner.hear_out()\n",
        "",
        "tests/toolkit/test_warm_runner.py::test_what_was_printed_is_there_when_a_play_ends",
    ),
    # a killed kernel
    Fault("no guardian", PLAYS, "        _start_guardian()\n", "        pass\n", f"{KILLED}"),
    Fault(
        "the guardian finds nothing",
        GUARDIAN,
        '(b"", b"\\0", b"-")',
        '(b"", b"\\0")',
        f"{KILLED}",
    ),
    Fault(
        "the guardian leaves folders",
        GUARDIAN,
        "    remove_traces(f\"{mark.rpartition('-')[2]}-*\", parent)\n",
        "",
        f"{KILLED}",
    ),
    # deadlines, garbage, descriptors
    Fault(
        "sending waits for the runner to take it",
        HANDLE,
        "        self._outbox.put(data)",
        "        write_frame(self._process.stdin, data)",
        f"{A}::test_a_runner_that_was_stopped_does_not_stop_the_deadline",
    ),
    Fault(
        "descriptors of ours among those that tasks open",
        INSIDE,
        "for least in (min(allowed - 20, HIGH_DESCRIPTOR), 3):",
        "for least in (3, 3):",
        f"{A}::test_nothing_of_ours_goes_into_files_that_a_task_opens",
    ),
    Fault(
        "garbage is taken for a message",
        "helpers/runner/frames.py",
        "    if magic != MAGIC:\n        raise GarbageError\n",
        "",
        f"{A}::test_garbage_in_all_descriptors_is_told_at_once",
    ),
    Fault(
        "SystemExit of a task's module ends the caller's program",
        INSIDE,
        "    if not isinstance(error, Exception):\n",
        "    if False:\n",
        f"{R}::test_what_would_end_the_callers_program_becomes_an_error_of_the_project",
    ),
    # the next play
    Fault(
        "a runner is used again though a module was edited",
        PLAYS,
        "affinity, own_sources()",
        "affinity",
        f"{W}::test_an_edited_dependency_and_an_edited_function_in_a_partial_are_run_as_they_are_now",
    ),
    Fault(
        "a runner is used again in another environment",
        PLAYS,
        "folder, dict(os.environ), affinity",
        "folder, affinity",
        f"{W}::test_environment_folder_and_affinity_are_those_of_now",
    ),
    Fault(
        "a runner with a task's thread is used again",
        PLAYS,
        "playing.end(clean=changes == [])",
        "playing.end(clean=changes is not None)",
        f"{W}::test_a_runner_in_which_a_task_left_a_thread_is_not_used_again",
    ),
    Fault(
        "what a task changed in the runner stays changed",
        INSIDE,
        "                before.put_back()  # the next run is to find what this one found\n",
        "",
        f"{W}::test_what_a_task_changes_in_its_process_is_put_back_for_the_next_play",
    ),
    Fault(
        "blocked signals stay blocked",
        TIDYING,
        "            signal.pthread_sigmask(signal.SIG_SETMASK, self.blocked)",
        "            pass",
        f"{W}::test_what_a_task_changes_in_its_process_is_put_back_for_the_next_play",
    ),
    Fault(
        "the board is a sparse file",
        HANDLE,
        "        os.write(board, bytes(BOARD.size))",
        "        os.ftruncate(board, BOARD.size)",
        f"{R}::test_the_board_has_its_space_for_certain",
    ),
]
