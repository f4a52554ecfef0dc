"""`hubbub serve`: from options to a running server.

stdout gets exactly one line, for programs that wait for it; what people want to know, and the logs, go to stderr.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click
import structlog

from actors import RootGaveUp, System
from server.cli.exits import Ended, Exit
from server.cli.options import config_option, configuration, data_option
from server.cli.stores import store_errors
from server.gateway.certificates import CertificateTrouble
from server.listening import PortTrouble
from server.logs import configure_logs
from server.serving import serve, tree_text
from server.settings import shown

log: Final = structlog.get_logger(__name__)


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="The address to listen on (default: 127.0.0.1).")
@click.option("--port", metavar="N", help="The port to listen on; 0 takes any free one (default: 8000).")
@data_option
@config_option
@click.option("--tls-cert", metavar="FILE", help="Speak TLS with the certificate in this PEM file; see SIGHUP.")
@click.option("--tls-key", metavar="FILE", help="Its private key, if that is in another file.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error (default: info).")
@click.option("--log-format", metavar="FORMAT", help="text or json (default: text).")
@click.option("--drain", metavar="SECONDS", help="How long clients may take to leave at SIGTERM (default: 4).")
@click.option("--compression/--no-compression", default=None, help="Compress for clients that offer it (default: no).")
@click.option("--tree", is_flag=True, help="Print the supervision tree and exit.")
def serve_command(
    host: str | None,
    port: str | None,
    data: str | None,
    config: Path | None,
    tls_cert: str | None,
    tls_key: str | None,
    log_level: str | None,
    log_format: str | None,
    drain: str | None,
    compression: bool | None,
    tree: bool,
) -> None:
    """Serve chat until SIGTERM, which lets clients leave first, or Ctrl-C; a second one stops at once.

    SIGHUP reads the certificate anew; connections that are open keep theirs.

    Every setting can also be given as HUBBUB_… in the environment or in a settings file: see `hubbub config`.
    """
    effective = configuration(
        config,
        host=host,
        port=port,
        data=data,
        tls_cert=tls_cert,
        tls_key=tls_key,
        log_level=log_level,
        log_format=log_format,
        drain=drain,
        compression=None if compression is None else shown(compression),
    )
    if tree:
        configure_logs("warning", effective.settings.log_format)
        click.echo(tree_text(effective.settings))
        return
    configure_logs(effective.settings.log_level, effective.settings.log_format)
    for variable in effective.unknown_variables:
        log.warning("a variable that is no setting", variable=variable)
    with store_errors():
        try:
            serve(effective.settings, _announce)
        except CertificateTrouble as trouble:
            raise Ended(Exit.WRONG_SETTING, str(trouble)) from None
        except PortTrouble as trouble:
            raise Ended(Exit.PORT, str(trouble)) from None
        except RootGaveUp as failure:
            raise Ended(Exit.FAILED, f"gave up: {failure}") from None


def _announce(url: str, _system: System) -> None:
    print(f"Open {url} in a browser, or: hubbub chat {url} --name YOU", file=sys.stderr, flush=True)
    print(f"hubbub is serving on {url}", flush=True)
