"""The pipeline: requests to motions, many at once. Whoever makes motions calls make(); whoever needs codes calls to_codes().

One request is the story of one motion (a generator that yields the windows it needs filled), so its result depends on the
request alone: each draws from its own generator, and the model's sums do not depend on what else is in the batch
(model/products.py). The windows that wait at one time are drawn in one batch.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from dimo.body.motion import Motion
from dimo.codec.codec import Codec
from dimo.diffusion.sample import SampleOptions, Step, generators_of, sample
from dimo.errors import RequestError
from dimo.inpaint.codes import decode_all, decode_features, encode, floor_of, on_grid, stand_on_floor, whole_grid
from dimo.inpaint.filters import from_memory
from dimo.inpaint.predictor import Predictor
from dimo.inpaint.request import Part, Request, check, check_share, join, seed_of
from dimo.inpaint.rounds import follow
from dimo.inpaint.seams import Filled, bridge, place
from dimo.inpaint.sentence import Sentence, Texts
from dimo.inpaint.timing import Gap, Grid, code_steps
from dimo.inpaint.variation import vary
from dimo.inpaint.windows import Lookup, Stretch, Window, drive, fill_between
from dimo.memory.lookup import Memory, Sides
from dimo.memory.neighbours import Neighbours
from dimo.memory.recall import Recall
from dimo.model.masked import MaskedModel
from dimo.sequence.tokens import pack
from dimo.sequence.vocabulary import MASK
from dimo.text.aloft import climbs
from dimo.text.asking import as_caption, in_plain_words
from dimo.text.phrases import Phrases
from dimo.text.turns import turns
from dimo.text.wordpiece import Wordpiece

T = TypeVar("T")

MEMORY = 0.95
"""Share of remembered motions in the guesses of a gap that no text describes, unless said otherwise."""

RECALL = 0.5
"""The same of motions whose captions are like the text, in the guesses of what a text describes."""

COVERED = 0.9
"""Likeness of a caption from which a sentence of several turns without "then" is made as a whole."""
BATCH = 32
"""Windows that are drawn together: more gain nothing on a CPU and take memory."""

NO_TEXT = (MASK,) * 8
"""Unknown words, which is how models with unknown_text = "masked" saw motion without text; as given words, so that the sampler
lets them be. Others saw no words at all."""


class Pipeline:
    """What makes motions: codec, model and word pieces, and where there are any remembered motions and captioned ones."""

    def __init__(
        self,
        codec: Codec,
        model: MaskedModel,
        wordpiece: Wordpiece,
        memory: Memory | None = None,
        recall: Recall | None = None,
    ):
        self.codec, self.model, self.wordpiece = codec.eval(), model.eval(), wordpiece
        self.memory, self.recall = memory, recall

    @property
    def device(self) -> torch.device:
        """Where codec and model compute; requests, codes and motions are on the CPU."""
        return self.model.device

    def to(self, device: torch.device) -> Pipeline:
        """Itself, with codec and model on a device."""
        self.codec.to(device)
        self.model.to(device)
        return self

    @property
    def longest(self) -> float:
        """Seconds of the longest motion that one window holds; longer ones are made of several."""
        return self.model.config.max_steps * self.codec.config.stride / self.codec.config.fps

    def ids(self, text: str | None) -> tuple[int, ...]:
        """Word pieces of a sentence, none for None. RequestError for a text that is empty, too long or not English."""
        if text is None:
            return ()
        if not isinstance(text, str):
            raise RequestError(f"the text must be a string, not {type(text).__name__}")
        reason = self.wordpiece.unsupported(text, self.model.config.max_text)
        if reason:
            raise RequestError(reason)
        return tuple(self.wordpiece.encode(text))

    @cached_property
    def phrases(self) -> Phrases | None:
        """What captions are made of, from those that recall was made with; None without them."""
        if self.recall is None:
            return None
        pieces = cache(self.wordpiece.encode)  # of one word, which are the same in every caption
        said = dict.fromkeys(caption for some in self.recall.captions for caption in some)
        return Phrases.of([piece for word in caption.split() for piece in pieces(word)] for caption in said)

    def asked(self, text: str, *, recall: bool = True) -> str:
        """A sentence as captions say it (text/asking.py). RequestError as ids raises it.

        recall: or the caption that means the same, where its words are not those of captions (memory/recall.py).
        """
        self.ids(text)
        for say in (self._captioned, *((self.recall.meant,) if recall and self.recall is not None else ())):
            said = say(text)
            text = text if self.wordpiece.unsupported(said, self.model.config.max_text) else said
        return text

    def _captioned(self, text: str) -> str:
        """A sentence as captions say it: in its own words where captions have these, or else in plain ones."""
        said = as_caption(text)
        return said if self.recall is not None and self.recall.is_familiar(said) else in_plain_words(text)

    def turns(self, text: str) -> list[str]:
        """What is made one after the other: a sentence for each of its turns (text/turns.py), if no caption says it whole.

        Behind "and" or a comma there is a turn only where captions say each of them, and none is nearly the whole.
        """
        said = self.asked(text, recall=False)
        if self.recall is None or self._is_said(said, self.recall):
            return [text]
        found = turns(said)
        if len(found) > 1:
            return found
        listed = turns(said, listed=True)
        if len(listed) < 2 or any(one.likeness >= COVERED for one in self.recall.nearest(said, 1)):
            return [text]
        return listed if all(self._is_said(self._captioned(each), self.recall) for each in listed) else [text]

    @staticmethod
    def _is_said(text: str, recall: Recall) -> bool:
        """Whether captions say it, or something that stands for it."""
        return recall.is_familiar(text) or recall.meant(text) != text

    def to_codes(self, motion: Motion, *, cut: bool = True) -> Tensor:
        """Codes (L, Q) of a motion on any body with known joint names; cut: to the longest that the model sees at once."""
        at = whole_grid(self.codec, motion)
        if len(at) < 2:
            raise RequestError(
                f"the motion {motion.name!r} has {len(at)} frame at {self.codec.config.fps:g} fps; at least 2 are needed"
            )
        longest = self.model.config.max_steps * self.codec.config.stride
        return encode(self.codec, on_grid(self.codec, motion, at[:longest] if cut else at))

    def to_motion(self, codes: Tensor, name: str = "motion", *, footlock: bool = False) -> Motion:
        """Codes (L, q) of the first q levels to a motion on the codec's body, from the origin facing +Z.

        footlock: planted feet neither slide nor float (body/footlock.py), and the body rests on the floor
        (body/grounding.py).
        """
        ((motion, contacts),) = decode_all(self.codec, [codes], [name])
        return stand_on_floor(motion, contacts) if footlock else motion

    def reconstruct(self, motion: Motion, levels: int | None = None) -> Motion:
        """A motion through codes and back with the first `levels` levels, on the codec's body and rate, from the origin."""
        codes = self.to_codes(motion, cut=False)[:, :levels]
        frames = int((len(motion) - 1) * self.codec.config.fps / motion.fps + 1e-6) + 1
        return self.to_motion(codes, motion.name)[:frames]

    def finish(self, requests: Sequence[Request], rows: Sequence[Tensor], *, footlock: bool) -> list[Motion]:
        """The motions of requests without known frames, from their codes (L, q)."""
        out = []
        decoded = decode_all(self.codec, rows, [request.name for request in requests])
        for request, (motion, contacts) in zip(requests, decoded, strict=True):
            aloft = any(climbs(part.text) for part in request.parts if part.text)
            stands = stand_on_floor(motion, contacts, aloft=aloft) if footlock else motion
            out.append(stands[: request.frames])
        return out

    def make(
        self,
        requests: Sequence[Request],
        options: SampleOptions | None = None,
        *,
        footlock: bool = True,
        memory: float = MEMORY,
        recall: float = RECALL,
        levels: int | None = None,
    ) -> list[Motion]:
        """A motion for each request, drawn in batches. options.seed is not read: each request has its own.

        footlock: planted feet of what is made neither slide nor float. memory: the share of remembered motions in the guesses
        of gaps that no text describes; 0 is the model alone. recall: the same of motions that were described alike, in what is
        made of texts alone. levels: decode only so many of them, where nothing is known.
        RequestError for what cannot be made, before anything is.
        """
        options = options or SampleOptions()
        check_share("memory", memory)
        texts = self._checked(requests, recall)
        generators = generators_of([seed_of(request) for request in requests])
        jobs = [
            self._story(request, texts, generator, footlock, memory > 0, levels)
            for request, generator in zip(requests, generators, strict=True)
        ]
        made = self._drive(jobs, generators, options, memory, recall)
        motions = {i: each for i, each in enumerate(made) if isinstance(each, Motion)}
        bare = {i: each for i, each in enumerate(made) if isinstance(each, Tensor)}
        finished = self.finish([requests[i] for i in bare], list(bare.values()), footlock=footlock)
        motions |= zip(bare, finished, strict=True)
        return [motions[i] for i in range(len(made))]

    def features(
        self,
        requests: Sequence[Request],
        options: SampleOptions | None = None,
        *,
        recall: float = RECALL,
        levels: int | None = None,
    ) -> list[np.ndarray]:
        """HumanML3D features (F, C) for each request, as the codec decodes them: fitted to no body, no foot held.

        What make would build its motions of. RequestError for known frames, which are no features.
        """
        if any(request.known for request in requests):
            raise RequestError("motions around known frames are made, not given as features")
        texts = self._checked(requests, recall)
        generators = generators_of([seed_of(request) for request in requests])
        jobs = [self._features(r, texts, g, levels) for r, g in zip(requests, generators, strict=True)]
        return self._drive(jobs, generators, options or SampleOptions(), 0.0, recall)

    def _checked(self, requests: Sequence[Request], recall: float) -> Texts:
        """What is known of the requests' texts; RequestError for a request that cannot be made."""
        check_share("recall", recall)
        texts = {part.text: self._sentence(part.text, recall > 0) for request in requests for part in request.parts}
        for request in requests:
            check(request, self.codec.config.fps)
        return texts

    def _sentence(self, text: str | None, recall: bool) -> Sentence:
        said = text if text is None else self.asked(text, recall=recall)
        if said is None or not recall or self.recall is None:
            return Sentence(self.ids(said))
        return Sentence(self.ids(said), partial(self.recall.votes, said))

    def _drive(
        self,
        jobs: Sequence[Generator[Window, Tensor, T]],
        generators: Sequence[torch.Generator],
        options: SampleOptions,
        memory: float,
        recall: float,
    ) -> list[T]:
        """What stories come to that are told side by side, each with its own generator."""

        def fill(numbers: list[int], windows: list[Window]) -> list[Tensor]:
            return self._fill(windows, [generators[n] for n in numbers], options, {True: recall, False: memory})

        return drive(jobs, fill)

    def rounds(
        self, request: Request, options: SampleOptions | None = None, *, recall: float = RECALL
    ) -> Iterator[Step]:
        """Every state of the sampler while it makes a request, each of the whole motion (inpaint/rounds.py).

        RequestError for one that is longer than a window of the model, or has known frames.
        """
        texts = self._checked([request], recall)
        if request.known or request.frames > self.longest * self.codec.config.fps + 1e-6:
            raise RequestError(f"the rounds of one text can be followed, over at most {self.longest:g} seconds")
        (generator,) = generators_of([seed_of(request)])
        options, levels = options or SampleOptions(), self.codec.config.levels

        def fill(window: Window) -> Iterator[Step]:
            return self._steps([window], [generator], options, recall if window.ids else 0.0)

        steps = -(-request.frames // self.codec.config.stride)
        return follow(self._codes(request, texts, generator), steps, levels, fill)

    # ---- the story of one request

    def _story(
        self,
        request: Request,
        texts: Texts,
        generator: torch.Generator,
        footlock: bool,
        remember: bool,
        levels: int | None = None,
    ) -> Generator[Window, Tensor, Motion | Tensor]:
        """The motion, or its codes where nothing is known: those are decoded together."""
        if request.vary is not None:
            (known,), (part,) = request.known, request.parts
            longest = self.model.config.max_steps
            made = yield from vary(
                self.codec, known.motion, request.vary, texts[part.text].ids, generator, longest, footlock
            )
            return made
        if not request.known:
            codes = yield from self._codes(request, texts, generator)
            return codes[:, :levels]
        made = yield from self._around(request, texts, footlock, remember)
        return made

    def _codes(self, request: Request, texts: Texts, generator: torch.Generator) -> Generator[Window, Tensor, Tensor]:
        """The codes of a request without known frames."""
        stride = self.codec.config.stride
        nothing = torch.zeros(0, self.codec.config.levels, dtype=torch.long)
        stretches = _stretches(request.parts, texts, -(-request.frames // stride), stride, generator)
        codes = yield from fill_between(nothing, stretches, nothing, self.model.config.max_steps)
        return codes

    def _features(
        self, request: Request, texts: Texts, generator: torch.Generator, levels: int | None
    ) -> Generator[Window, Tensor, np.ndarray]:
        codes = yield from self._codes(request, texts, generator)
        return decode_features(self.codec, codes[:, :levels])[: request.frames]

    def _around(
        self, request: Request, texts: Texts, footlock: bool, remember: bool
    ) -> Generator[Window, Tensor, Motion]:
        """The known pieces of a request, and between them what is missing, from the first gap to the last.

        Each gap knows what was made before it and the known frames behind it. Nothing known passes through the codec.
        """
        floor = min(floor_of(self.codec, known.motion) for known in request.known)
        pieces: list[Motion] = []
        rest = [known.motion for known in request.known]
        at = 0
        for start in [*(known.start for known in request.known), request.frames]:
            if at < start:
                gap = Gap(join(pieces) if pieces else None, rest[0] if rest else None, start - at, request.follow)
                filled = yield from self._gap(gap, request, at, texts, floor, footlock, remember)
                pieces.append(filled.motion)
                rest = [filled.moved(motion) for motion in rest]
            if rest:
                pieces.append(rest.pop(0))
                at = start + len(pieces[-1])
        return join(pieces)

    def _gap(
        self,
        gap: Gap,
        request: Request,
        start: int,
        texts: Texts,
        floor: float,
        footlock: bool,
        remember: bool,
    ) -> Generator[Window, Tensor, Filled]:
        """One gap filled. One that is shorter than a code step is bridged by a smooth curve."""
        config = self.codec.config
        if (gap.frames + 1) / gap.side.fps <= config.stride / config.fps and (curve := bridge(gap)) is not None:
            return Filled.still(curve)
        grid = Grid.of(self.codec, gap, floor)
        parts = request.stretch(start, start + gap.frames)
        stretches = _stretches(parts, texts, grid.steps, config.stride * gap.side.fps / config.fps)
        lookup = self._lookup(grid.sides(gap.follow), request.sample == 0) if remember else None
        codes = yield from fill_between(grid.before, stretches, grid.after, self.model.config.max_steps, lookup=lookup)
        return place(self.codec, gap, grid, codes, floor, footlock)

    def _lookup(self, sides: Sides, typical: bool) -> Lookup | None:
        """What remembered motions hold; typical: those that go where most go have the say."""
        memory = self.memory
        if memory is None:
            return None

        def lookup(row: Tensor, mask: Tensor) -> Neighbours | None:
            near = memory.neighbours(row, mask, sides)
            return near.by_expected_distance() if near is not None and typical else near

        return lookup

    # ---- windows in batches

    def _fill(
        self,
        windows: Sequence[Window],
        generators: Sequence[torch.Generator],
        options: SampleOptions,
        shares: dict[bool, float],
    ) -> list[Tensor]:
        """Codes (L_i, Q) of each window: those with a text and those without apart, alike in length together.

        shares: of remembered motions in windows with a text, and without.
        """
        out: dict[int, Tensor] = {}
        order = sorted(range(len(windows)), key=lambda i: (not windows[i].ids, len(windows[i].row)))
        for told in (True, False):
            group = [i for i in order if bool(windows[i].ids) == told]
            for batch in (group[k : k + BATCH] for k in range(0, len(group), BATCH)):
                *_, last = self._steps(
                    [windows[i] for i in batch], [generators[i] for i in batch], options, shares[told]
                )
                for i, codes in zip(batch, last.tokens.codes.cpu(), strict=True):
                    out[i] = codes[: len(windows[i].row)]
        return [out[i] for i in range(len(windows))]

    def _steps(
        self, windows: Sequence[Window], generators: Sequence[torch.Generator], options: SampleOptions, share: float
    ) -> Iterator[Step]:
        """The rounds that fill windows which all have a text, or all have none."""
        told = bool(windows[0].ids)
        nothing = NO_TEXT if self.model.config.unknown_text == "masked" else ()
        tokens = pack(
            [list(w.ids or nothing) for w in windows], [w.row for w in windows], levels=self.model.config.levels
        )
        hidden = torch.nn.utils.rnn.pad_sequence([w.open for w in windows], batch_first=True)
        tokens = replace(tokens, known_levels=torch.where(hidden, 0, tokens.known_levels)).to(self.device)
        neighbours = [w.neighbours.to(self.device) if w.neighbours is not None else None for w in windows]
        filters = [from_memory(neighbours, share)] if any(n is not None for n in neighbours) else []
        predict = Predictor(self.model, options.guidance if told else 1.0, options.guidance_on, filters)
        return sample(tokens, predict, options, generators)


def _stretches(
    parts: Sequence[Part], texts: Texts, steps: int, stride: float, generator: torch.Generator | None = None
) -> list[Stretch]:
    """Parts as stretches of `steps` code steps in all, of `stride` of their frames each.

    generator: draws the motions that were described alike. Where frames are known none has a say: they do not know those.
    """
    counts = code_steps([part.frames for part in parts], steps, stride)
    return [texts[part.text].over(n, generator) for part, n in zip(parts, counts, strict=True) if n]
