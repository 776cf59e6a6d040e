"""Which rows a registry's picture has, and the letters by which shared blobs are known again."""

from collections.abc import Iterator
from dataclasses import dataclass

from dockerlab.facts import HeldManifest, RegistryWorld, Repository, Target

MOST_ROWS = 30
"""More manifests below each other can't be taken in at once."""
MOST_REPOSITORIES = 20
_TAGS_SHOWN = 4
_LETTERS = "ABCDEFGHIJKL"
"""More shared blobs than these are hatched, but not told apart."""


@dataclass(frozen=True)
class TargetRows:
    """One thing tags point at.

    Parameters
    ----------
    tags : tuple of str
        The names shown.
    more_tags : int
        How many more there are.
    manifests : tuple of HeldManifest
        A row each, below a row for the index where it is one.
    more_manifests : int
        How many more the index lists.
    """

    target: Target
    tags: tuple[str, ...]
    more_tags: int
    manifests: tuple[HeldManifest, ...]
    more_manifests: int

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        right = len(self.manifests) + bool(self.more_manifests) + (self.target.kind != "manifest")
        return max(right, len(self.tags) + bool(self.more_tags), 1)


@dataclass(frozen=True)
class RepositoryRows:
    """A repository, what of its tags is shown, and how many tags are not."""

    repository: Repository
    targets: tuple[TargetRows, ...]
    more_tags: int

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return max(1, sum(target.rows for target in self.targets))


@dataclass(frozen=True)
class Plan:
    """The rows of one picture; `letters` names the blobs that several manifests list."""

    repositories: tuple[RepositoryRows, ...]
    unshown: tuple[str, ...]
    letters: dict[str, str]


def plan(world: RegistryWorld) -> Plan:
    """Choose what is shown: something of every repository before much of one."""
    shown = world.repositories[:MOST_REPOSITORIES]
    each = max(1, MOST_ROWS // max(1, len(shown)))
    hidden = tuple(one.name for one in world.repositories[MOST_REPOSITORIES:])
    return Plan(
        repositories=tuple(_repository(one, each) for one in shown),
        unshown=hidden + world.unread,
        letters=dict(zip(_shared(world), _LETTERS, strict=False)),
    )


def _repository(repository: Repository, most: int) -> RepositoryRows:
    targets: list[TargetRows] = []
    room = most
    for target in repository.targets:
        if room <= 0:
            break
        rows = _target(target, max(2, room - 1))
        targets.append(rows)
        room -= rows.rows
    told = sum(len(rows.target.tags) for rows in targets)
    return RepositoryRows(repository, tuple(targets), max(0, repository.tags - told))


def _target(target: Target, most: int) -> TargetRows:
    manifests = target.manifests[:most]
    return TargetRows(
        target=target,
        tags=target.tags[:_TAGS_SHOWN],
        more_tags=max(0, len(target.tags) - _TAGS_SHOWN),
        manifests=manifests,
        more_manifests=len(target.manifests) - len(manifests),
    )


def _shared(world: RegistryWorld) -> Iterator[str]:
    shared = world.shared
    order = {blob.digest: blob.size for one in world.manifests for blob in one.blobs}
    yield from sorted(shared, key=lambda digest: (-order[digest], digest))
