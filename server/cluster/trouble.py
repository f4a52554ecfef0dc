"""What may be wrong with the engine, for whoever has no client of it."""

from __future__ import annotations


class EngineTrouble(Exception):
    """The engine cannot be used, in one line, without a password."""


class EngineRefuses(EngineTrouble):
    """It answers, and is not one to be used: too old, another password, a replica. Trying again changes nothing."""
