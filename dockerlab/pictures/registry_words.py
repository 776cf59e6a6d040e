"""A registry in words: title, one line of what matters, its meaning, and the text form."""

from collections.abc import Iterator

from dockerlab.facts import HeldManifest, RegistryWorld
from dockerlab.language import _, ngettext
from dockerlab.pictures.measure import fit_cells
from dockerlab.pictures.registry_plan import Plan, RepositoryRows, TargetRows
from dockerlab.pictures.wording import layers as layer_count
from dockerlab.pictures.wording import names, sentence, short_digest, size

_NAME = 50
_SHORTER = 8


def title(world: RegistryWorld) -> str:
    """Name what is shown."""
    address = fit_cells(world.address, 60)
    if len(world.repositories) == 1 and not world.pages:
        return f"{address}/{fit_cells(world.repositories[0].name, 80)}"
    return _("registry {address}").format(address=address)


def headline(world: RegistryWorld) -> str:
    """Say what matters in one line."""
    repositories = len(world.repositories) + len(world.unread)
    tags = sum(one.tags for one in world.repositories)
    return sentence(
        (
            _("over TLS") if world.secure else _("plain HTTP"),
            _("as {user}").format(user=fit_cells(world.user, 30)) if world.user else "",
            ngettext("{count} repository", "{count} repositories", repositories).format(
                count=repositories
            ) if world.pages else "",
            ngettext("{count} tag", "{count} tags", tags).format(count=tags),
            _stored(world),
        )
    )  # fmt: skip


def _stored(world: RegistryWorld) -> str:
    once = sum(blob.size for blob in world.blobs)
    many = sum(one.travels for one in world.manifests)
    if not once:
        return ""
    if once == many:
        return _("{size} of blobs").format(size=size(once))
    return _("{once} of blobs; {many} if none were shared").format(once=size(once), many=size(many))


def description(world: RegistryWorld) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("What {name} holds, from tags to blobs: {line}.").format(
        name=title(world), line=headline(world)
    )


def manifest_lines(manifest: HeldManifest) -> tuple[str, str]:
    """Return a manifest's platform or digest, and what is in it."""
    digest = short_digest(manifest.digest)
    if manifest.attests:
        whom = short_digest(manifest.attests)[:_SHORTER]
        return digest, _("attestation of {digest}").format(digest=whom)
    count = sum(1 for blob in manifest.blobs if blob.kind == "layer")
    content = sentence((size(manifest.travels), layer_count(count)))
    if not manifest.read:
        content = _("only listed here")
    if not manifest.platform:
        return digest, content
    return fit_cells(manifest.platform, 24), sentence((digest[:_SHORTER], content))


def more_tags(count: int) -> str:
    """Count the tags that are not shown."""
    return ngettext("{count} more tag", "{count} more tags", count).format(count=count)


def more_manifests(count: int) -> str:
    """Count the manifests of an index that are not shown."""
    return ngettext("{count} more manifest", "{count} more manifests", count).format(count=count)


def index_words(rows: TargetRows) -> str:
    """Say what an index is."""
    if rows.target.kind == "other":
        return _("no image")
    count = sum(1 for manifest in rows.target.manifests if not manifest.attests)
    return ngettext(
        "index of {count} platform", "index of {count} platforms", count
    ).format(count=count)  # fmt: skip


def unshown(plan: Plan) -> str:
    """Name the repositories that are only counted."""
    if not plan.unshown:
        return ""
    return _("and {count} more repositories: {names}").format(
        count=len(plan.unshown), names=names([fit_cells(name, 30) for name in plan.unshown], 3)
    )


def repository_note(rows: RepositoryRows) -> str:
    """Say why a repository shows nothing."""
    if rows.targets:
        return ""
    return rows.repository.note or ("" if rows.more_tags else _("no tags: all were deleted"))


def legend(world: RegistryWorld, plan: Plan) -> list[tuple[str, str]]:
    """Return the letters of the shared blobs and what each stands for."""
    sizes = {blob.digest: blob.size for blob in world.blobs}
    shared = world.shared
    return [
        (
            letter,
            _("{digest} · {size} · in {count} manifests").format(
                digest=short_digest(digest), size=size(sizes[digest]), count=shared[digest]
            ),
        )
        for digest, letter in plan.letters.items()
    ]


def meaning(world: RegistryWorld) -> list[str]:
    """Say what the picture means in a sentence or two."""
    if not world.repositories:
        return [_("This registry holds nothing yet: docker push fills it.")]
    lines = [_("A tag names a manifest; the manifest lists blobs by their digests.")]
    if world.shared:
        lines.append(_("A hatched blob is listed by several manifests, but stored and sent once."))
    manifests = [m for r in world.repositories for t in r.targets for m in t.manifests]
    if any(manifest.attests for manifest in manifests):
        lines.append(_("An attestation is no platform: it tells how an image was built."))
    if world.pages > 1:
        lines.append(
            _("The catalogue came on {count} pages: a registry gives out so many names at once.")
            .format(count=world.pages)
        )  # fmt: skip
    return lines


def registry_text(world: RegistryWorld, plan: Plan) -> list[str]:
    """Return the picture's lines for a terminal: a tree."""
    lines = [f"{fit_cells(title(world), 90)} — {headline(world)}"]
    for rows in plan.repositories:
        lines.append(fit_cells(rows.repository.name, _NAME))
        lines += [f"   {line}" for line in _repository(rows, plan)]
    more = unshown(plan)
    lines += [more] if more else []
    lines += [f"[{letter}] {words}" for letter, words in legend(world, plan)]
    return [*lines, *meaning(world)]


def _repository(rows: RepositoryRows, plan: Plan) -> Iterator[str]:
    note = repository_note(rows)
    if note:
        yield fit_cells(note, 110)
    for target in rows.targets:
        tags = ", ".join(fit_cells(tag, _NAME) for tag in target.tags)
        if target.more_tags:
            tags = f"{tags}, {more_tags(target.more_tags)}"
        if target.target.kind == "manifest":
            yield f"{fit_cells(tags, 80)} → {_manifest(target.manifests[0], plan)}"
            continue
        digest = short_digest(target.target.digest)
        yield f"{fit_cells(tags, 80)} → {digest} · {index_words(target)}"
        for manifest in target.manifests:
            yield f"   {_manifest(manifest, plan)}"
        if target.more_manifests:
            yield "   " + more_manifests(target.more_manifests)
    if rows.more_tags:
        yield more_tags(rows.more_tags)


def _manifest(manifest: HeldManifest, plan: Plan) -> str:
    shared = [plan.letters[b.digest] for b in manifest.blobs if b.digest in plan.letters]
    marks = "".join(f"[{letter}]" for letter in shared[:12])
    return sentence((*manifest_lines(manifest), marks))
