"""A build context's picture: what can be sent, what is kept out, and a warning for secrets."""

from xml.etree import ElementTree as ET

from dockerlab.facts import Context, ContextFile
from dockerlab.facts.ignore import Rule
from dockerlab.pictures import draw_context, theme

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def context(sent: int, kept_out: int, rules: int = 1) -> Context:
    return Context(
        name="shop",
        builder="buildkit",
        dockerfile="Dockerfile",
        ignore_file=".dockerignore" if rules else "",
        rules=tuple(Rule(n + 1, f"rule{n}", f"rule{n}", exception=False) for n in range(rules)),
        sent=tuple(ContextFile(f"src/{n}.py", n * 1000) for n in range(sent)),
        kept_out=tuple(ContextFile(f"out/{n}", 10, n % max(rules, 1)) for n in range(kept_out)),
    )


def parts(svg: str) -> dict[str, float]:
    boxes = [r for r in ET.fromstring(svg).iter(f"{SVG}rect") if r.get("height") == "58"]
    return {box.get("fill", ""): float(box.get("width", "0")) for box in boxes}


def test_both_parts_are_told_by_bytes() -> None:
    picture = draw_context(context(3, 2))
    assert {"3 files, 3 kB", "2 files, 20 B", "rule0", "src/2.py"} <= set(words(picture.svg))
    assert "build context: 3 files, 3 kB · .dockerignore keeps out 2 files, 20 B" in picture.text
    bars = parts(picture.svg)
    assert bars[theme.LAYERS[1].fill] > bars[theme.DANGLING.fill]


def test_an_empty_part_is_not_drawn() -> None:
    assert list(parts(draw_context(context(3, 0)).svg)) == [theme.LAYERS[1].fill]
    assert list(parts(draw_context(context(0, 3)).svg)) == [theme.DANGLING.fill]
    assert "nothing at all" in words(draw_context(context(0, 0, 0)).svg)


def test_a_large_folder_shows_the_largest_and_counts_the_rest() -> None:
    picture = draw_context(context(5_000, 20_000, 30))
    shown = words(picture.svg)
    assert "src/4999.py" in shown
    assert "src/1.py" not in shown
    assert "and 4,992 files, 12.5 GB more" in shown
    assert "and 23 more rules" in shown
    assert len(picture.svg) < 20_000


def test_a_rule_that_does_nothing_is_said_to() -> None:
    facts = context(1, 1, 2)
    assert words(draw_context(facts).svg).count("changes nothing here") == 1


def test_an_exception_says_what_it_lets_in() -> None:
    rules = (Rule(1, "*", "*", exception=False), Rule(2, "!a", "a", exception=True))
    facts = Context("x", "classic", "Dockerfile", ".dockerignore", rules,
                    (ContextFile("a", 7, 1),), (ContextFile("b", 9, 0),))  # fmt: skip
    picture = draw_context(facts)
    assert "lets in 1 file, 7 B" in words(picture.svg)
    assert "sent all of it before the first step" in picture.text


def test_secrets_are_marked_and_named() -> None:
    facts = context(3, 0, 0)
    plain = draw_context(facts)
    assert "Secret by its name" not in plain.text
    secret = Context("x", "buildkit", "", "", (), (ContextFile(".env", 1), ContextFile("a", 1)), ())
    picture = draw_context(secret)
    assert "Secret by its name, and a build can see it: .env." in words(picture.svg)
    assert "looks secret" in picture.text
    assert theme.WRITABLE.fill in picture.svg


def test_what_was_not_read_is_said() -> None:
    facts = Context("x", "buildkit", "", "", (), (), (), complete=False, unread=("locked",))
    text = draw_context(facts).text
    assert "not read to its end" in text
    assert "can't be read: locked" in text


def test_the_same_facts_give_the_same_bytes() -> None:
    assert draw_context(context(50, 50, 5)) == draw_context(context(50, 50, 5))
