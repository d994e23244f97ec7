"""Conversations from elsewhere: familychat's own JSON, ChatGPT, Claude, Open WebUI, LM Studio, and plain files.

:func:`bring_in` takes a file, a zip archive or a folder. Formats are told apart by what is in a file; each has a module
with a pure function from decoded JSON to a :class:`familychat.documents.ConversationDocument`.
"""

from familychat.importers.bringing import bring_in
from familychat.importers.detect import FORMATS, Format
from familychat.importers.limits import Limits
from familychat.importers.report import Progress, Report, Skipped

__all__ = ["FORMATS", "Format", "Limits", "Progress", "Report", "Skipped", "bring_in"]
