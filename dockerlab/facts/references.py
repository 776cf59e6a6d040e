"""Names, what they point at and who uses it, as frozen values."""

from dataclasses import dataclass, replace

from dockerlab.facts.values import State


@dataclass(frozen=True, order=True)
class Reference:
    """An image name in its parts: registry/repository:tag or registry/repository@digest.

    "nginx" is docker.io/library/nginx:latest in full.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Take a name apart as the engine does."""
        rest, _, digest = text.partition("@")
        head, slash, tail = rest.partition("/")
        if slash and ("." in head or ":" in head or head == "localhost"):
            registry, path = head, tail
        else:
            registry, path = "docker.io", rest
        repository, _, tag = path.partition(":")
        if registry == "docker.io" and "/" not in repository:
            repository = f"library/{repository}"
        return cls(registry, repository, tag or ("" if digest else "latest"), digest)

    @property
    def familiar_repository(self) -> str:
        """The repository as it is typed: without what the engine adds by itself."""
        if self.registry == "docker.io":
            return self.repository.removeprefix("library/")
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The whole name as it is typed."""
        end = f"@{self.digest}" if self.digest else f":{self.tag}"
        return self.familiar_repository + end


@dataclass(frozen=True)
class TaggedImage:
    """An image and the names that point at it.

    Parameters
    ----------
    references : tuple of Reference
        Its tags; where it has none but a repository knows its digest, those digests.
    digests : tuple of str
        Manifest digests by which registries know it.
    intermediate : bool
        An untagged step of the classic builder, which other images stand on.
    """

    id: str
    references: tuple[Reference, ...]
    digests: tuple[str, ...] = ()
    size: int = 0
    intermediate: bool = False

    @property
    def dangling(self) -> bool:
        """Whether no name points at it any more and nothing is built on it."""
        return not self.references and not self.intermediate


@dataclass(frozen=True)
class ContainerUse:
    """A container and the image it keeps in use."""

    id: str
    name: str
    state: State
    image_id: str


@dataclass(frozen=True)
class TagWorld:
    """Which names point at which images, and which containers use them."""

    images: tuple[TaggedImage, ...]
    containers: tuple[ContainerUse, ...] = ()

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories that have a name here, sorted."""
        return tuple(sorted({r.familiar_repository for i in self.images for r in i.references}))

    def only(self, *wanted: str) -> "TagWorld":
        """Keep the images that one of the names means: repositories, tags, IDs; none keeps all."""
        if not wanted:
            return self
        images = tuple(image for image in self.images if _is_wanted(image, wanted))
        ids = {image.id for image in images}
        users = tuple(user for user in self.containers if user.image_id in ids)
        return replace(self, images=images, containers=users)


def _is_wanted(image: TaggedImage, wanted: tuple[str, ...]) -> bool:
    hexadecimal = image.id.rpartition(":")[2]
    for name in wanted:
        meant = Reference.parse(name)
        has_tag = ":" in name.rpartition("/")[2] or "@" in name
        for reference in image.references:
            if reference == meant:
                return True
            if not has_tag and reference.familiar_repository == meant.familiar_repository:
                return True
        if len(name) >= 4 and hexadecimal.startswith(name.removeprefix("sha256:")):
            return True
    return False
