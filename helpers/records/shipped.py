"""`Recording`: sweeps of the course's standard workloads by one machine, for readers whose own cannot show the like."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from helpers.arguments import check_choice
from helpers.records.files import read_record
from helpers.records.sweeps import FORMAT, Sweep
from helpers.words import memory, plural, shown

#: Recordings that come with the package, one file a machine.
RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Recording:
    """What one machine measured: ``sweeps`` holds a `Sweep` a workload; ``name`` is that of its file.

    Written by ``python -m helpers.recordings record``. It tells the CPU model, the number of CPUs and the Python,
    and nothing of whose machine it was.
    """

    name: str
    sweeps: dict[str, Sweep] = field(repr=False)

    @property
    def environment(self):
        """Facts about the machine, those of its first sweep; a plain dict."""
        return next(iter(self.sweeps.values())).environment

    @property
    def usable_cpus(self):
        """How many CPUs its workers could use at once; 0 where it does not say."""
        return self.environment.get("usable_cpus") or 0

    @property
    def machine(self):
        """The machine in one line."""
        facts = self.environment
        known = [facts.get("cpu_model"), f"{facts.get('system', '')} {facts.get('architecture', '')}".strip()]
        python = f"{facts.get('implementation', 'Python')} {facts.get('python', '')}".strip()
        python += "" if facts.get("gil_enabled", True) else " without a GIL"
        total = facts.get("memory_total_bytes")
        parts = [plural(self.usable_cpus, "usable CPU"), *known, total and f"{memory(total)} of memory", python]
        return ", ".join(part for part in parts if part)

    def __str__(self):
        return f"{self.name}: {self.machine}\n" + "\n".join(f"{name}: {sweep}" for name, sweep in self.sweeps.items())

    def to_json(self, path):
        """Write the recording to `path`; return the Path."""
        path = Path(path)
        plain = {"format": FORMAT, "sweeps": {name: sweep.to_dict() for name, sweep in self.sweeps.items()}}
        path.write_text(json.dumps(plain), encoding="utf-8")
        return path

    @classmethod
    def from_json(cls, path):
        """Return the recording in the file at `path`; InvalidArgumentError if there is none, whatever it holds."""

        def make(plain):
            if plain["format"] != FORMAT:
                raise ValueError(f"its format is {shown(plain['format'])}, and this version reads {FORMAT}")
            sweeps = {name: Sweep.from_dict(sweep) for name, sweep in plain["sweeps"].items()}
            if not sweeps:
                raise ValueError("it holds no sweep")
            return cls(Path(path).stem, sweeps)

        advice = "record one with python -m helpers.recordings record"
        return read_record(path, make, "a recording", advice)


def recordings():
    """Return the Recordings that come with the package as a tuple, the machine with the most usable CPUs first."""
    found = [Recording.from_json(path) for path in RECORDINGS.glob("*.json")]
    return tuple(sorted(found, key=lambda recording: (-recording.usable_cpus, recording.name)))


def recorded(name, machine=None):
    """Return a Sweep that came with this package: measured elsewhere, for machines that cannot show it.

    `name` is a workload, such as "count_primes"; `machine` is the name of a Recording, None takes the one with the
    most usable CPUs that has the workload. The sweep's ``environment`` tells where it was measured.
    """
    found = recordings()
    known = sorted({workload for recording in found for workload in recording.sweeps})
    name = check_choice("recording", name, known)
    having = {recording.name: recording for recording in found if name in recording.sweeps}
    chosen = next(iter(having)) if machine is None else check_choice("machine", machine, list(having))
    return having[chosen].sweeps[name]
