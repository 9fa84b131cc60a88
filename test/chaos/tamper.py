"""Broken promises, made from outside while there is no server: each must be found."""

import os


def begin_again(run):
    """An attempt that began twice: its line in the ledger is doubled."""
    lines = [line for line in run.ledger.read_text().splitlines() if line.startswith("begin")]
    with open(run.ledger, "a") as file:
        file.write(lines[-1] + "\n")


def lose_claim(run):
    """The claim of a running stream is gone, and with it the proof that it was ever started."""
    run.server.signal_runner(9)
    for key in run.streams:
        execution, rest = key.split("-", 1)
        claim = run.server.home / "attempts" / execution / rest / "claim"
        if claim.exists():
            os.unlink(claim)


def forge_acknowledgement(run):
    """An event was acknowledged and is not in the log."""
    run.nudger.acknowledged["tick/forged"] = ("tick", "forged", 1)


TAMPERS = {"begin-again": begin_again, "lose-claim": lose_claim,
           "forge-acknowledgement": forge_acknowledgement}
