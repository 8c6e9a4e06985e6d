"""The program behind "Show code": complete, minimal, standard library only, runs as it stands."""

from __future__ import annotations

import base64
import pickle
import textwrap
import zlib

from helpers.errors import NotImportableError
from helpers.measure import pack_items
from helpers.notebook import standalone_source
from helpers.tasks.coroutines import is_coroutine_function
from helpers.words import plural

#: Characters of literal items shown as they are; longer ones are packed.
LITERAL_LIMIT = 2_000

HEADS = {
    "serial": "",
    "threads": "from concurrent.futures import ThreadPoolExecutor\n",
    "asyncio": "import asyncio\n",
    "processes": "import multiprocessing\nfrom concurrent.futures import ProcessPoolExecutor\n",
    "pool": "import multiprocessing\n",
    "multiprocess": "import multiprocess  # python -m pip install multiprocess\n",
    "interpreters": "from concurrent.futures import InterpreterPoolExecutor\n",
}
BODIES = {
    "serial": "return [{name}(item) for item in ITEMS]",
    "asyncio": (
        "slots = asyncio.Semaphore({n})\n\nasync def run_in_slot(item):\n    async with slots:\n"
        "        return await {name}(item)\n\nasync with asyncio.TaskGroup() as group:\n"
        "    tasks = [group.create_task(run_in_slot(item)) for item in ITEMS]\n"
        "return [task.result() for task in tasks]"
    ),
    "awaiting": "return [await {name}(item) for item in ITEMS]",
    "threads": "with ThreadPoolExecutor({n}) as pool:\n    return list(pool.map({name}, ITEMS))",
    "processes": (
        "context = multiprocessing.get_context({method!r})\nwith ProcessPoolExecutor({n}, mp_context=context) as "
        "pool:\n    return list(pool.map({name}, ITEMS, chunksize={chunk}))"
    ),
    "pool": (
        "with multiprocessing.get_context({method!r}).Pool({n}) as pool:\n    return pool.map({name}, ITEMS, "
        "chunksize={chunk})"
    ),
    "multiprocess": (
        "with multiprocess.get_context({method!r}).Pool({n}) as pool:\n    return pool.map({name}, ITEMS, "
        "chunksize={chunk})"
    ),
    "interpreters": (
        "with InterpreterPoolExecutor({n}) as pool:\n    return list(pool.map({name}, ITEMS, chunksize={chunk}))"
    ),
}


PROGRAM = '''"""{title}.{remark}"""

{imports}
{source}


ITEMS = {literal}


{define}def main():
{body}


if __name__ == "__main__":  # a started worker may read this file again
    print({call})
'''


def program_for(func, items, engine, n_workers, start_method, chunksize=None, remark=""):
    """Return the source of a program that runs `func` over `items` by `engine` with `n_workers`.

    `remark` is a sentence that stands under its title.
    Raises NotImportableError for a lambda or a nested function: a program needs its source.
    """
    source, name = standalone_source(func)
    coroutine = is_coroutine_function(func)
    kind = ("awaiting" if engine == "serial" else engine) if coroutine else engine
    chunk = chunksize or max(1, -(-len(items) // (4 * n_workers)))
    body = BODIES[kind].format(name=name, n=n_workers, method=start_method, chunk=chunk)
    title = f"{name} over {plural(len(items), 'item')}: " + (
        "the plain serial loop" if engine == "serial" else f"{engine}, {say_workers(engine, n_workers)}"
    )
    packing, literal = write_items(items)
    head = HEADS["asyncio" if coroutine else engine]
    head = "" if head.strip() in source.splitlines() else head
    imports, body = head + packing, textwrap.indent(body, "    ")
    remark = f"\n\n{remark}\n" if remark else ""
    define, call = ("async ", "asyncio.run(main())") if coroutine else ("", "main()")
    parts = {"remark": remark, "imports": imports, "source": source.strip(), "literal": literal, "body": body}
    return PROGRAM.format(title=title, define=define, call=call, **parts)


def say_workers(engine, n_workers):
    """Return how many workers there are, in words."""
    return f"{plural(n_workers, 'task')} at a time" if engine == "asyncio" else plural(n_workers, "worker")


def write_program(title, constants, source):
    """Return `source` as a program of its own: its title, its imports, then `constants`, then the rest.

    Parameters
    ----------
    title : str
        What it does, without a full stop.
    constants : dict of str to object
        Names and the values that are chosen in the lab; each value's ``repr`` is its source.
    source : str
        Imports in its first paragraph; it ends with a function ``main``.

    >>> print(write_program("Says it once", {"WORD": "hello"}, "import sys\\n\\ndef main():\\n    sys.exit(WORD)"))
    \"\"\"Says it once.\"\"\"
    <BLANKLINE>
    import sys
    <BLANKLINE>
    WORD = 'hello'
    <BLANKLINE>
    <BLANKLINE>
    def main():
        sys.exit(WORD)
    <BLANKLINE>
    <BLANKLINE>
    if __name__ == "__main__":  # a started process may read this file again
        main()
    <BLANKLINE>
    """
    imports, _, rest = source.strip().partition("\n\n")
    chosen = "\n".join(f"{name} = {value!r}" for name, value in constants.items())
    return f'''"""{title}."""

{imports}

{chosen}


{rest.strip()}


if __name__ == "__main__":  # a started process may read this file again
    main()
'''


def write_items(items):
    """Return (imports, expression) that give back `items`: a range, a literal, or packed bytes."""
    if len(items) > 3 and all(type(item) is int for item in items):
        step = items[1] - items[0]
        if step and items == list(range(items[0], items[0] + step * len(items), step)):
            return "", f"range({items[0]}, {items[0] + step * len(items)}, {step})"
        if len(set(items)) == 1:
            return "", f"[{items[0]}] * {len(items)}"
    text = repr(items)
    if len(text) <= LITERAL_LIMIT and reads_back(text, items):
        return "", text if len(text) < 110 or any(quote in text for quote in "'\"") else wrap_numbers(text)
    packed = pack_items(items)
    if b"__main__" in packed:
        raise NotImportableError(
            "The items are of a class defined in a plain cell, so no program can build them: define it in a %%worker "
            "cell."
        )
    lines = textwrap.wrap(base64.b85encode(zlib.compress(packed)).decode(), 100)
    return (
        "import base64\nimport pickle\nimport zlib\n",
        "pickle.loads(zlib.decompress(base64.b85decode(\n" + "\n".join(f"    {line!r}" for line in lines) + ")))",
    )


def wrap_numbers(text):
    """Return the literal of a list without text in it, over several lines."""
    return (
        "[\n"
        + textwrap.fill(
            text[1:-1],
            110,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        + ",\n]"
    )


def reads_back(text, items):
    """Return whether evaluating the literal `text` gives `items` again."""
    import ast

    try:
        return pickle.dumps(ast.literal_eval(text)) == pickle.dumps(items) or ast.literal_eval(text) == items
    except (ValueError, SyntaxError, MemoryError, RecursionError, pickle.PicklingError, TypeError):
        return False
