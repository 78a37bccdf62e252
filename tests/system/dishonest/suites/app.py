"""The small application that the suites are about: it asks, remembers, and falls back."""

import logging
from typing import Any

import anthropic

MODEL = "claude-haiku-5-5"
SIGNALS = logging.getLogger("app.signals")
SIGNALS.setLevel(logging.INFO)


def client(**options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(max_retries=0, timeout=10, **options)


def ask(words: str = "Reply exactly: yes", model: str = MODEL, **options: Any) -> str:
    with client(**options) as api:
        answer = api.messages.create(
            model=model, max_tokens=32, messages=[{"role": "user", "content": words}]
        )
    return "".join(block.text for block in answer.content if block.type == "text")


def rank(ids: list[str], words: str) -> list[str]:
    """Rank by the model's answer; the given order is the fallback, and a signal says so."""
    answer = ask(words)
    ranked = [name for name in answer.split() if name in ids]
    reason = None if ranked else "malformed"
    fields = {"operation": "rank", "duration_s": 0.1, "cache": "miss", "fallback": reason}
    SIGNALS.info("rank", extra={"l9gate": fields})
    return ranked or ids
