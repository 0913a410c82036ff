"""Hand comments to modqd, and act on its decisions.

    Front       the front socket: every request is answered
    Push        for comments that may be lost
    Decisions   a site's decisions, in order, without gaps, each once
    FilePlace, SqlPlace     where a listener keeps how far it is
    FileOutbox, SqlOutbox   what could not be handed in, kept until it can be
    Key         who one is, over TCP

The same for asyncio is in modqd.aio. Fields, and what operations mean, are those of modqd's PROTOCOL.md.

Threads: an object belongs to one thread at a time (outboxes of files may be shared). Processes: after fork() a child may go
on using a Front, a Push or an outbox of a file, which open what they need anew; Decisions belong to the process that made
them, and database connections cannot be shared.
"""
from .decisions import Decisions
from .errors import DeniedError, FinalError, FixError, LocalError, ModqdError, RetryError
from .front import Front
from .key import Key
from .outbox import FileOutbox, Flushed, Refused, SqlOutbox
from .place import FilePlace, Place, Position, SqlPlace
from .push import Push
from .stream import Event
from .types import Article, Author, Comment, Record

__version__ = "0.2.0"
__all__ = [
    "Article", "Author", "Comment", "Decisions", "DeniedError", "Event", "FileOutbox", "FilePlace", "FinalError",
    "FixError", "Flushed", "Front", "Key", "LocalError", "ModqdError", "Place", "Position", "Push", "Record", "Refused",
    "RetryError", "SqlOutbox", "SqlPlace",
]
