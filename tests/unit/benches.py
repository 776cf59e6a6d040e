"""Stand-ins for an engine's client, for what asks an engine only whether it is there."""

from types import SimpleNamespace


def answering(*, ok=True):
    def get(_url, timeout):
        return SimpleNamespace(ok=ok)

    return SimpleNamespace(api=SimpleNamespace(base_url="http://engine", get=get))
