"""The music engine: the family's own music list, asked in everyday words."""

from __future__ import annotations

from familychat_music.rows import Limits, Rows
from familychat_music.runner import run_checked

__all__ = ["Limits", "Rows", "run_checked"]
