"""moto's server in this process: S3, CloudWatch Logs and other services of AWS over HTTP."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack

from etl_framework.errors import MissingExtraError


def start_moto(until: ExitStack) -> str:
    """Start the server on a free port of the loopback and return its URL.

    :param until: when it is closed, the server stops.
    :raises MissingExtraError: moto is not installed.
    """
    try:
        from moto.moto_server import werkzeug_app as app
        from werkzeug.serving import make_server
    except ImportError as error:
        raise MissingExtraError("moto", "devstack") from error
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(
        "127.0.0.1",
        0,
        app.DomainDispatcherApplication(app.create_backend_app),
        threaded=True,
        request_handler=getattr(app, "MotoRequestHandler", None),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    until.callback(server.server_close)
    until.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"
