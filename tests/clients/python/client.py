"""Clients for the server that the environment names, and what all scripts check with."""

import contextlib

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# A failure shows at once.
CONFIG = Config(retries={"total_max_attempts": 1})


def client(service, **options):
    return boto3.client(service, config=CONFIG.merge(Config(**options)))


def equal(found, expected, what=""):
    assert found == expected, f"{what}: {found!r}, not {expected!r}"


@contextlib.contextmanager
def refused(code, message=""):
    """The block must be refused with this code."""
    try:
        yield
    except ClientError as error:
        equal(error.response["Error"]["Code"], code, error.response["Error"]["Message"])
        assert message in error.response["Error"]["Message"], error.response["Error"]["Message"]
        return
    raise AssertionError(f"nothing was refused, but {code} was expected")


def run(*checks):
    """Runs each check and says so, so that a failure shows how far the script came."""
    for check in checks:
        check()
        print(check.__name__, "ok")
