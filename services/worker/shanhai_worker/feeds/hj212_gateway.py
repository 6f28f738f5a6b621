"""The gateway devices push telegrams of HJ 212-2017 to, over TCP.

An answer says that what a telegram brought is durable. Who gets none sends again, and what is there
already is counted as a duplicate, so nothing is lost and nothing is there twice, whatever ends in
between. Any number of workers may each have a gateway, behind one address.
"""

import asyncio
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address

import structlog

from shanhai.ending import end
from shanhai.settings import Hj212Settings
from shanhai_worker.context import Context
from shanhai_worker.feeds.hj212_devices import Devices
from shanhai_worker.feeds.hj212_link import WAY, Link, Recent
from shanhai_worker.feeds.intake import Intake, open_intake

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def run(context: Context, settings: Hj212Settings, *, skew: timedelta) -> None:
    """Listen and store for ever."""
    async with open_intake(context, WAY, skew=skew) as intake:
        await Gateway(context, settings, intake).listen()


class Gateway:
    """What the connections share."""

    def __init__(self, context: Context, settings: Hj212Settings, intake: Intake) -> None:
        self._intake = intake
        self._settings = settings
        self._meters = context.meters
        self._devices = Devices(context.sessions)
        self._recent = Recent()
        self._links: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Accept connections until cancelled; then end them."""
        server = await asyncio.start_server(self._accept, self._settings.host, self._settings.port)
        log.info("gateway listening", host=self._settings.host, port=self._settings.port)
        try:
            await server.serve_forever()
        finally:
            server.close()
            await end(*self._links)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        connections = self._meters.connections.labels(WAY)
        connections.inc()
        try:
            reason = self._reason_to_refuse(peer)
            if reason is not None:
                self._meters.refused.labels(WAY, reason).inc()
                log.warning("connection refused", peer=peer, reason=reason)
                return
            link = Link(
                reader,
                writer,
                settings=self._settings,
                intake=self._intake,
                devices=self._devices,
                recent=self._recent,
                meters=self._meters,
            )
            await link.run()
        except (ConnectionError, TimeoutError) as error:
            log.info("connection of a device ended", peer=peer, error=type(error).__name__)
        except Exception:
            # A mistake met with one device must not end the others' connections.
            log.exception("telegrams not handled", peer=peer)
        finally:
            connections.dec()
            writer.close()

    def _reason_to_refuse(self, peer: str) -> str | None:
        if len(self._links) > self._settings.connections:
            return "connections"
        networks = self._settings.networks
        if networks and not any(_address(peer) in network for network in networks):
            return "network"
        return None


def _address(peer: str) -> IPv4Address | IPv6Address:
    """The address of a peer, which is an IPv4 one even where it came to an IPv6 socket."""
    address = ip_address(peer)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
