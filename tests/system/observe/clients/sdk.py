"""What applications do with the official SDK."""

import asyncio
from typing import Any

import anthropic
from observed import FAULTS, World

EARLY = anthropic.Anthropic(api_key="sk-secret-key", max_retries=0)  # made when this is imported


def client(world: World, **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="sk-secret-key", base_url=world.base_url, max_retries=0, **options
    )


def async_client(world: World, **options: Any) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        api_key="sk-secret-key", base_url=world.base_url, max_retries=0, **options
    )


def create(world: World) -> None:
    client(world).messages.create(**world.body())


def early(world: World) -> None:
    EARLY.with_options(base_url=world.base_url).messages.create(**world.body())


def stream_helper(world: World) -> str:
    with client(world).messages.stream(**world.body()) as stream:
        return stream.get_final_message().stop_reason


def raw_stream(world: World) -> int:
    return sum(1 for _ in client(world).messages.create(**world.body(stream=True)))


def raw_response(world: World) -> int:
    return client(world).messages.with_raw_response.create(**world.body()).status_code


def streaming_response(world: World) -> bool:
    with client(world).messages.with_streaming_response.create(**world.body()) as response:
        return b"msg_" in b"".join(response.iter_bytes())


def asynchronous(world: World) -> None:
    async def ask() -> None:
        async with async_client(world) as made:
            await made.messages.create(**world.body())
            async with made.messages.stream(**world.body()) as stream:
                async for _ in stream:
                    pass

    asyncio.run(ask())


def over_aiohttp(world: World) -> None:
    async def ask() -> None:
        async with async_client(world, http_client=anthropic.DefaultAioHttpClient()) as made:
            await made.messages.create(**world.body())
            async with made.messages.stream(**world.body()) as stream:
                async for _ in stream:
                    pass

    asyncio.run(ask())


def over_aiohttp_refused(world: World) -> str:
    async def ask() -> str:
        http_client = anthropic.DefaultAioHttpClient()
        made = anthropic.AsyncAnthropic(
            api_key="sk-secret-key",
            base_url="http://127.0.0.1:1",
            max_retries=0,
            http_client=http_client,
        )
        async with made:
            try:
                await made.messages.create(**world.body())
            except anthropic.APIConnectionError as error:
                return type(error).__name__
        return "nothing"

    return asyncio.run(ask())


def on_uvloop(world: World) -> None:
    import uvloop

    async def ask() -> None:
        async with async_client(world) as made:
            await made.messages.create(**world.body())

    uvloop.run(ask())


def retries(world: World) -> None:
    made = client(world).with_options(max_retries=1)
    fault = {"x-l9gate-fault": "status=529,retry_after=0.01"}
    try:
        made.messages.create(**world.body(), extra_headers=fault)
    except anthropic.APIStatusError:
        return


def batches(world: World) -> str:
    made = client(world)
    params = world.body()
    batch = made.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    for _ in range(200):
        if batch.processing_status == "ended":
            break
        batch = made.messages.batches.retrieve(batch.id)
    return next(result.result.type for result in made.messages.batches.results(batch.id))


def gateway(world: World) -> None:
    prefixed = anthropic.Anthropic(
        api_key="sk-secret-key", base_url=f"{world.base_url}/team/gateway"
    )
    try:
        prefixed.with_options(max_retries=0).messages.create(**world.body())
    except anthropic.NotFoundError:
        return


def left(world: World) -> None:
    slow = {"x-l9gate-fault": FAULTS["left"]}
    with client(world).messages.create(**world.body(stream=True), extra_headers=slow) as stream:
        next(iter(stream))


def ends_over_aiohttp(world: World) -> list[str | None]:
    """Ask for a stream that ends in each way; return what the application saw."""

    async def ask(end: str) -> None:
        http_client = anthropic.DefaultAioHttpClient(timeout=0.4)
        async with async_client(world, http_client=http_client) as made:
            fault = {"x-l9gate-fault": FAULTS[end]}
            body = world.body(stream=True)
            async with await made.messages.create(**body, extra_headers=fault) as stream:
                async for _ in stream:
                    if end == "left":
                        break

    seen: list[str | None] = []
    for end in FAULTS:
        try:
            asyncio.run(ask(end))
            seen.append(None)
        except Exception as error:  # noqa: BLE001 - of the SDK, or of the library below it
            seen.append(type(error).__name__)
    return seen


def routed(world: World) -> None:
    elsewhere = anthropic.Anthropic(api_key="sk-secret-key", max_retries=0)
    world.seam.set_route(lambda _: world.base_url)
    try:
        elsewhere.messages.create(**world.body())
    finally:
        world.seam.set_route(None)


def routed_over_aiohttp(world: World) -> None:
    async def ask() -> None:
        http_client = anthropic.DefaultAioHttpClient()
        async with anthropic.AsyncAnthropic(
            api_key="sk-secret-key", http_client=http_client
        ) as made:
            await made.messages.create(**world.body())

    world.seam.set_route(lambda _: world.base_url)
    try:
        asyncio.run(ask())
    finally:
        world.seam.set_route(None)
