"""Foreign errors in edgekit's words, by the names that the libraries of the stores give them."""

import errno

import pytest

from edgekit.errors import EdgekitError, StorageError, UsageError
from edgekit.remote.failures import told


def named(name: str, *bases: type[Exception], text: str = "", **fields: object) -> Exception:
    return type(name, bases or (Exception,), fields)(text)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "out cannot be written: No space left on device."),
        (PermissionError("no"), "The store refuses access to s3://b/c."),
        (named("HttpError", text=", 401", code=401), "The store refuses access to s3://b/c."),
        (named("ClientResponseError", text="x", status=403), "The store refuses access to s3://b/c."),
        (named("HttpError", text="try later, 503", code=503), "The store of s3://b/c fails at present."),
        (named("NoCredentialsError"), "There are no credentials for s3://b/c."),
        (named("ProfileNotFound"), "There are no credentials for s3://b/c."),
        (named("RefreshError", named("GoogleAuthError").__class__), "There are no credentials for s3://b/c."),
        (named("FSTimeoutError", TimeoutError), "s3://b/c does not answer."),
        (named("EndpointConnectionError"), "s3://b/c cannot be reached."),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "s3://b/c cannot be reached."),
        (ValueError("what?"), "s3://b/c cannot be used."),
    ],
)
def test_a_failure_is_told_by_its_name(error: Exception, expected: str) -> None:
    answer = told(error, "s3://b/c", kind="s3", writes="out")
    assert type(answer) is StorageError
    assert answer.what == expected


def test_a_store_for_reading_alone() -> None:
    assert type(told(NotImplementedError(), "https://h", kind="https", writes="")) is UsageError


@pytest.mark.parametrize(
    "text",
    [
        "GET http://me:SESAME@host/a fails",
        "url='https://host/a?X-Goog-Signature=SESAME&b=c'",
        "Authorization: Bearer SESAME",
        "aws_secret_access_key=SESAME",
        "{'token': 'SESAME'}",
        '"client_secret" : "SESAME"',
        "the key AKIASESAME000000",
        "with ya29.SESAME-x",
        "first line\nsecret line with SESAME",
        "x" * 300 + "SESAME",
    ],
)
def test_no_message_shows_a_secret(text: str) -> None:
    answer: EdgekitError = told(ValueError(text), "s3://b/c", kind="s3", writes="")
    assert "ValueError" in answer.cause
    assert "SESAME" not in str(answer)
