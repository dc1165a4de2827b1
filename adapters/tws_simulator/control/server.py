"""The control channel's server: one JSON object per line in, one out, in order.

    {"id": 1, "command": "notice", "parameters": {"code": 2110}}
    {"id": 1, "result": null}
    {"id": 2, "command": "notice", "parameters": {"kode": 2110}}
    {"id": 2, "error": "notice: Object contains unknown field `kode`"}

Beside the broker's commands: `commands` (what there is, with parameters), `truth`, `flush_recording`
and `stop`. It is served on 127.0.0.1 without a password, like TWS's own port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from adapters.tws_simulator.server import HOST, TwsServer
from market.errors import UserError

LINE_BYTES_MAX = 64 << 20


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line from the client."""

    command: str
    id: int = 0
    parameters: dict[str, Any] = {}


class ControlServer:
    """Serves the control channel of a `TwsServer`; `stop` is called when a client asks for it."""

    def __init__(self, server: TwsServer, *, stop: Callable[[], None]) -> None:
        self._server, self._stop = server, stop
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._own: dict[str, Callable[[], object]] = {
            "commands": self._commands,
            "truth": self._truth,
            "flush_recording": self._server.flush_recording,
            "stop": self._stop,
        }

    async def start(self, port: int) -> int:
        """Listen on `port` (0 for a free one) and return it; raises `UserError` when it is taken."""
        try:
            self._listener = await asyncio.start_server(self._serve, HOST, port, limit=LINE_BYTES_MAX)
        except OSError as problem:
            raise UserError(
                f"Control port {port} cannot be opened ({problem.strerror}). Choose one with --control-port."
            ) from None
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close the port and its connections."""
        if self._listener is not None:
            self._listener.close()
        for writer in list(self._writers):
            writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one line; never raises for what the line says."""
        try:
            request = msgspec.json.decode(line, type=Request)
        except (msgspec.DecodeError, ValueError) as problem:
            return {"id": 0, "error": f"not a request: {problem}"}
        try:
            return {"id": request.id, "result": self._run(request)}
        except ValueError as problem:
            return {"id": request.id, "error": str(problem)}

    def _run(self, request: Request) -> object:
        own = self._own.get(request.command)
        if own is not None:
            return own()
        self._server.broker.advance(self._server.now_ns())
        result = self._server.broker.run_command(request.command, request.parameters)
        self._server.schedule()
        return result

    def _truth(self) -> dict[str, Any]:
        self._server.advance()
        return self._server.broker.truth()

    def _commands(self) -> dict[str, Any]:
        commands = self._server.broker.commands
        return {
            name: {
                "help": (command.parameters.__doc__ or "").strip(),
                "parameters": [field.encode_name for field in msgspec.structs.fields(command.parameters)],
            }
            for name, command in sorted(commands.items())
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                answer = self._answer_or_failure(line)
                writer.write(msgspec.json.encode(answer, enc_hook=str) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            # The client went away, or sent a line that is longer than any request.
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer_or_failure(self, line: bytes) -> dict[str, Any]:
        try:
            return self.answer(line)
        except Exception as failure:  # noqa: BLE001 - a defect in a command must not end the simulator
            return {"id": 0, "error": f"defect of the simulator: {failure!r}"}
