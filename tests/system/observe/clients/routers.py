"""What applications do with LiteLLM, which has clients of its own over httpx and aiohttp."""

import asyncio

import litellm
from observed import World


def options(world: World) -> dict[str, object]:
    return {
        "model": "anthropic/claude-haiku-5-5",
        "messages": [{"role": "user", "content": "a secret question"}],
        "api_base": world.base_url,
        "api_key": "sk-secret-key",
        "max_tokens": 64,
    }


def completion(world: World) -> int:
    return len(litellm.completion(**options(world)).choices)


def stream(world: World) -> bool:
    return sum(1 for _ in litellm.completion(**options(world), stream=True)) > 1


def asynchronous(world: World) -> bool:
    async def ask() -> bool:
        await litellm.acompletion(**options(world))
        chunks = await litellm.acompletion(**options(world), stream=True)
        return len([chunk async for chunk in chunks]) > 1

    return asyncio.run(ask())
