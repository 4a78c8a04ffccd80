"""Plain accounts by the thousand, loaded as a measurement at size loads them."""

import asyncio
import subprocess
import sys

from tests.rpc.conftest import PATIENT_S, Launch

IMPORT = "ImportService/ImportRecords"


async def load(addresses: list[str], *arguments: str) -> str:
    """The last line that the command says."""
    command = [sys.executable, "-m", "loadtests.sample_plain_load", "--address"]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, ",".join(addresses), "--owners", "40", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1]


async def test_accounts_are_loaded_once_and_a_load_goes_on_where_one_ended(launch: Launch) -> None:
    serving = await launch(OPENCIF_WORKERS="2")

    async def calls() -> float:
        return await serving.counted("opencif_rpc_started_total", method=IMPORT)

    assert "500 of 500 accounts" in await load(serving.addresses, "--accounts", "500")
    assert await calls() == 2  # the owners, and one block
    assert "10,300 of 10,300" in await load(serving.addresses, "--accounts", "10300")
    assert await calls() == 4  # a block that was begun, and another
    assert "10,300 of 10,300" in await load(serving.addresses, "--accounts", "10300")
    assert await calls() == 4  # what is there is not sent again
