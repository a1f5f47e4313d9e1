"""HTTP for boards, witnesses and readers: bounded in size and time, and ignorant of voting.

- `client`: requests that end, however the other side behaves.
- `source`: reads a published log from any web server.
- `witness_client`: asks a distant witness.
- `limits`: how much a service takes, from all and from one.
- `batching`: many submissions, one durable write.
- `events`: what a service writes to its log, and never more.
- `door`: takes entries, for board and drop box; `door_service`: the frame of both.
- `server`, `dropbox_server`, `witness_server`: the ASGI applications.

The clients need the extra `client`, the servers the extra `server`.

Source: SPEC.md#board-profile; C2SP tlog-tiles, tlog-witness.
"""
