"""Which names a piece of source binds and which it uses, by the compiler's own symbol table."""

import symtable


def names_of(source):
    """Return (bound, used): names bound at the top level, and global names looked up anywhere.

    A name that is both is in both. Bound are also names that a function declares ``global`` and
    assigns. Names made by ``from … import *``, ``globals()`` or ``exec`` are not seen.
    """
    top = symtable.symtable(source, "<source>", "exec")
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        for symbol in table.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                bound.add(symbol.get_name())
            in_class_body = table.get_type() == "class" and symbol.is_assigned()  # "x = x" reads the global
            if symbol.is_referenced() and (symbol.is_global() or in_class_body):
                used.add(symbol.get_name())
    return bound, used
