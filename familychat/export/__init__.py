"""Taking conversations along: Markdown, text, HTML, JSON, CSV and PDF, to a file, a folder or a zip file."""

from familychat.export.formats import FORMATS, Format, format_named
from familychat.export.redaction import Redactor, redactor
from familychat.export.schema import json_schema
from familychat.export.targets import Place, Target, Written, target_for, write

__all__ = [
    "FORMATS",
    "Format",
    "Place",
    "Redactor",
    "Target",
    "Written",
    "format_named",
    "json_schema",
    "redactor",
    "target_for",
    "write",
]
