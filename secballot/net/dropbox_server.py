"""A drop box as an ASGI application: `POST /entry` as at a board (`net.door`), and its own health.

    POST  /entry       202 kept, 200 and the board's promise once there is one, 422 if every board refuses the entry
    GET   /health      200 while entries are taken and forwarded, else 503

Nothing that is held is shown to anybody over the network, but the promise of an entry to whoever has its bytes.

Source: SPEC.md#promise.
"""

from __future__ import annotations

from typing import Protocol

from secballot.net.door_service import DoorService, ServiceBackend
from secballot.net.limits import ServiceLimits


class DropBoxBackend(ServiceBackend, Protocol):
    """The drop box behind the application; all its methods but `ticket` are called from threads."""

    def forward(self) -> None:
        """Offer what is due to the boards.

        Raises:
            SecballotError: not now.
        """


class DropBoxServer(DoorService):
    """The ASGI application of one drop box."""

    def __init__(self, backend: DropBoxBackend, limits: ServiceLimits | None = None, *, interval: float = 0.2) -> None:
        """Serve this drop box.

        Args:
            backend: the drop box.
            limits: what is taken.
            interval: seconds between two looks whether anything is to be forwarded.
        """
        super().__init__(
            backend, limits or ServiceLimits(), (), backend.forward, interval=interval, trouble="not-forwarded"
        )
