"""`make fuzz SECONDS=60`: the targets by atheris, guided by what of our code (and wsproto's, h11's) each input reaches.

Each target runs in a process of its own, because libFuzzer ends its process. What it found worth keeping is kept under
`build/fuzz/<target>` for the next time. An input that breaks a promise is written there as well and printed: it becomes
a plain test beside the code it broke. Atheris is an extra (`fuzz`), because it has wheels for few machines only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOUND = Path("build/fuzz")
LONGEST = 4_096  # bytes of an input
INSTRUMENTED = ["server.gateway", "server.protocol", "wsproto.frame_protocol", "h11"]


def fuzz(name: str, seconds: int) -> None:
    """Run one target in this process; does not return. Only what is imported here, and not before, is instrumented."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.seeds import SEEDS
        from tests.fuzz.targets import TARGETS

    folder = FOUND / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (folder / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=5",
        "-rss_limit_mb=2048",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], str(folder), *options, f"-artifact_prefix={folder}/broken-"], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=int, default=60, help="of each target")
    arguments.add_argument("--only", help="this target, in this process")
    given = arguments.parse_args()
    if given.only:
        fuzz(given.only, given.seconds)
    from tests.fuzz.targets import TARGETS

    broken = []
    for name in TARGETS:
        print(f"--- {name}", flush=True)
        command = [sys.executable, "-m", "tests.fuzz.run", "--only", name, "--seconds", str(given.seconds)]
        if subprocess.run(command, check=False).returncode:
            broken.append(name)
    print(f"broken: {', '.join(broken)}" if broken else f"nothing was found in {given.seconds} s of each target")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
