"""What one bundle knows, ready to answer: made once, shared by all recommenders of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cf_model import CFConfig
from cf_model.foldin import FoldIn
from engine.bundle.contents import BundleContents
from engine.duplicates import one_of_each
from engine.retrieval import (
    AudioRetriever,
    CFRetriever,
    ColdRetriever,
    NeighbourRetriever,
    NewRetriever,
    PopularRetriever,
    SeedRetriever,
    TrendingRetriever,
)
from engine.taste import SoundIndex, SoundSpace, TasteConfig
from ranker.candidates import Retriever
from ranker.recordings import OneOfEach

PERSONAL = ("cf", "neighbours", "audio", "seeds", "cold")
"""The retrievers that know something of the user; the others propose the same to everybody."""


@dataclass(frozen=True, eq=False)
class Signals:
    """The retrievers that a bundle can feed, and the parts that they share.

    Attributes
    ----------
    contents : BundleContents
    popular : PopularRetriever
    one_of_each : OneOfEach
        The rule of duplicates.
    foldin : FoldIn or None
        None without factors.
    sound : SoundIndex or None
        None without embeddings.
    cf, neighbours, audio, seeds, cold, trending, new : Retriever or None
        See `engine.retrieval`; None where the bundle has nothing to feed it.
    """

    contents: BundleContents
    popular: PopularRetriever
    one_of_each: OneOfEach
    foldin: FoldIn | None = None
    sound: SoundIndex | None = None
    cf: CFRetriever | None = None
    neighbours: NeighbourRetriever | None = None
    audio: AudioRetriever | None = None
    seeds: SeedRetriever | None = None
    cold: ColdRetriever | None = None
    trending: TrendingRetriever | None = None
    new: NewRetriever | None = None

    @classmethod
    def of(
        cls, contents: BundleContents, cf: CFConfig, *, taste: TasteConfig | None = None
    ) -> Signals:
        """Make them of the parts of a bundle.

        Parameters
        ----------
        contents : BundleContents
        cf : CFConfig
            What its factors were trained with; folding in must match.
        taste : TasteConfig, optional
            Of the users' centres of taste in sound.
        """
        parts: dict[str, object] = {}
        behaviour, acoustic = contents.behaviour, contents.acoustic
        if behaviour is not None:
            foldin = FoldIn(behaviour.item_factors, cf, gram=behaviour.gram)
            by_factors = CFRetriever(foldin, behaviour.item_factors)
            unheard = np.asarray(behaviour.item_factors.any(axis=1)) & (contents.listeners == 0)
            cold = np.flatnonzero(unheard).astype(np.int32)
            parts |= {"foldin": foldin, "cf": by_factors}
            parts["cold"] = ColdRetriever(by_factors, cold) if cold.size else None
        if contents.neighbours is not None:
            parts["neighbours"] = NeighbourRetriever(contents.neighbours)
        if acoustic is not None:
            taste = taste or TasteConfig()
            space = SoundSpace.of(acoustic.embeddings, whiten=taste.whiten)
            sound = SoundIndex(acoustic.embeddings, space)
            parts |= {"sound": sound, "audio": AudioRetriever(sound, taste)}
            parts["seeds"] = SeedRetriever(sound)
        if contents.recent is not None and contents.recent.any():
            parts["trending"] = TrendingRetriever(contents.listeners, contents.recent)
        released = contents.catalog.released
        if np.isfinite(released).any():
            parts["new"] = NewRetriever(released)
        popular = PopularRetriever(contents.listeners, contents.plays)
        rule = one_of_each(contents.duplicates, contents.listeners)
        return cls(contents, popular, rule, **parts)  # type: ignore[arg-type] # by their names

    @property
    def retrievers(self) -> dict[str, Retriever]:
        """The retrievers that there are, by name, personal ones first."""
        names = (*PERSONAL, "popular", "trending", "new")
        found = {name: getattr(self, name) for name in names}
        return {name: retriever for name, retriever in found.items() if retriever is not None}
