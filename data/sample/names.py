"""Invented artists, albums and titles.

Words are dealt by a bijection of the numbers 0..4095 (an odd multiplier modulo a power of two): no
two artists share a name, and no name depends on how many are asked for. All of them are invented.
"""

from __future__ import annotations

from data.sample.artists import stream


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ADJECTIVES = _words(
    "Amber Arctic Ashen Brass Bright Broken Calm Cardinal Cobalt Copper Coral Crooked Crystal Dawn "
    "Distant Drifting Dusty Early Electric Faded Feral Floating Folded Gilded Glass Golden Granite "
    "Half Hidden Hollow Hushed Idle Indigo Iron Ivory Late Linen Lonely Lucid Lunar Marble Mellow "
    "Midnight Mirror Mossy Northern Ochre Old Opal Paper Patient Quiet Ruby Rusty Salt Scarlet "
    "Secret Silver Slow Solar Static Velvet Wandering Wooden"
)
_NOUNS = _words(
    "Almanac Antenna Arcade Atlas Avenue Balcony Barometer Beacon Bicycle Canopy Carousel "
    "Cartographer Circuit Compass Corridor Cupboard Delta Engine Estuary Ferry Forecast Fountain "
    "Garden Glacier Harbour Heron Horizon Island Junction Kettle Kingfisher Ladder Lantern "
    "Lighthouse Lullaby Magnet Meadow Meridian Mill Moth Observatory Orchard Parade Pavilion "
    "Pendulum Periscope Pilot Pylon Quarry Railway Reservoir Satellite Shutter Signal Staircase "
    "Telegraph Tide Tram Turbine Umbrella Valley Viaduct Window Zephyr"
)
_BANDS = (
    "{a} {n}",
    "The {a} {n}",
    "{a} & {n}",
    "{a} {n} Ensemble",
    "{a} {n} Society",
    "{a} {n} Unit",
)
_TITLES = (
    "{a} {n}",
    "The {a} {n}",
    "{a} {n} at Night",
    "Towards the {a} {n}",
    "{n}, {a}",
    "Leaving the {n}",
)
_ALBUMS = ("{a} {n}", "{n}", "{n} Songs", "From the {n}")
_FOREIGN_TITLES = (
    "Nächte am Fluß",
    "夜の波",
    "Été sans fin",
    "Ночной поезд",
    "Łąka o świcie",
    "Señales de humo",
    "봄의 계단",
    "Άνεμος και θάλασσα",
    "Über den Dächern",
    "ضوء بعيد",
    "Smørøya",
    "雨と硝子",
    "Çınar gölgesi",
    "Zăpadă târzie",
    "Půlnoční vlak",
    "गंगा की शाम",
)
_FOREIGN_ARTISTS = (
    "Märzlicht",
    "Orquesta Añil",
    "硝子楽団",
    "Łukasz i Łódki",
    "Тихий Маяк",
    "Sœurs Éclair",
    "Fjordhøst",
    "Pásek & Vítr",
    "가을 정류장",
    "Gölge Işık",
    "قمر النهر",
    "Vântul Târziu",
)
_SIZE = len(_ADJECTIVES) * len(_NOUNS)
MOST = 99
"""Artists of a style, and tracks of an artist, at most."""


def _name(forms: tuple[str, ...], seed: int, kind: str, number: int) -> str:
    rng = stream(seed, "names", kind)
    multiplier, offset = 2 * int(rng.integers(_SIZE // 2)) + 1, int(rng.integers(_SIZE))
    dealt = (multiplier * number + offset) % _SIZE
    adjective, noun = divmod(dealt, len(_NOUNS))
    form = forms[(dealt * 40503 >> 7) % len(forms)]
    return form.format(a=_ADJECTIVES[adjective], n=_NOUNS[noun])


def artist_name(seed: int, style: int, artist: int) -> str:
    """Return the name of an artist, by the numbers from 0 of its style and within it."""
    if artist < 9 and (artist + style + seed) % 9 == 0:
        return _FOREIGN_ARTISTS[style % len(_FOREIGN_ARTISTS)]
    return _name(_BANDS, seed, "artist", style * MOST + artist)


def album_title(seed: int, style: int, artist: int, album: int) -> str:
    """Return the title of an album, by numbers from 0."""
    return _name(_ALBUMS, seed, "album", (style * MOST + artist) * MOST + album)


def track_title(seed: int, style: int, artist: int, track: int) -> str:
    """Return the title of a track, by numbers from 0; about every eleventh is not ASCII."""
    if (7 * style + 3 * artist + track + seed) % 11 == 0:
        return _FOREIGN_TITLES[(3 * style + 7 * artist + 2 * track + seed) % len(_FOREIGN_TITLES)]
    return _name(_TITLES, seed, "title", (style * MOST + artist) * MOST + track)
