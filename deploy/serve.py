"""`make serve`: keep the demo's stack up, with the sample bank in it, and say how to call it.

The bank is loaded once; another start finds it there. Ctrl-C stops everything.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.service import DATA, Service, one_line_errors
from loadtests.sample_accounts import pan
from loadtests.sample_bank import ACCOUNTS_MIN, SampleBank
from loadtests.sample_file import SampleFile
from loadtests.sample_load import load
from opencif.client import DEFAULT_ADDRESS, Client

__all__ = ["HOW_TO_CALL", "main"]

_LOADED: Final = "sample-bank-is-loaded"
_LOOK_EVERY_S: Final = 1.0
_PORT: Final = int(DEFAULT_ADDRESS.rpartition(":")[2])  # so that clients need not be told

HOW_TO_CALL: Final = """
OpenCIF serves at {addresses}; metrics at {metrics}

  .venv/bin/opencif --address {range} status
  .venv/bin/opencif --address {address} lookup account --number {routing} {account}
  echo {pan} | .venv/bin/opencif --address {address} lookup card --pan - --with-accounts
  .venv/bin/opencif --address {address} resolve {sample} --close-match-noc

  .venv/bin/buf curl --protocol grpc --http2-prior-knowledge \\
    -d '{{"routing_numbers": ["{routing}"]}}' \\
    http://{address}/opencif.v1.RoutingService/LookupRoutingNumbers

Data and logs are in {home}. Ctrl-C stops everything.
"""


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m deploy.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=_PORT, help="the first worker's")
    parser.add_argument("--accounts", type=int, default=5_000, help=f"{ACCOUNTS_MIN} or more")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--directory", type=Path, default=DATA / "serve", help="for all data")
    given = parser.parse_args()
    if given.accounts < ACCOUNTS_MIN:
        parser.error(f"--accounts is {ACCOUNTS_MIN} or more")
    console = Console(highlight=False)
    with one_line_errors("serve"):
        loaded = given.directory / _LOADED
        service = Service(
            given.directory,
            workers=given.workers,
            port=given.port,
            fresh=not loaded.exists(),  # a load that was broken off begins anew
            tell=console.print,
        )
        with service:
            bank = SampleBank(given.accounts)
            sample = given.directory / "sample.ach"
            if not loaded.exists():
                asyncio.run(_load(service, bank, console))
                SampleFile(bank).write(sample)
                loaded.touch()
            console.print(_how_to_call(service, bank, sample), soft_wrap=True, markup=False)
            while service.is_alive():
                time.sleep(_LOOK_EVERY_S)
        sys.exit(f"serve: the server has ended; its log is {service.log}")


async def _load(service: Service, bank: SampleBank, console: Console) -> None:
    async with Client(service.addresses) as client:
        await load(client, bank, lambda step: console.print(f"loading {step}"))


def _how_to_call(service: Service, bank: SampleBank, sample: Path) -> str:
    slot, routing, account = next(bank.carded())
    return HOW_TO_CALL.format(
        addresses=", ".join(service.addresses),
        address=service.addresses[0],
        range=",".join(service.addresses),
        metrics=service.metrics,
        routing=routing,
        account=account,
        pan=pan(bank.dice, slot),
        sample=sample,
        home=service.home,
    )


if __name__ == "__main__":
    main()
