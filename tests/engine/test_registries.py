"""Real registries, read; and real pulls from and pushes to them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
import trustme
from registries import INDEX, PASSWORD, USER, Tokens, described, image, passwords, put, registry

from dockerlab.engine import embedded
from dockerlab.engine.places import Places
from dockerlab.engine.programs import Programs
from dockerlab.errors import RegistryError, UnknownNameError
from dockerlab.facts import pull_image, push_image, read_registry
from dockerlab.pictures import draw_registry, draw_transfer

pytestmark = pytest.mark.engine
Cli = Callable[..., str]


@pytest.fixture(scope="module")
def programs(places: Places) -> Programs:
    return embedded.hub(places).programs


@pytest.fixture
def plain(programs: Programs, tmp_path: Path) -> Iterator[str]:
    with registry(programs, tmp_path / "plain") as address:
        yield address


@pytest.fixture
def tagged(client: docker.DockerClient, docker_cli: Cli) -> Iterator[Callable[[str], str]]:
    """Give busybox other names, which go when the test ends."""
    if not client.api.images("busybox:latest"):
        docker_cli("pull", "busybox")
    given: list[str] = []

    def tag(name: str) -> str:
        docker_cli("tag", "busybox", name)
        given.append(name)
        return name

    yield tag
    for name in given:
        if client.api.images(name):
            client.api.remove_image(name, force=True)


def test_what_was_put_is_what_is_read(plain: str) -> None:
    put(plain, "team/one", "1.0", image(b"{}", b"base", b"own"), b"{}", b"base", b"own")
    put(plain, "team/one", "latest", image(b"{}", b"base", b"own"))
    put(plain, "team/two", "1", image(b'{"a":1}', b"base"), b'{"a":1}', b"base")
    world = read_registry(plain)
    one, two = world.repositories
    assert [(target.kind, target.tags) for target in one.targets] == [
        ("manifest", ("1.0", "latest"))
    ]
    assert [blob.size for blob in one.targets[0].manifests[0].blobs] == [2, 4, 3]
    assert list(world.shared.values()) == [2]
    assert two.tags == 1
    assert not world.secure
    assert "[A]" in draw_registry(world).text


def test_an_index_and_its_attestation(plain: str) -> None:
    amd, proof = image(b"{}", b"base"), image(b"{}", b"statement")
    name = "team/app"
    here = put(plain, name, "amd", amd, b"{}", b"base")
    there = put(plain, name, "proof", proof, b"statement")
    size = len(str(amd))
    entries = [
        {**described(b"", amd["mediaType"]), "digest": here, "size": size,
         "platform": {"os": "linux", "architecture": "amd64"}},
        {**described(b"", amd["mediaType"]), "digest": there, "size": size,
         "platform": {"os": "unknown", "architecture": "unknown"},
         "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                         "vnd.docker.reference.digest": here}},
    ]  # fmt: skip
    put(plain, name, "1", {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    (target,) = read_registry(plain, "team/app:1").repositories[0].targets
    assert target.kind == "index"
    assert [one.platform for one in target.manifests] == ["linux/amd64", ""]
    assert target.manifests[1].attests == here


def test_a_catalogue_on_two_pages(plain: str) -> None:
    names = [f"many/r{number:03}" for number in range(103)]
    for name in names:
        put(plain, name, "1", image(b"{}", b"x"), b"{}", b"x")
    world = read_registry(plain)
    assert world.pages == 2
    assert [one.name for one in world.repositories] + list(world.unread) == names
    assert "on 2 pages" in draw_registry(world).text


def test_an_empty_registry_and_a_name_it_does_not_have(plain: str) -> None:
    assert read_registry(plain).repositories == ()
    with pytest.raises(UnknownNameError, match="No repository 'team/app'"):
        read_registry(plain, "team/app")


def test_passwords(
    programs: Programs, tmp_path: Path, client: docker.DockerClient, tagged: Callable[[str], str]
) -> None:
    with registry(programs, tmp_path / "basic", auth=passwords(tmp_path)) as address:
        with pytest.raises(RegistryError, match=r"wants to know who asks \(401\)"):
            read_registry(address)
        with pytest.raises(RegistryError, match="doesn't accept this user name"):
            read_registry(address, username=USER, password="wrong")
        name = tagged(f"{address}/team/app:1")
        with pytest.raises(RegistryError, match="wants a user who may do this"):
            push_image(client, name)
        push_image(client, name, username=USER, password=PASSWORD)
        world = read_registry(address, username=USER, password=PASSWORD)
        assert [one.name for one in world.repositories] == ["team/app"]
        with pytest.raises(RegistryError, match="wants a user who may do this"):
            pull_image(client, name)


def test_tokens(programs: Programs, tmp_path: Path) -> None:
    with (
        Tokens(tmp_path).running() as tokens,
        registry(programs, tmp_path / "bearer", auth=tokens.auth) as address,
    ):
        with pytest.raises(RegistryError, match="wants to know who asks"):
            read_registry(address)
        with pytest.raises(RegistryError, match="doesn't accept this user name"):
            read_registry(address, username=USER, password="wrong")
        assert read_registry(address, username=USER, password=PASSWORD).repositories == ()
        with pytest.raises(UnknownNameError, match="No repository 'team/app'"):
            read_registry(address, "team/app", username=USER, password=PASSWORD)


def test_certificates(programs: Programs, tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    (tmp_path / "empty.pem").write_text("")
    right = authority.issue_cert("127.0.0.1")
    with registry(programs, tmp_path / "tls", certificate=right) as address:
        with pytest.raises(
            RegistryError, match=r"signed by nobody this machine knows.*ca='ca.crt'"
        ):
            read_registry(address)
        with pytest.raises(RegistryError, match="signed by nobody"):
            read_registry(address, ca=tmp_path / "other.pem")
        with pytest.raises(RegistryError, match=rf"wants TLS.*https://{address}"):
            read_registry(f"http://{address}")
        with pytest.raises(RegistryError, match="can't be used"):
            read_registry(address, ca=tmp_path / "empty.pem")
        assert read_registry(address, ca=tmp_path / "ca.pem").secure
    wrong = authority.issue_cert("elsewhere.example")
    with (
        registry(programs, tmp_path / "misnamed", certificate=wrong) as address,
        pytest.raises(RegistryError, match="made out to another name"),
    ):
        read_registry(address, ca=tmp_path / "ca.pem")


def test_tls_where_there_is_none(plain: str) -> None:
    with pytest.raises(RegistryError, match=rf"plain HTTP, without TLS.*http://{plain}"):
        read_registry(f"https://{plain}")


def test_a_push_and_a_pull_layer_by_layer(
    plain: str, client: docker.DockerClient, tagged: Callable[[str], str], docker_cli: Cli
) -> None:
    name = tagged(f"{plain}/team/app:1")
    pushed = push_image(client, name)
    assert {layer.outcome for layer in pushed.layers} == {"pushed"}
    again = push_image(client, name)
    assert {layer.outcome for layer in again.layers} == {"exists"}
    assert again.digest == pushed.digest
    mounted = push_image(client, tagged(f"{plain}/other/app:1"))
    assert {layer.outcome for layer in mounted.layers} == {"mounted"}
    pulled = pull_image(client, name)
    assert pulled.unchanged
    assert pulled.digest == pushed.digest
    assert f"docker pull {name}" in draw_transfer(pulled).text
    assert read_registry(plain, "team/app").repositories[0].targets[0].digest == pushed.digest


def test_what_is_not_there(plain: str, client: docker.DockerClient) -> None:
    with pytest.raises(UnknownNameError, match=f"No image '{plain}/no/such:1' in {plain}"):
        pull_image(client, f"{plain}/no/such:1")
    with pytest.raises(UnknownNameError, match="No image 'no-such-image'"):
        push_image(client, "no-such-image")
