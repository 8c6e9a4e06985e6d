"""What workers execute, and nothing else.

Modules here import the standard library only, so that a spawned worker is up at once. Keep
this file empty of imports: it is executed in every worker.
"""
