"""Serve a sandbox folder on a port: ``python -m eyewire_validator.sandbox serve``."""

import argparse
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from eyewire_validator.errors import EyewireValidatorError
from eyewire_validator.sandbox.service.application import (
    SANDBOX_TOKEN,
    create_application,
)
from eyewire_validator.sandbox.service.faults import (
    FaultyApplication,
    WireProtocol,
    read_faults,
)


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m eyewire_validator.sandbox", description=__doc__.splitlines()[0]
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve", help="serve FOLDER until interrupted")
    command.add_argument("folder", type=Path, help="the sandbox folder")
    command.add_argument("--host", default="127.0.0.1", help="%(default)s")
    command.add_argument("--port", type=int, default=0, help="0 takes any free port")
    command.add_argument("--token", default=SANDBOX_TOKEN, help="%(default)s")
    command.add_argument(
        "--faults", type=Path, help="JSON list of faults, as in sandbox/faults.py"
    )
    arguments = parser.parse_args()
    try:
        faults = read_faults(arguments.faults) if arguments.faults else []
        application = FaultyApplication(
            create_application(arguments.folder, arguments.token), faults
        )
        serve(application, arguments.host, arguments.port)
    except KeyboardInterrupt:
        sys.exit(130)
    except (EyewireValidatorError, OSError) as error:
        sys.exit(f"error: {error}")


def serve(application: ASGIApp, host: str, port: int) -> None:
    """Serve ``application`` and print the address once it is open.

    Raises:
        OSError: the address cannot be opened.
    """
    with socket.create_server((host, port)) as listener:
        print(f"http://{host}:{listener.getsockname()[1]}", flush=True)
        # No access log: it would hold the tokens.
        settings = uvicorn.Config(
            application,
            http=WireProtocol,
            log_level="warning",
            access_log=False,
            lifespan="off",
        )
        uvicorn.Server(settings).run(sockets=[listener])


if __name__ == "__main__":
    main()
