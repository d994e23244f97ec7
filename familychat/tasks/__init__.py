"""What a person can do with a model. Each task is a plugin by the entry points ``familychat.tasks``."""
