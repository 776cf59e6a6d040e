"""A container as a process, in words: title, one line of what matters, meaning, the text form."""

from collections.abc import Sequence

from dockerlab.facts import CAPABILITIES, Isolation, Limit, Namespace, NamespaceKind
from dockerlab.facts.sizes import memory_text
from dockerlab.language import _, ngettext
from dockerlab.pictures.lifecycle_map import state_word
from dockerlab.pictures.measure import cells, fit_cells
from dockerlab.pictures.wording import sentence

_PROCESSES_TOLD = 12


def title(isolation: Isolation) -> str:
    """Name what is shown."""
    return _("{name} as a process").format(name=fit_cells(isolation.name, 60))


def headline(isolation: Isolation) -> str:
    """Say what matters in one line."""
    own = sum(1 for one in isolation.namespaces if one.sharing == "own")
    shared = len(isolation.namespaces) - own
    main = isolation.processes[0] if isolation.processes else None
    return sentence(
        (
            state_word(isolation.state),
            _("process {pid} on the host").format(pid=main.pid) if main else _("no process"),
            _("{own} namespaces of its own, {shared} shared").format(own=own, shared=shared),
            _sight(isolation),
        )
    )


def _sight(isolation: Isolation) -> str:
    words = {
        "here": _("seen in /proc"),
        "helper": _("seen by a helper container"),
        "settings": _("from its settings"),
    }
    return words[isolation.sight]


def description(isolation: Isolation) -> str:
    """Say what the picture shows, for those who can't see it."""
    return _("What container {name} has of its own and shares with the host: {line}.").format(
        name=fit_cells(isolation.name, 60), line=headline(isolation)
    )


def kind_words(kind: NamespaceKind) -> str:
    """Say what a namespace is about."""
    words: dict[NamespaceKind, str] = {
        "mnt": _("files: what / is"),
        "pid": _("process numbers"),
        "net": _("network, ports"),
        "uts": _("host name"),
        "ipc": _("shared memory"),
        "user": _("user numbers"),
        "cgroup": _("view of cgroups"),
        "time": _("clock since boot"),
    }
    return words[kind]


def sharing_words(namespace: Namespace) -> str:
    """Say whose a namespace is."""
    if namespace.sharing == "container":
        return _("shared with {name}").format(name=fit_cells(namespace.other, 40))
    words = {
        "own": _("its own"),
        "host": _("shared with the host"),
        "unknown": _("can't be seen"),
    }
    return words[namespace.sharing]


def limit_title(limit: Limit) -> str:
    """Name a resource."""
    words = {"memory": _("memory"), "cpu": _("processors"), "pids": _("processes")}
    return words[limit.resource]


def limit_words(limit: Limit) -> str:
    """Say what may be used of a resource, and how much is."""
    most = limit.kept if limit.file else limit.asked
    if most is None and limit.used is None:
        return _("no limit")
    used = "" if limit.used is None else _amount(limit, limit.used)
    if most is None:
        return _("{used}, no limit").format(used=used)
    allowed = _amount(limit, most)
    if not used:
        return _("at most {amount}").format(amount=allowed)
    return _("{used} of {most}").format(used=used, most=allowed)


def _amount(limit: Limit, number: float) -> str:
    return memory_text(number) if limit.resource == "memory" else f"{number:g}"


def root_lines(isolation: Isolation) -> list[str]:
    """Say what the container's root file system is made of."""
    root = isolation.root
    if root is None:
        return [_("can't be seen")]
    kind = fit_cells(root.kind, 24)
    lines = [kind]
    if root.lower:
        below = ngettext(
            "{kind} of {count} read-only folder", "{kind} of {count} read-only folders", root.lower
        ).format(kind=kind, count=root.lower)
        lines = [below]
        if not root.read_only:
            lines.append(_("and a writable one on top"))
    if root.read_only:
        lines.append(_("nothing in it can be written"))
    return lines


def user_lines(isolation: Isolation) -> list[str]:
    """Say who the container's processes are, inside and on the host."""
    user = isolation.user or "root"
    lines = [_("{user} in the container").format(user=fit_cells(user, 24))]
    if isolation.uid is not None:
        lines = [_("user {uid} in the container").format(uid=isolation.uid)]
    if isolation.host_uid is not None:
        lines.append(_("user {uid} on the host").format(uid=isolation.host_uid))
    if isolation.seccomp is not None:
        filtered = _("system calls filtered (seccomp)")
        lines.append(filtered if isolation.seccomp else _("system calls not filtered"))
    return lines


