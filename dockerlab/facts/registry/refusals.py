"""Why a registry can't be talked to or says no, in plain words, each with its mend."""

import ssl
from http import HTTPStatus
from urllib.parse import urlsplit

import requests

from dockerlab.errors import RegistryError
from dockerlab.facts.plain import plain
from dockerlab.language import _

_LONGEST = 300


class Senseless(requests.RequestException):
    """An answer came, and no registry answers like this."""


class NotFollowed(requests.RequestException):
    """A redirect leads where nobody should follow."""


_SENSELESS = (
    Senseless,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


def broken(url: str, error: Exception) -> RegistryError:
    """Say why there was no answer: nobody listens, no such name, or no trust."""
    host = plain(urlsplit(url).netloc)
    if isinstance(error, requests.exceptions.SSLError):
        return _untrusted(host, plain(error))
    problem, mend = _unreached(error)
    return RegistryError(problem.format(address=host, cause=plain(error)[:_LONGEST]), mend)


def _unreached(error: Exception) -> tuple[str, str]:
    said = str(error)
    for kinds, words, sentences in _UNREACHED:
        if isinstance(error, kinds) or any(word in said for word in words):
            return sentences
    return _("{address} can't be reached: {cause}."), _("Check the network and any proxy.")


_Failures = tuple[tuple[type[Exception], ...], tuple[str, ...], tuple[str, str]]
_UNREACHED: tuple[_Failures, ...] = (
    (
        _SENSELESS,
        (),
        (
            _("{address} gave an answer that makes no sense for a registry."),
            _("Check the address."),
        ),
    ),
    (
        (NotFollowed,),
        (),
        (
            _("{address} sends on to '{cause}', which is not followed."),
            _("Ask for the registry that is meant by its own address."),
        ),
    ),
    (
        (requests.TooManyRedirects,),
        (),
        (
            _("{address} sends from one address to another without end."),
            _("Check the address."),
        ),
    ),
    (
        (requests.exceptions.ProxyError,),
        (),
        (
            _("The proxy on the way to {address} refused."),
            _("Check HTTPS_PROXY, or name the registry in NO_PROXY."),
        ),
    ),
    (
        (requests.exceptions.Timeout,),
        (),
        (
            _("Nothing at {address} answered in time."),
            _("Check the address, the network and any firewall."),
        ),
    ),
    (
        (requests.exceptions.ChunkedEncodingError,),
        ("Connection aborted",),
        (
            _("The connection to {address} broke off before the answer was whole."),
            _("Try again; if it stays so, check the registry, the network and any proxy."),
        ),
    ),
    (
        (),
        ("refused",),
        (_("Nothing listens at {address}."), _("Start the registry, or check the port.")),
    ),
    (
        (),
        ("resolve", "Name or service"),
        (_("There is no machine called {address}."), _("Check the name, and the network.")),
    ),
)


def _untrusted(host: str, said: str) -> RegistryError:
    if speaks_plain_http(said):
        return RegistryError(
            _("{address} speaks plain HTTP, without TLS.").format(address=host),
            _(
                "Ask for http://{address}; for docker itself list it under insecure-registries."
            ).format(address=host),
        )
    if "Hostname mismatch" in said or "doesn't match" in said or "IP address mismatch" in said:
        return RegistryError(
            _("The certificate of {address} is made out to another name.").format(address=host),
            _("Use the name that is in it, or give the registry one for this name."),
        )
    if "expired" in said:
        return RegistryError(
            _("The certificate of {address} has expired.").format(address=host),
            _("Renew it; a wrong clock on this machine looks the same."),
        )
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return RegistryError(
            _("The certificate of {address} is signed by nobody this machine knows.").format(
                address=host
            ),
            _(
                "Pass the signer's certificate: ca='ca.crt'. "
                "For docker itself it belongs in /etc/docker/certs.d/{address}/ca.crt."
            ).format(address=host),
        )
    return RegistryError(
        _("No secure connection to {address}: {cause}.").format(address=host, cause=said[:_LONGEST])
    )


def speaks_plain_http(said: str) -> bool:
    """Whether a failed TLS handshake met a server without TLS."""
    return any(words in said for words in ("WRONG_VERSION_NUMBER", "record layer failure",
                                           "UNKNOWN_PROTOCOL", "HTTP_REQUEST"))  # fmt: skip


def ca_problem(path: str, error: Exception) -> RegistryError:
    """Say that a file of certificates can't be used."""
    reason = _("it holds no certificate") if isinstance(error, ssl.SSLError) else _("not readable")
    return RegistryError(
        _("The certificates in '{path}' can't be used: {reason}.").format(
            path=plain(path), reason=reason
        ),
        _("It must be a PEM file, as in BEGIN CERTIFICATE."),
    )


def refused(
    url: str, answer: requests.Response, credentials: tuple[str, str] | None
) -> RegistryError:
    """Say what a registry's refusal means."""
    host = plain(urlsplit(url).netloc)
    said = answer.text[:2000]
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return _unauthorized(host, credentials)
    if answer.status_code == HTTPStatus.FORBIDDEN:
        return RegistryError(
            _("{address} knows who asks, but doesn't allow this.").format(address=host),
            _("Ask its owner for the right to read."),
        )
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return RegistryError(
            _("{address} has reached its limit of pulls for this address.").format(address=host),
            _("Wait some hours, or log in for a higher limit."),
        )
    if answer.status_code == HTTPStatus.BAD_REQUEST and "HTTPS server" in said:
        return RegistryError(
            _("{address} wants TLS, and was asked in plain HTTP.").format(address=host),
            _("Ask for https://{address}.").format(address=host),
        )
    return RegistryError(
        _("{address} refused with status {status}: {said}.").format(
            address=host, status=answer.status_code, said=plain(said)[:_LONGEST] or "-"
        )
    )


def _unauthorized(host: str, credentials: tuple[str, str] | None) -> RegistryError:
    if credentials:
        return RegistryError(
            _("{address} doesn't accept this user name and password (401).").format(address=host),
            _("Check both; they may also lack the right to this repository."),
        )
    return RegistryError(
        _("{address} wants to know who asks (401).").format(address=host),
        _("Pass username='…' and password='…'; for docker itself: docker login {address}").format(
            address=host
        ),
    )
