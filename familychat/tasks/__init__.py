"""What a person can do with a model.

A task is code that comes in by the entry points ``familychat.tasks``, or a TOML file: shipped with the program, or in
the household's data folder.
"""
