"""What applications do without the SDK: httpx, requests, aiohttp, and mock libraries under them."""

import asyncio
from collections.abc import Callable

import aiohttp
import httpx
import requests
from observed import World

CLIENT, SESSION = httpx.Client(), requests.Session()  # made when this is imported
ENDS = ("whole", "cut", "short", "error_event", "stalled", "left")


def plain_httpx(world: World) -> None:
    CLIENT.post(world.messages, json=world.body(), headers=world.headers)


def plain_requests(world: World) -> None:
    SESSION.post(world.messages, json=world.body(), headers=world.headers)


def plain_aiohttp(world: World) -> None:
    asyncio.run(ask_aiohttp(world))


def requests_session(world: World) -> int:
    with requests.Session() as session:
        session.headers.update(world.headers)
        for _ in range(2):  # the second over the same connection
            session.post(world.messages, json=world.body())
        return session.get(f"{world.base_url}/v1/models").status_code


def aiohttp_base_url(world: World) -> int:
    async def ask() -> int:
        async with aiohttp.ClientSession(world.base_url, headers=world.headers) as session:
            async with session.post("/v1/messages", json=world.body()) as response:
                await response.json()
            response = await session.get("/v1/models")
            await response.read()
            return response.status

    return asyncio.run(ask())


async def ask_aiohttp(world: World, stream: bool = False, end: str = "whole") -> None:
    headers = world.headers if end == "whole" else world.fault(end)
    timeout = aiohttp.ClientTimeout(total=10, sock_read=0.4)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        body = world.body(stream=stream)
        async with session.post(world.messages, json=body, headers=headers) as response:
            if not stream:
                await response.json()
                return
            async for _ in response.content.iter_any():
                if end == "left":
                    break


def ask_requests(world: World, end: str) -> None:
    headers = world.headers if end == "whole" else world.fault(end)
    body = world.body(stream=True)
    asked = requests.post(world.messages, json=body, headers=headers, stream=True, timeout=0.4)
    with asked as response:
        for _ in response.iter_lines():
            if end == "left":
                break


def ask_httpx(world: World, end: str) -> None:
    headers = world.headers if end == "whole" else world.fault(end)
    body = world.body(stream=True)
    with (
        httpx.Client(timeout=0.4) as client,
        client.stream("POST", world.messages, json=body, headers=headers) as response,
    ):
        for _ in response.iter_lines():
            if end == "left":
                break


def each_end(ask: Callable[[str], object]) -> list[str | None]:
    """Ask for a stream that ends in each way; return what the application saw."""
    seen: list[str | None] = []
    for end in ENDS:
        try:
            ask(end)
            seen.append(None)
        except (httpx.HTTPError, requests.RequestException, aiohttp.ClientError, OSError) as error:
            seen.append(type(error).__name__)
    return seen


def ends_httpx(world: World) -> list[str | None]:
    return each_end(lambda end: ask_httpx(world, end))


def ends_requests(world: World) -> list[str | None]:
    return each_end(lambda end: ask_requests(world, end))


def ends_aiohttp(world: World) -> list[str | None]:
    return each_end(lambda end: asyncio.run(ask_aiohttp(world, stream=True, end=end)))


def unreachable(world: World) -> list[str]:
    url, said = "http://127.0.0.1:1/v1/messages", []

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            await session.post(url, json=world.body())

    for send in (
        lambda: httpx.post(url, json=world.body()),
        lambda: requests.post(url, json=world.body(), timeout=5),
        lambda: asyncio.run(ask()),
    ):
        try:
            send()
        except (httpx.HTTPError, requests.RequestException, aiohttp.ClientError) as error:
            said.append(type(error).__name__)
    return said


def raised_status(world: World) -> int:
    async def ask() -> int:
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            try:
                await session.post(world.messages, json=world.body())
            except aiohttp.ClientResponseError as error:
                return error.status
        return 0

    return asyncio.run(ask())


FORGED = {"request-id": "req_forged", "x-l9gate-origin": "live"}


def mocked_respx(world: World) -> int:
    import respx

    with respx.mock:
        respx.post(world.messages).respond(200, headers=FORGED, json={})
        return httpx.post(world.messages, json=world.body()).status_code


def mocked_responses(world: World) -> int:
    import responses

    with responses.RequestsMock() as mock:
        mock.post(world.messages, json={}, headers=FORGED)
        return requests.post(world.messages, json=world.body(), timeout=5).status_code


def mocked_requests_mock(world: World) -> int:
    import requests_mock

    with requests_mock.Mocker() as mock:
        mock.post(world.messages, json={}, headers=FORGED)
        return requests.post(world.messages, json=world.body(), timeout=5).status_code


def mocked_aioresponses(world: World) -> int:
    import aioresponses

    async def ask() -> int:
        async with aiohttp.ClientSession() as session:
            response = await session.post(world.messages, json=world.body())
            await response.json()
            return response.status

    with aioresponses.aioresponses() as mock:
        mock.post(world.messages, payload={}, headers=FORGED)
        return asyncio.run(ask())


def mocked_transport(world: World) -> int:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=FORGED, json={}))
    with httpx.Client(transport=transport) as client:
        return client.post(world.messages, json=world.body()).status_code


def routed(world: World) -> None:
    url = "https://api.anthropic.com/v1/messages?beta=true"
    body, headers = world.body(), world.headers

    async def ask() -> None:
        async with aiohttp.ClientSession(headers={"Host": "api.anthropic.com"}) as session:
            await session.post(url, json=body, headers=headers)

    world.seam.set_route(lambda _: world.base_url)
    try:
        httpx.post(url, json=body, headers=headers)
        requests.post(url, json=body, headers=headers, timeout=5)
        asyncio.run(ask())
    finally:
        world.seam.set_route(None)