def powers(isolation: Isolation) -> tuple[list[str], list[str]]:
    """Return in words what its root may do, and what it may not."""
    words = {
        "SYS_ADMIN": _("mount file systems"),
        "SYS_MODULE": _("load kernel modules"),
        "NET_ADMIN": _("set up networks"),
        "SYS_PTRACE": _("look into other processes"),
        "SYS_TIME": _("set the clock"),
        "SYS_BOOT": _("reboot the machine"),
        "SYS_RAWIO": _("reach the hardware"),
        "CHOWN": _("give files away"),
        "DAC_OVERRIDE": _("ignore file permissions"),
        "SETUID": _("become another user"),
        "KILL": _("signal its processes"),
        "NET_BIND_SERVICE": _("use ports below 1024"),
        "NET_RAW": _("send raw packets"),
    }
    kept = [word for name, word in words.items() if name in isolation.capabilities]
    dropped = [word for name, word in words.items() if name not in isolation.capabilities]
    return kept, dropped


def powers_title(isolation: Isolation) -> str:
    """Count the capabilities."""
    return _("what its root may do: {kept} of {all} capabilities").format(
        kept=len(isolation.capabilities), all=len(CAPABILITIES)
    )


def meaning(isolation: Isolation) -> list[str]:
    """Say what the picture means in a few sentences."""
    lines = [_("A container is a process of the host that sees some things its own way.")]
    if isolation.privileged:
        lines = [_("Privileged: its root can do what the host's root can. Little is isolated.")]
    if isolation.uid is not None and isolation.host_uid is not None:
        lines.append(_who(isolation.uid, isolation.host_uid))
    blind = {
        "stopped": _("It has no process now: namespaces live as long as a process is in them."),
        "no helper": _(
            "Its process can't be seen from here: the engine runs elsewhere, or as another user. "
            "With the image busybox on the engine (docker pull busybox) a helper could look."
        ),
        "refused": _("Its process can't be seen from here, and the engine let no helper look."),
        "": "",
    }[isolation.obstacle]
    return [*lines, blind] if blind else lines


def _who(uid: int, host_uid: int) -> str:
    if uid != host_uid:
        return _(
            "Its user {uid} is user {host_uid} outside: root inside is not root outside."
        ).format(uid=uid, host_uid=host_uid)
    if uid == 0:
        return _("Its root is the host's root, held back only by what is drawn here.")
    return _("It runs as user {uid}, in the container and on the host.").format(uid=uid)


def namespaces_text(isolation: Isolation) -> list[str]:
    """Return the picture's lines for a terminal: a table, and lists."""
    lines = [f"{fit_cells(title(isolation), 60)} — {headline(isolation)}"]
    rows = [("", _("host"), fit_cells(isolation.name, 30))]
    for process in isolation.processes[:_PROCESSES_TOLD]:
        inside = "?" if process.inside is None else str(process.inside)
        command = fit_cells(sentence((process.user, process.command)), 60)
        rows.append((_("process"), str(process.pid), f"{inside}  {command}"))
    for one in isolation.namespaces:
        own = "" if one.own is None else str(one.own)
        host = "" if one.host is None else str(one.host)
        words = sentence((own, fit_cells(sharing_words(one), 60), kind_words(one.kind)))
        rows.append((one.kind, host, words))
    lines += _table(rows)
    more = len(isolation.processes) - _PROCESSES_TOLD
    if more > 0:
        lines.append(_("and {count} more processes").format(count=more))
    lines.append("/  " + fit_cells(sentence(root_lines(isolation)), 100))
    for limit in isolation.limits:
        file = f"  ({fit_cells(limit.file, 40)})" if limit.file else ""
        lines.append(f"{limit_title(limit)}: {limit_words(limit)}{file}")
    lines.append(_("user") + ": " + sentence(user_lines(isolation)))
    lines.append(powers_title(isolation))
    dropped = [name for name in CAPABILITIES if name not in isolation.capabilities]
    lines += _wrapped("  + ", isolation.capabilities) + _wrapped("  - ", sorted(dropped))
    return [*lines, *meaning(isolation)]


def _table(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    widths = [max(cells(row[column]) for row in rows) + 2 for column in (0, 1)]
    return [
        row[0] + " " * (widths[0] - cells(row[0])) + row[1] + " " * (widths[1] - cells(row[1]))
        + row[2]
        for row in rows
    ]  # fmt: skip


def _wrapped(mark: str, names: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for name in names:
        word = fit_cells(name, 30)
        if lines and len(lines[-1]) + len(word) < 88:
            lines[-1] += f" {word}"
        else:
            lines.append((mark if not lines else " " * len(mark)) + word)
    return lines
