"""Training from a prepared folder to a weights folder: what `dimo train` runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from dimo import checkpoint
from dimo.api import DiMo
from dimo.codec.codec import Codec, CodecConfig
from dimo.data.acted import is_new
from dimo.data.records import Clip
from dimo.device import find
from dimo.errors import RequestError, WeightsError
from dimo.evaluators.find import find_all
from dimo.inpaint.pipeline import Pipeline
from dimo.learn import best, corpus, journal, loop, parallel, provenance, recipe, tasks, validation
from dimo.learn import codec as codec_learning
from dimo.learn import model as objective
from dimo.learn.batches import ModelData
from dimo.learn.codebooks import Codebooks, begin_codebooks
from dimo.learn.draws import draw_weights
from dimo.learn.folders import Data, chosen
from dimo.learn.generation import Generation
from dimo.learn.shown import still_shown
from dimo.learn.start import bert_folder, open_start
from dimo.learn.translate import carry_over
from dimo.loading import TRAINING_ONLY
from dimo.memory.lookup import Memory
from dimo.memory.recall import Recall
from dimo.model.masked import MaskedModel
from dimo.model.sentence import SentenceEncoder
from dimo.text.confusions import confusion_ids

VALIDATION_CLIPS = 120
"""Clips that the running validation reads; the reported numbers come from whole splits."""


@dataclass(frozen=True)
class Settings:
    """Where to read and write, and for how long."""

    data: Data  # () leaves it to the recipe
    out: Path
    recipe: Path | None = None
    resume: bool = False
    time_limit: float | None = None
    steps: int | None = None
    quiet: bool = False
    device: str | torch.device = "auto"  # as in device.choose; under torchrun each process has its own NVIDIA GPU
    changes: tuple[str, ...] = ()  # of the recipe, as TABLE.KEY=VALUE
    evaluator: Path | None = None  # by which validations judge what a model makes; None: the first that ships


COUNTED_BATCHES = 32
"""Batches on which a codec that goes on counts how often each code is used."""


def train_codec(settings: Settings, start: Path | None = None) -> int:
    """Train a codec; writes config.json and codec.safetensors to settings.out. Returns the steps done.

    start: a codec of the same sizes to go on from, as a folder that this wrote or as weights.
    """
    place = parallel.join(find(settings.device))
    plan = recipe.opened(settings.recipe, recipe.CodecRecipe, settings.changes)
    folders = chosen(settings.data, plan.data.folders)
    best.check_figure(plan.loop.best, codec_learning.figures(plan.codec))
    _check_extras(plan.loop)
    earlier = None if start is None else load_codec(start)
    if earlier is not None and earlier.config != plan.codec:
        raise RequestError(f"{start}: a codec of other sizes than [codec] of the recipe; give those of its config.json")
    if earlier is None and plan.loss.keep_codes:
        raise RequestError("keep_codes in [loss] needs --from, the folder of the codec whose codes are kept")
    # What was joined is there anyhow; what was acted is not.
    learnt = [c for c in corpus.clips(folders, "train", plan.data) if is_new(c)]
    held_out = corpus.clips(folders, "val", plan.data)[:VALIDATION_CLIPS]
    corpus.check_body([*learnt, *held_out], plan.codec)
    train, held = corpus.feature_clips(learnt), corpus.feature_clips(held_out)
    data = codec_learning.CodecData(train, plan.loss.window, draw_weights(learnt, plan.data), plan.loss.fast_exponent)
    options = loop.scheduled(plan.loop, settings.steps, len(data.starts), plan.loss.batch)
    torch.manual_seed(options.seed)
    codec = Codec(plan.codec)
    codec_learning.prepare(codec, train)
    codec.to(place)
    codec.encoder.requires_grad_(not plan.loss.keep_codes)
    if earlier is not None and not settings.resume:
        windows = [data.batch(plan.loss.batch, loop.step_generator(options.seed, 0, n)) for n in range(COUNTED_BATCHES)]
        codec_learning.go_on_from(codec, earlier.to(place), [w.to(place) for w in windows])
    elif not settings.resume:
        begin_codebooks(codec.train(), data.batch(plan.loss.batch, loop.step_generator(options.seed, 0)).to(place))
    done = loop.run(
        codec,
        lambda generator, _, features: codec_learning.loss(codec, features.to(place), plan.loss, generator),
        options,
        settings.out,
        batches=lambda generator, _: data.batch(plan.loss.batch, generator),
        settle=None if plan.loss.keep_codes else Codebooks(codec.quantizer, options.shards, options.seed).settle,
        validate=lambda: codec_learning.measure(codec, held),
        resume=settings.resume,
        time_limit=settings.time_limit,
        quiet=settings.quiet,
    )
    if parallel.world()[0] > 0:
        return done
    codec.step.fill_(done)
    made = provenance.of_codec(settings.recipe, done, {"train": learnt, "val": held_out}, _config_of(start))
    save_codec(codec, settings.out, made)
    if options.best and (found := best.read(settings.out)) is not None:
        mark, state = found
        codec.load_state_dict(state)
        codec.step.fill_(mark.step)
        save_codec(codec, settings.out / best.FOLDER, {**made, "best": asdict(mark)})
    return done


def _check_extras(options: loop.LoopOptions) -> None:
    """RequestError for what is asked for and not installed, before hours of reading."""
    if options.tensorboard:
        journal.check_tensorboard()


def save_codec(codec: Codec, folder: Path, made: dict[str, Any]) -> None:
    """config.json, with the provenance `made`, and codec.safetensors."""
    state = {k: v for k, v in codec.state_dict().items() if k not in TRAINING_ONLY}
    checkpoint.save(folder, {"codec": codec.config.to_dict(), "provenance": made}, {"codec": state}, {})


def load_codec(folder: Path) -> Codec:
    """A codec from a folder that train_codec wrote, or from a weights folder."""
    config = checkpoint.read_config(folder)
    try:
        codec = Codec(CodecConfig(**config["codec"]))
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{folder / 'config.json'}: not a usable codec config ({error})") from None
    checkpoint.load_into(codec, folder / "codec.safetensors", optional=TRAINING_ONLY)
    return codec.eval()


def train_model(settings: Settings, codec_folder: Path, start: Path | None = None) -> int:
    """Train a masked model over a codec; writes a whole weights folder to settings.out. Returns the steps done.

    start: a BERT or ALBERT checkpoint, or a weights folder of dimo whose training goes on with another recipe; over another
    codec than it had, what it knows of base codes is translated (translate.py).
    """
    place = parallel.join(find(settings.device))
    plan = recipe.opened(settings.recipe, recipe.ModelRecipe, settings.changes)
    folders = chosen(settings.data, plan.data.folders)
    best.check_figure(plan.loop.best, validation.figures(plan.loss, plan.validation.generate > 0))
    _check_extras(plan.loop)
    codec = load_codec(codec_folder).to(place)
    beginning = open_start(plan, codec, start)
    wordpiece, config, earlier = beginning.wordpiece, beginning.config, beginning.earlier
    translated = earlier is not None and codes_of(earlier) != codes_of(codec_folder)
    sets, read = {}, {}
    if parallel.world()[0] > 0:
        parallel.wait()  # until the first process has written the codes
    for split in ("train", "val"):
        learnt = split == "train"
        # Motion itself is needed by who translates one codec's codes to another's, and by who judges what is made.
        motion = translated if learnt else plan.validation.generate > 0
        found = corpus.coded(codec, folders, split, plan.data, config.max_steps, settings.out, motion=motion)
        read[split] = found.clips
        sets[split] = ModelData(
            corpus.examples(found.clips, found.codes, wordpiece, config.max_text, plan.data, found.shifted),
            confusions=confusion_ids(wordpiece.vocabulary),
            sentences=corpus.sentence_ids(folders, wordpiece, plan.data.sentences)
            if learnt and plan.loss.speaks
            else (),
            reword=corpus.rewording(wordpiece, config.max_text),
        )
    if parallel.world()[0] == 0:
        parallel.wait()
    options = loop.scheduled(plan.loop, settings.steps, len(sets["train"].examples), plan.loss.batch)
    torch.manual_seed(options.seed)
    model = beginning.model(codec)
    if earlier is not None and translated:
        if plan.data.keep:
            raise RequestError(
                f"keep in [data] needs the codec that {earlier} had: codes of two codecs cannot be blended"
            )
        carry_over(model, load_codec(earlier), codec, read["train"])
    if plan.data.start_weights and not plan.data.train_words:
        # Pretrained word vectors stay as they are: synonyms that training never names keep their neighbours.
        model.trunk.words.weight.requires_grad_(False)
    model.to(place)
    if options.compile:
        model.trunk.compile_layers(options.compile)
    made_of = _generation(settings, plan, Pipeline(codec, model, wordpiece), read["val"])
    done = loop.run(
        model,
        lambda generator, _, drawn: objective.loss_of(model, drawn, plan.loss, generator),
        options,
        settings.out,
        batches=lambda generator, step: tasks.draw(sets["train"], plan.loss, model.config, generator, step),
        validate=lambda: {
            **validation.measure(model, sets["val"], plan.loss),
            **(made_of.measure() if made_of is not None else {}),
        },
        resume=settings.resume,
        time_limit=settings.time_limit,
        quiet=settings.quiet,
    )
    if earlier is not None and plan.data.keep:
        blend(model, load_file(earlier / "model.safetensors"), plan.data.keep)
    made = provenance.of_model(
        settings.recipe,
        replace(plan, loop=options),
        done,
        read,
        checkpoint.read_config(codec_folder),
        bert=bert_folder(start) if beginning.bert is not None else None,
        packaged=start is None,
        earlier=_config_of(earlier),
    )
    if parallel.world()[0] == 0:
        DiMo(Pipeline(codec, model, wordpiece)).save_pretrained(settings.out, provenance=made)
        if options.best and (found := best.read(settings.out)) is not None:
            mark, state = found
            model.load_state_dict(state)
            if earlier is not None and plan.data.keep:
                blend(model, load_file(earlier / "model.safetensors"), plan.data.keep)
            made = {**made, "best": asdict(mark)}
            DiMo(Pipeline(codec, model, wordpiece)).save_pretrained(settings.out / best.FOLDER, provenance=made)
    return done


def _generation(
    settings: Settings, plan: recipe.ModelRecipe, pipeline: Pipeline, held: list[Clip]
) -> Generation | None:
    """What validations make motions of, where the recipe asks for it; the first process alone validates."""
    if not plan.validation.generate or parallel.world()[0] > 0:
        return None
    found = find_all(None if settings.evaluator is None else [settings.evaluator])
    fitting = [e for e in found if e.columns == pipeline.codec.config.features]
    if not fitting:
        raise RequestError(
            f"generate in [validation] needs an evaluator of {pipeline.codec.config.features} features a frame: "
            "dimo train evaluator makes one, and --evaluator names it"
        )
    return Generation(held, pipeline, fitting[0].to(pipeline.device), plan.validation)


def _config_of(folder: Path | None) -> dict[str, Any] | None:
    """config.json of the weights that a training went on from."""
    return None if folder is None else checkpoint.read_config(folder)


def codes_of(folder: Path) -> str:
    """A hash of what gives motions their codes: of a codec without its decoder."""
    digest = hashlib.sha256()
    for name, value in sorted(load_file(folder / "codec.safetensors").items()):
        if not name.startswith("decoder."):
            digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def train_memory(settings: Settings) -> int:
    """Add what is remembered of the training clips to the weights folder settings.out. Returns the clips of the memory.

    memory.safetensors (memory/lookup.py), and recall.safetensors (memory/recall.py), whose clips are seen in the mirror, too:
    whoever asks for the left foot may have been shown the right one only.
    """
    plan = recipe.opened(settings.recipe, recipe.MemoryRecipe, settings.changes)
    folders = chosen(settings.data, plan.data.folders)
    model = DiMo.from_pretrained(settings.out, precision="fp32", device=settings.device)
    admitted = corpus.clips(folders, "train", recipe.DataOptions(sources=plan.data.sources))
    plain = [c for c in admitted if not c.composite]
    found = [c for c in plain if plan.data.mirrored or not c.mirrored]
    memory = Memory.of(model.codec, *corpus.codes_at_offsets(model.codec, found), [c.joints for c in found])
    model.pipeline.memory = memory
    said = [c for c in admitted if c.captions and is_new(c)]
    coded = corpus.code_clips(model.codec, said, model.model.config.max_steps)
    told = [
        (codes, captions)
        for codes, captions in zip(coded, ([t.text for t in c.captions] for c in said), strict=True)
        if still_shown(model.pipeline, codes, captions)
    ]
    model.pipeline.recall = Recall.of(
        [codes for codes, _ in told],
        [captions for _, captions in told],
        SentenceEncoder.of_weights(settings.out, checkpoint.shipped_folder()),
    )
    facts = {
        "clips": len(found),
        "stacks": len(memory.codes),
        "captioned": len(told),
        "sources": dict(Counter(c.source for c in found)),
        "licences": sorted({c.licence for c in found}),
    }
    model.save_pretrained(settings.out, provenance={**model.config.get("provenance", {}), "memory": facts})
    return len(found)


@torch.no_grad()
def blend(model: MaskedModel, before: dict[str, Tensor], share: float) -> None:
    """Make the weights (1 - share) of what they are and `share` of what they were: keeps skills that a short training blurs."""
    for name, value in model.named_parameters():
        value.lerp_(before[name].to(value), share)
