"""`hubbub serve`: from options to a running server.

One worker is this process; several have it as their parent. What one of many needs is in `workers.py`.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Final

import click
import structlog

from server.cli.announcing import announce
from server.cli.options import config_option, configuration, data_option, database_option
from server.cli.troubles import serving_errors
from server.cli.workers import application, handed_over
from server.logs import configure_logs
from server.parent.processes import cores
from server.parent.starting import run_parent
from server.serving import serve, tree_text
from server.settings import load, shown

log: Final = structlog.get_logger(__name__)


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="The address to listen on (default: 127.0.0.1).")
@click.option("--port", metavar="N", help="The port to listen on; 0 takes any free one (default: 8000).")
@data_option
@database_option
@config_option
@click.option("--tls-cert", metavar="FILE", help="Speak TLS with the certificate in this PEM file; see SIGHUP.")
@click.option("--tls-key", metavar="FILE", help="Its private key, if that is in another file.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error (default: info).")
@click.option("--log-format", metavar="FORMAT", help="text or json (default: text).")
@click.option("--drain", metavar="SECONDS", help="How long clients may take to leave at SIGTERM (default: 4).")
@click.option("--compression/--no-compression", default=None, help="Compress for clients that offer it (default: no).")
@click.option("--workers", metavar="N", help="How many processes serve; auto: one a core (default: 1).")
@click.option("--engine", metavar="URL", help="A Valkey or Redis that nodes share: valkey://HOST:PORT, unix:///PATH.")
@click.option("--tree", is_flag=True, help="Print the supervision tree and exit.")
def serve_command(
    host: str | None,
    port: str | None,
    data: str | None,
    database: str | None,
    config: Path | None,
    tls_cert: str | None,
    tls_key: str | None,
    log_level: str | None,
    log_format: str | None,
    drain: str | None,
    compression: bool | None,
    workers: str | None,
    engine: str | None,
    tree: bool,
) -> None:
    """Serve chat until SIGTERM, which lets clients leave first, or Ctrl-C; a second one stops at once.

    SIGHUP reads the certificate anew; connections that are open keep theirs. With several workers it reads the
    settings, too, and SIGUSR2 replaces the program, worker by worker, while it serves.

    Every setting can also be given as HUBBUB_… in the environment or in a settings file: see `hubbub config`.
    """
    given = {
        "host": host,
        "port": port,
        "data": data,
        "database": database,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "log_level": log_level,
        "log_format": log_format,
        "drain": drain,
        "compression": None if compression is None else shown(compression),
        "workers": workers,
        "engine": engine,
    }
    handed = handed_over()
    effective = configuration(config, **given)
    settings = effective.settings
    if tree:
        configure_logs("warning", settings.log_format)
        click.echo(tree_text(settings))
        return
    configure_logs(settings.log_level, settings.log_format)
    for variable in effective.unknown_variables:
        log.warning("a variable that is no setting", variable=variable)
    number = cores() if settings.workers == "auto" else settings.workers
    with serving_errors():
        if number > 1 or handed is not None:
            reread = partial(load, given, os.environ, config)
            sys.exit(run_parent(settings, number, application(settings, lambda: reread().settings), handed))
        serve(settings, lambda url, _: announce(url))
