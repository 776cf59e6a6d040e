"""``dockerlab hub``: the local registry with the course's images."""

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dockerlab.commands.console import AsJson, out, say, steps
from dockerlab.engine import embedded
from dockerlab.engine.bundle import Trusted, inspect
from dockerlab.engine.held import held_images
from dockerlab.engine.places import Places
from dockerlab.engine.stock import load_bundle, save_bundle, stock
from dockerlab.errors import HubError
from dockerlab.language import _

Sum = Annotated[
    str | None, typer.Option("--sum", help="The SHA-256 sum the bundle must have; asks nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Trust the bundle, whatever its sum.")]

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
    given: Sum = None,
    yes: Yes = False,
) -> None:
    """Bring the course's images into the hub, from Docker Hub, a mirror, a bundle or packages."""
    bundle = _trusted(from_bundle, given, yes=yes) if from_bundle else None
    with steps() as progress:
        filled = stock(
            Places.from_environment(), progress, mirror=mirror, bundle=bundle, thorough=True
        )
    for each in filled:
        say(f"{', '.join(each.image.references)}: {_ORIGINS[each.origin]}")


@bundle_app.command("save")
def bundle_save(file: Path) -> None:
    """Write the course's images and the engine's packages into FILE, and print its sum."""
    with steps() as progress:
        bundle = save_bundle(Places.from_environment(), file, progress)
    say(
        _("{file} holds all the course needs: {size:.0f} MB.").format(
            file=file, size=bundle.size / 1e6
        )
    )
    say(_("Its SHA-256 sum is {sum}").format(sum=bundle.sha256))
    say(_("Tell the class the sum by another way than the file; then this loads it:"))
    say(_load_command(file, bundle.sha256))


@bundle_app.command("load")
def bundle_load(file: Path, given: Sum = None, yes: Yes = False) -> None:
    """Put the images of FILE into the hub, and bring the engine from it; needs no network."""
    trusted = _trusted(file, given, yes=yes)
    with steps() as progress:
        loaded = load_bundle(Places.from_environment(), trusted, progress)
    say(_("The hub has {names}.").format(names=", ".join(image.name for image in loaded.images)))
    if loaded.engine and loaded.engine.dated:
        say(
            _("The engine's packages are those of {date:%Y-%m-%d}; their signature fits.").format(
                date=loaded.engine.dated
            )
        )
    if loaded.engine and loaded.engine.expired:
        say(_("That is too old to be safe for long: update the engine once there is a network."))


def _trusted(file: Path, given: str | None, *, yes: bool) -> Trusted:
    """Have the user vouch for a bundle before anything of it is used."""
    with steps() as progress:
        bundle = inspect(file, progress)
    if given is not None:
        return bundle.trust(given)
    for line in (
        _("{file} says that it was made by {made_by} for {system}."),
        _("Its packages are signed, and are verified with this machine's own keys."),
        _("Its images are signed by nobody: trust them as you would a program."),
        _("The file's SHA-256 sum is {sum}"),
        _("Whoever made it can tell you the sum that it must have."),
    ):
        say(line.format(file=file, sum=bundle.sha256, **bundle.about))
    if not yes:
        if not sys.stdin.isatty():
            raise HubError(
                _("Nobody is here to say whether {file} is to be trusted.").format(file=file),
                _("If that is the sum you were told: {command}").format(
                    command=_load_command(file, bundle.sha256)
                ),
            )
        if not typer.confirm(_("Load it?")):
            raise HubError(_("Nothing was loaded."))
    return bundle.trust(bundle.sha256)


def _load_command(file: Path, sha256: str) -> str:
    return f"dockerlab hub bundle load {shlex.quote(str(file))} --sum {sha256}"


_ORIGINS = {
    "hub": _("was in the hub"),
    "engine": _("from the engine"),
    "registry": _("from the registry"),
    "bundle": _("from the bundle"),
    "build": _("built from Debian's packages"),
}
