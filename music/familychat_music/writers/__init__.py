"""The two ways from a question to SQL: a model chooses between drafts (plan), or writes it itself (free)."""
