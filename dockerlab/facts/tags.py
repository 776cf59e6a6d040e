"""Every name on an engine and the image it points at: two requests, whatever the number."""

from collections.abc import Mapping
from typing import Any

import docker

from dockerlab.facts.names import Thing, asking, identity, unknown_image
from dockerlab.facts.references import ContainerUse, Reference, TaggedImage, TagWorld
from dockerlab.facts.states import state_of


def read_tags(client: docker.DockerClient, *things: Thing) -> TagWorld:
    """Read which names point at which images, and which containers use them.

    Parameters
    ----------
    *things : str or docker-py object
        Only these: repositories ("nginx"), tags ("nginx:latest"), (short) IDs; none means all.

    Raises
    ------
    UnknownNameError
        One of them points at no image here; the error names the nearest one.
    EngineError
        The engine doesn't answer.

    Notes
    -----
    GET /images/json and GET /containers/json, once each.
    """
    with asking():
        summaries = client.api.images(all=True)
        containers = client.api.containers(all=True)
    parents = {str(summary.get("ParentId") or "") for summary in summaries}
    world = TagWorld(
        images=tuple(sorted((_image(one, parents) for one in summaries), key=_by_name)),
        containers=tuple(sorted((_use(one) for one in containers), key=lambda use: use.name)),
    )
    names = [identity(thing) for thing in things]
    for name in names:
        if not world.only(name).images:
            raise unknown_image(client, name)
    return world.only(*names)


def _by_name(image: TaggedImage) -> tuple[bool, tuple[Reference, ...], str]:
    return (not image.references, image.references, image.id)


def _image(summary: Mapping[str, Any], parents: set[str]) -> TaggedImage:
    image_id = str(summary.get("Id") or "")
    tags = [tag for tag in summary.get("RepoTags") or () if "<none>" not in tag]
    digests = [name for name in summary.get("RepoDigests") or () if "<none>" not in name]
    references = tuple(sorted(Reference.parse(tag) for tag in tags))
    tagged = {reference.familiar_repository for reference in references}
    by_digest = (Reference.parse(name) for name in digests)
    untagged = tuple(sorted(one for one in by_digest if one.familiar_repository not in tagged))
    return TaggedImage(
        id=image_id,
        references=references + untagged,
        digests=tuple(sorted({name.partition("@")[2] for name in digests})),
        size=int(summary.get("Size") or 0),
        intermediate=not references and not untagged and image_id in parents,
    )


def _use(summary: Mapping[str, Any]) -> ContainerUse:
    names = summary.get("Names") or [str(summary.get("Id"))[:12]]
    return ContainerUse(
        id=str(summary.get("Id") or ""),
        name=str(names[0]).lstrip("/"),
        state=state_of({"State": {"Status": summary.get("State")}}),
        image_id=str(summary.get("ImageID") or ""),
    )
