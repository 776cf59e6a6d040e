"""Files of images for the pictures' tests, made without an archive."""

from dockerlab.facts import Step
from dockerlab.facts.archive.layer import LayerTable
from dockerlab.facts.archive.merge import merge
from dockerlab.facts.files import Content, Entry, Files


def entry(path, size=0, kind="file", **more) -> Entry:
    mode = 0o755 if kind == "directory" else 0o644
    values = {
        "mode": mode,
        "uid": 0,
        "gid": 0,
        "digest": f"{path} {size}".encode(errors="replace"),
        **more,
    }
    return Entry(path, kind, size, size, **values)


def folder(path, **more) -> Entry:
    return entry(path, kind="directory", **more)


def layer(*entries, gone=(), opaque=()) -> LayerTable:
    numbered = tuple(
        one if one.link else one._replace(inode=number) for number, one in enumerate(entries)
    )
    return LayerTable(f"sha256:{len(numbered):064x}", numbered, tuple(gone), tuple(opaque))


def files(*tables: LayerTable, name="shop:latest") -> Files:
    steps = tuple(Step("COPY", f"{number} /", 0) for number in range(len(tables)))
    return merge(name, "linux/amd64", steps, tables, range(len(tables)))


def shop() -> Files:
    """Three layers: much is added, a large file goes again, modes and owners change."""
    return files(
        layer(
            folder("/etc"), entry("/etc/shop.conf", 300), folder("/opt"),
            entry("/opt/blob", 30_000_000), folder("/usr"), folder("/usr/bin"),
            entry("/usr/bin/shop", 2_000_000), entry("/usr/bin/sell", 1_000_000),
            entry("/lib", kind="symlink", target="/usr/lib"),
        ),
        layer(
            entry("/usr/bin/shop", 2_000_000, digest=b"/usr/bin/shop 2000000", mode=0o755),
            entry("/etc/shop.conf", 400), entry("/usr/bin/sell", 1_000_000, uid=33),
        ),
        layer(gone=["/opt/blob"]),
    )  # fmt: skip


def many_layers(count: int) -> Files:
    return files(*(layer(entry(f"/srv/{n}/file", 1000 * (n + 1))) for n in range(count)))


def hostile_files(text: str) -> Files:
    name = text.replace("/", "_").replace("\0", "") or "x"  # what a file can be called
    return files(
        layer(
            folder(f"/{name}"), entry(f"/{name}/{name}", 10), entry(f"/{name}/b{name}", 20),
            entry("/link", kind="symlink", target=text), entry("/gone" + name, 30),
        ),
        layer(entry(f"/{name}/{name}", 12), gone=["/gone" + name]),
        name=text,
    )  # fmt: skip


def hostile_content(text: str) -> Content:
    content = text.encode("utf-8", "surrogatepass")
    return Content(entry(f"/{text}", len(content), layer=1), content)
