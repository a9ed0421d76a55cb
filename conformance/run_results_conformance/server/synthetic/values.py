"""Values of synthetic fields: names, amounts, dates and codes, in several scripts. All of them are made up."""

from collections.abc import Callable, Sequence

Random = Callable[[], float]
"""Gives floats in [0, 1). `random.Random.random` is the only method with the same results in every Python version."""

Maker = Callable[[Random], str]
"""Makes the value of a field."""


def below(r: Random, n: int) -> int:
    return int(r() * n)


def pick(r: Random, choices: Sequence[str]) -> str:
    return choices[int(r() * len(choices))]


def digits(r: Random, count: int) -> str:
    return f"{int(r() * 10**count):0{count}d}"


_GIVEN = (
    "Mira",
    "Tomás",
    "Ayşe",
    "Zoë",
    "Łucja",
    "李明",
    "नेहा",
    "Ольга",
    "Søren",
    "يوسف",
    "Chidi",
    "Mai-Linh",
)
FAMILY = (
    "Okafor",
    "Brändli",
    "Yıldırım",
    "O’Dea",
    "Żółkowska",
    "王",
    "शर्मा",
    "Петрова",
    "Ångström",
    "ناصر",
    "Núñez",
)
_STREETS = ("Elm Street", "Bahnhofstraße", "rue de l’Église", "Улица Мира", "本町通り", "Calle Señorial")
FILE_KINDS = ("w2", "licence", "facture №", "Kontoauszug", "scan")
CITIES = ("Springfield", "Zürich", "Besançon", "Kraków", "大阪市", "São Tomé")
_WORDS = (
    "consulting",
    "façade repair",
    "crème, 20 l",
    "Überstunden",
    "№ 7 bolts",
    "翻訳料",
    'pipe 3/4"',
    "☕ & more",
    "C:\\scans",
)
_COMPANIES = ("Northwind Foundry", "Müller & Söhne", "Société d’Exemple", "例示商事", "ООО Пример")


def person(r: Random) -> str:
    return f"{pick(r, _GIVEN)} {pick(r, FAMILY)}"


def company(r: Random) -> str:
    return pick(r, _COMPANIES)


def address(r: Random) -> str:
    return f"{1 + below(r, 200)} {pick(r, _STREETS)}\n{digits(r, 5)} {pick(r, CITIES)}"


def money(r: Random) -> str:
    cents = below(r, 10 ** (3 + below(r, 6)))
    style = r()
    if style < 0.7:
        return f"{cents // 100:,}.{cents % 100:02d}"
    return f"{cents // 100:_},{cents % 100:02d} €".replace("_", "\u00a0")


def date(r: Random) -> str:
    year, month, day = 2015 + below(r, 11), 1 + below(r, 12), 1 + below(r, 28)
    return f"{year}-{month:02d}-{day:02d}" if r() < 0.8 else f"{day}.{month}.{year}"


def year(r: Random) -> str:
    return str(2015 + below(r, 11))


def tax_number(r: Random) -> str:
    return f"000-{digits(r, 2)}-{digits(r, 4)}"  # area 000 is never issued


def account(r: Random) -> str:
    return f"XX00 {digits(r, 4)} {digits(r, 4)} {digits(r, 4)} {digits(r, 1)}"


def code(r: Random) -> str:
    return f"{pick(r, 'ABCDEFGH')}-{digits(r, 4)}-{digits(r, 4)}"


def letter(r: Random) -> str:
    return pick(r, ("", "A", "B", "C1", "D1E"))


def count(r: Random) -> str:
    return str(below(r, 100))


def tick(r: Random) -> str:
    return "true" if r() < 0.5 else "false"


def text(r: Random) -> str:
    return "; ".join(pick(r, _WORDS) for _ in range(1 + below(r, 4)))


def table(r: Random) -> str:
    return "\n".join(f"{pick(r, _WORDS)}\t{count(r)}\t{money(r)}" for _ in range(1 + below(r, 3)))
