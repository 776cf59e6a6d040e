"""``dockerlab hub``: the local registry with the course's images."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dockerlab.commands.console import AsJson, out, say, steps
from dockerlab.engine import embedded
from dockerlab.engine.held import held_images
from dockerlab.engine.places import Places
from dockerlab.engine.stock import load_bundle, save_bundle, stock
from dockerlab.language import _

app = typer.Typer(no_args_is_help=True)
bundle_app = typer.Typer(no_args_is_help=True)
app.add_typer(
    bundle_app, name="bundle", help="Images and engine as one file, for a place without network."
)


@app.command()
def start(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Its port.")] = None,
) -> None:
    """Start the hub."""
    with steps() as progress:
        address = embedded.hub(Places.from_environment(), progress).start(port)
    say(_("The hub listens on {address}.").format(address=address.host))


@app.command()
def stop() -> None:
    """Stop the hub; its images stay."""
    stopped = embedded.hub(Places.from_environment()).stop()
    say(_("The hub is stopped.") if stopped else _("The hub was not running."))


@app.command()
def status(as_json: AsJson = False) -> None:
    """Tell whether the hub runs, where, and how much it holds."""
    now = embedded.hub(Places.from_environment()).status()
    if as_json:
        say(json.dumps(now.to_json(), indent=1))
    elif now.address:
        say(
            _("The hub listens on {address} and holds {size:.0f} MB in {folder}.").format(
                address=now.address.host, size=now.stored / 1e6, folder=now.storage
            )
        )
    else:
        say(_("The hub is stopped. Start it: dockerlab hub start"))


@app.command()
def images(as_json: AsJson = False) -> None:
    """List what the hub holds."""
    hub = embedded.hub(Places.from_environment())
    hub.start()
    with hub.registry() as registry:
        held = held_images(registry, hub.storing())
    if as_json:
        say(json.dumps([asdict(image) for image in held], indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for heading in (_("image"), _("tags"), _("size"), _("from"), _("purpose")):
        table.add_column(heading)
    for image in held:
        table.add_row(
            image.name, ", ".join(image.tags), f"{image.size / 1e6:.1f} MB",
            image.origin or (_("unknown: dockerlab hub pull") if image.purpose else ""),
            image.purpose,
        )  # fmt: skip
    out.print(table)


@app.command()
def pull(
    mirror: Annotated[
        str | None, typer.Option(help="A registry's URL to ask instead of Docker Hub.")
    ] = None,
    from_bundle: Annotated[
        Path | None, typer.Option("--bundle", help="A bundle to take images from.")
    ] = None,
) -> None:
    """Bring the course's images into the hub, from Docker Hub, a mirror, a bundle or packages."""
    with steps() as progress:
        filled = stock(
            Places.from_environment(), progress, mirror=mirror, bundle=from_bundle, thorough=True
        )
    for each in filled:
        say(f"{', '.join(each.image.references)}: {_ORIGINS[each.origin]}")


@bundle_app.command("save")
def bundle_save(file: Path) -> None:
    """Write the course's images and the engine's packages into FILE."""
    with steps() as progress:
        size = save_bundle(Places.from_environment(), file, progress)
    say(_("{file} holds all the course needs: {size:.0f} MB.").format(file=file, size=size / 1e6))


@bundle_app.command("load")
def bundle_load(file: Path) -> None:
    """Put the images of FILE into the hub, and bring the engine from it; needs no network."""
    with steps() as progress:
        loaded = load_bundle(Places.from_environment(), file, progress)
    say(_("The hub has {names}.").format(names=", ".join(image.name for image in loaded)))


_ORIGINS = {
    "hub": _("was in the hub"),
    "engine": _("from the engine"),
    "registry": _("from the registry"),
    "bundle": _("from the bundle"),
    "build": _("built from Debian's packages"),
}
