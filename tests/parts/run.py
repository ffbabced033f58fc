"""Tests with third-party services: `run.py FOLDER-OF-THE-BINARIES FOLDER-OF-THE-TOOLS`. Started by script/lambda-parts."""

import os
import signal
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

# Remove the settings and proxies of this account before boto3 reads them
for variable in list(os.environ):
    if variable.startswith(("AWS_", "HLSNAP_")) or variable.lower().endswith("_proxy"):
        del os.environ[variable]
os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
# Without keys, a store client requests the role of the machine. Nothing listens at this address
os.environ["AWS_METADATA_ENDPOINT"] = "http://127.0.0.1:1"

import function
import state_machine
import store
from programs import Emulator, Moto, Origin
from tally import Tally


def main(binaries, tools):
    # End the programs on SIGTERM too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tally = Tally()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        origin = stack.enter_context(closing(Origin(binaries)))
        moto = stack.enter_context(closing(Moto(tools)))
        emulator = stack.enter_context(closing(Emulator(tools, folder / "project")))
        for program in (origin, moto, emulator):
            program.wait()
        parts = SimpleNamespace(binaries=binaries, origin=origin, moto=moto, emulator=emulator, hlsnap=store.Hlsnap(binaries))
        for group in store.ALL + function.ALL + state_machine.ALL:
            tally.group(group, parts)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main(*(Path(folder).resolve() for folder in sys.argv[1:3])))
