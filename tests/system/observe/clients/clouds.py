"""What applications do with the SDK's clients for Amazon Bedrock and Google Cloud."""

import asyncio
from typing import Any

import anthropic
from observed import World

BEDROCK_MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
GOOGLE_MODEL = "claude-haiku-4-5@20251001"


def bedrock_options(world: World) -> dict[str, Any]:
    return {
        "base_url": world.base_url,
        "aws_access_key": "AKIASECRET",
        "aws_secret_key": "sk-secret-key",
        "aws_region": "us-east-1",
        "max_retries": 0,
    }


def google_options(world: World) -> dict[str, Any]:
    return {
        "base_url": f"{world.base_url}/v1",
        "access_token": "sk-secret-key",
        "project_id": "project",
        "region": "us-east5",
        "max_retries": 0,
    }


def bedrock(world: World) -> str:
    client = anthropic.AnthropicBedrock(**bedrock_options(world))
    return client.messages.create(**world.body(model=BEDROCK_MODEL)).content[0].text


def bedrock_stream(world: World) -> int:
    client = anthropic.AnthropicBedrock(**bedrock_options(world))
    return sum(1 for _ in client.messages.create(**world.body(model=BEDROCK_MODEL, stream=True)))


def bedrock_async(world: World) -> int:
    async def ask() -> int:
        async with anthropic.AsyncAnthropicBedrock(**bedrock_options(world)) as client:
            body = world.body(model=BEDROCK_MODEL, stream=True)
            return len([event async for event in await client.messages.create(**body)])

    return asyncio.run(ask())


def bedrock_throttled(world: World) -> str:
    client = anthropic.AnthropicBedrock(**bedrock_options(world))
    body = world.body(model=f"us.{BEDROCK_MODEL}", stream=True)
    try:
        return str(sum(1 for _ in client.messages.create(**body)))
    except anthropic.APIError as error:
        return type(error).__name__


def google(world: World) -> str:
    client = anthropic.AnthropicVertex(**google_options(world))
    return client.messages.create(**world.body(model=GOOGLE_MODEL)).content[0].text


def google_stream(world: World) -> int:
    async def ask() -> int:
        async with anthropic.AsyncAnthropicVertex(**google_options(world)) as client:
            body = world.body(model=GOOGLE_MODEL, stream=True)
            return len([event async for event in await client.messages.create(**body)])

    return asyncio.run(ask())
