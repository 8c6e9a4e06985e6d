"""Deliberate faults in the laws and their fit, in what is read from the machine, and in one run of all items."""

from mutations.fault import Fault

MODELS, CGROUPS, REPORT = "helpers/models/laws.py", "helpers/machine/cgroups.py", "helpers/machine/report.py"
T, M = "tests/toolkit/test_models.py", "tests/toolkit/test_machine.py"
IMAGES = "tests/toolkit/test_images.py"

FAULTS = [
    Fault(
        "Amdahl's law counts one worker too many",
        MODELS,
        "return n_workers / (1 + serial_fraction * (n_workers - 1))",
        "return n_workers / (1 + serial_fraction * n_workers)",
        f"{T}::test_amdahl_stays_below_the_inverse_of_the_serial_fraction",
    ),
    Fault(
        "Karp and Flatt without the scale",
        MODELS,
        "return (1 / speedup - 1 / n_workers) / (1 - 1 / n_workers)",
        "return 1 / speedup - 1 / n_workers",
        f"{T}::test_karp_flatt_finds_the_fraction_amdahl_was_given",
    ),
    Fault(
        "coherency without the pairs",
        MODELS,
        "n_workers - 1, n_workers * (n_workers - 1)]",
        "n_workers - 1, n_workers * n_workers]",
        f"{T}::test_usl_recovers_exact_coefficients",
    ),
    Fault(
        "a fit may have negative coefficients",
        MODELS,
        "(found[:, 0] > 0) & (found >= 0).all(axis=1) & ",
        "(found[:, 0] > 0) & ",
        f"{T}::test_superlinear_and_noisy_data_never_give_negative_coefficients",
    ),
    Fault(
        "the peak of a curve at the wrong place",
        MODELS,
        "(max(0.0, 1 - sigma.median) / kappa.median) ** 0.5",
        "(1 + sigma.median) / kappa.median ** 0.5",
        f"{T}::test_peak_is_where_the_curve_is_highest",
    ),
    Fault(
        "points beyond the CPUs enter the fit",
        MODELS,
        "counts = sorted(set(walls) - starved)",
        "counts = sorted(set(walls))",
        f"{T}::test_cpu_starved_points_do_not_enter_the_fit",
    ),
    Fault(
        "the interval is that of a half",
        MODELS,
        "low, high = np.percentile(drawn, (2.5, 97.5), axis=0)",
        "low, high = np.percentile(drawn, (25, 75), axis=0)",
        f"{T}::test_intervals_contain_the_truth_for_most_noisy_sweeps",
    ),
    Fault(
        "a CPU quota upside down",
        CGROUPS,
        "return (quota / period if",
        "return (period / quota if",
        f"{M}::test_quota_of_every_kind_of_tree",
    ),
    Fault(
        "file cache counted as memory in use",
        CGROUPS,
        'usage - (read_number(folder / "memory.stat", names[2]) or 0)',
        "usage",
        f"{M}::test_memory_of_v2_counts_the_parent_and_leaves_out_reclaimable_cache",
    ),
    Fault(
        "throttling of the own cgroup alone",
        REPORT,
        "return sum(counts) if counts else None",
        "return counts[0] if counts else None",
        f"{M}::test_throttling_counts_own_cgroup_and_parents",
    ),
    Fault(
        "idle time counted as busy",
        REPORT,
        '("user", "nice", "system", "irq",',
        '("user", "nice", "system", "idle", "irq",',
        f"{M}::test_busy_seconds_count_guest_time_once {M}::test_busy_seconds_grow_with_work_and_leave_out_idle_time",
    ),
    Fault(
        "a blur that forgets the pixel at the right",
        "helpers/tasks/cpu.py",
        'b"".join(row[max(0, x - radius) : x + radius + 1] for row in rows)',
        'b"".join(row[max(0, x - radius) : x + radius] for row in rows)',
        f"{IMAGES}::test_a_pixel_becomes_the_mean_of_those_around_it_and_a_corner_of_the_four_that_there_are",
    ),
    Fault(
        "a blur that begins at the other end of the image",
        "helpers/tasks/cpu.py",
        "rows = image[max(0, y - radius) : y + radius + 1]",
        "rows = image[y - radius : y + radius + 1]",
        f"{IMAGES}::test_a_pixel_becomes_the_mean_of_those_around_it_and_a_corner_of_the_four_that_there_are",
    ),
    Fault(
        "every image with greys of its own",
        "helpers/plots/images.py",
        'cmap="gray", vmin=0, vmax=255',
        'cmap="gray"',
        f"{IMAGES}::test_images_are_drawn_side_by_side_as_they_are",
    ),
]
