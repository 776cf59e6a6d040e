"""What the kernel lets a process do beyond its user's rights: Linux's capabilities by name."""

from collections.abc import Iterable

NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By their number in the kernel (linux/capability.h)."""

DEFAULT = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
"""What Docker leaves a container unless told otherwise."""


def from_mask(mask: int) -> tuple[str, ...]:
    """Return the names of the bits set, as /proc/PID/status writes them."""
    return tuple(sorted(name for bit, name in enumerate(NAMES) if mask >> bit & 1))


def from_settings(
    add: Iterable[str] | None, drop: Iterable[str] | None, *, privileged: bool
) -> tuple[str, ...]:
    """Return what `docker run --cap-add … --cap-drop …` leaves, by the engine's own rules."""
    added, dropped = (
        {name.upper().removeprefix("CAP_") for name in names or ()} for names in (add, drop)
    )
    if privileged:
        kept = set(NAMES)
    elif "ALL" in added:
        kept = set(NAMES) - dropped
    elif "ALL" in dropped:
        kept = added
    else:
        kept = set(DEFAULT) - dropped | added
    return tuple(sorted(kept))
