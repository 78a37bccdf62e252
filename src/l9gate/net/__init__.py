"""Lean HTTP/1.1 and server-sent events over asyncio."""
