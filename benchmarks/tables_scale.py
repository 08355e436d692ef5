"""Tables about training, scale, the server and rigs, of the JSON files of other benchmarks; put into their pages by tables.py."""

from __future__ import annotations

from typing import Any


def percent(x: float) -> str:
    return f"{100 * x:.0f} %"


def table(head: str, rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table; head is its column names between bars."""
    names = head.split(" | ")
    return "\n".join(
        [f"| {head} |", "|" + " --- |" * len(names), *("| " + " | ".join(map(str, row)) + " |" for row in rows)]
    )


def scale(report: dict) -> str:
    """What was measured, and what a million prompts cost by it, which is calculated."""
    about, machine = report["setting"], report["machine"]
    rows = [
        (
            f"{run['workers']} worker{'s' if run['workers'] > 1 else ''}",
            f"{run['prompts']:,}",
            f"{run['motions_per_s']:.1f}"
            + (f" ({run['least_per_s']:.1f} to {run['most_per_s']:.1f})" if "runs" in run else ""),
            f"{run['first_s']:.0f}",
            f"{run['seconds']:.0f}",
            f"{run['rerun_s']:.1f}",
            f"{run['peak_parent_mb']:,}",
            f"{run['peak_worker_mb']:,}",
            f"{run['index_bytes'] / 1000:,.0f}",
        )
        for run in [*report["rate"], *report["growth"]]
    ]
    head = (
        "measured | prompts | motions a second | s to the first shard | s in all | s of the same again | parent, MB | a worker, MB "
        "| index, kB"
    )
    index, longest = report["index"], report["growth"][-1]
    more = 1_000_000 / index["prompts"]
    core = report["rate"][-1]["motions_per_s"] / report["rate"][-1]["workers"]
    hours = 1_000_000 / core / 3600
    plan = [
        *((f"hours on {cores} cores, an actor each", f"{hours / cores:,.1f}") for cores in (16, 64, 256)),
        ("core hours", f"{hours:,.0f}"),
        ("motions on the disk (NPZ), GB", f"{longest['motion_bytes'] / 1000:,.0f}"),
        ("index.jsonl, MB", f"{index['index_bytes'] * more / 1e6:,.0f}"),
        ("one writing of the index, s", f"{index['index_written_s'] * more:,.1f}"),
        ("finding what is there, of a rerun, s", f"{(index['prompts_read_s'] + index['index_read_s']) * more:,.0f}"),
        ("memory of the parent beside the model, MB", f"{index['peak_parent_mb'] * more:,.0f} at most"),
    ]
    return (
        f"{about['seconds']} s in {about['steps']} rounds, {about['size']} drawn together, on {machine['cores']} cores "
        f"({machine['processor']}, torch {machine['torch']}).\n\n{table(head, rows)}\n\nCalculated from these, and from the "
        f"bookkeeping of {index['prompts']:,} prompts with empty files:\n\n{table('one million prompts | calculated', plan)}"
    )


def cost(report: dict) -> str:
    """What the recipes of the paper's setting cost, all of it calculated."""
    given = report["assumptions"]
    rows = [
        (
            f"{name}, {what}",
            f"{found['parameters'] / 1e6:.0f} M",
            f"{found['tflops_a_step']:.2f}",
            f"{found['steps']:,}",
            f"{found['memory_gb']:.1f}",
            f"{found['hours_one_gpu']:.1f}",
            f"{found['hours_eight_gpus']:.1f}" if "hours_eight_gpus" in found else "",
        )
        for name, parts in report["recipes"].items()
        for what, found in parts.items()
    ]
    head = "calculated | parameters | TFLOP a step | steps | GB of memory | hours on 1 GPU | hours on 8 GPUs"
    return (
        f"{table(head, rows)}\n\nFLOPs are counted from the shapes of a forward and a backward pass of sequences "
        "of 49 code steps and 40 word pieces; "
        "memory is weights, gradients and AdamW's moments in fp32 and what the backward pass needs in bf16, without fused "
        f"attention. Hours assume {given['peak_flops'] / 1e12:.0f} TFLOP/s of bf16, of which one GPU reaches "
        f"{percent(given['share'])} and each of eight, with an eighth of the batch, {percent(given['share_of_eight'])}, "
        f"{1000 * given['other_seconds']:.0f} ms a step for what is no product, and {given['link_bytes'] / 1e9:.0f} GB/s "
        "between GPUs. The hours of codecs are of one GPU."
    )


def unknown(report: dict) -> str:
    """What unknown texts of several lengths tell, in nats a place."""
    models = {name: row for name, row in report.items() if isinstance(row, dict)}
    rows = [
        (
            name,
            *(f"{row[masks][what]:.4f}" for masks in ("cosine", "all masked") for what in ("span", "divergence")),
            f"{min(row['cosine']['loss'].values()):.2f}",
        )
        for name, row in models.items()
    ]
    head = "model | masks of the cosine: span | divergence | all masked: span | divergence | loss"
    return (
        f"{table(head, rows)}\n\nNats a place, over {report['places']:,} places of {report['clips']} validation clips beside "
        "unknown texts of 4, 8, 16 and 30 word pieces: the span of the cross-entropies, and the largest divergence of two "
        f"predictions. The small models learnt for {report['steps']:,} steps each."
    )


def kill(report: dict) -> str:
    """What kills of a training and of a batch left."""
    training, batch = report["training"], report["batch"]
    states, listed = training["states_after_kills"], batch["index_after_kills"]
    rows = [
        (
            f"training, {training['steps']:,} steps",
            training["kills"],
            f"step {states[0]:,} to step {states[-1]:,}" if states else "none yet",
            f"{training['most_seconds_lost']:.2f} s (saved every {training['save_seconds']:.1f} s)",
        ),
        (
            f"batch, {batch['prompts']:,} prompts",
            batch["kills"],
            f"{listed[0]:,} to {listed[-1]:,} motions in the index",
            f"{batch['most_motions_made_again']} motions",
        ),
    ]
    return table("killed | kills | what was kept, from the first kill to the last | lost by one kill at most", rows)


def training(report: dict) -> str:
    """What a step of the objective reaches of the machine."""
    machine, rate = report["machine"], report["gflop_per_s"]
    rows = [
        ("sequences a second", f"{report['sequences_per_s']:.1f}"),
        (
            "a step, s: median, least and most",
            ", ".join(f"{report['step_s'][k]:.2f}" for k in ("median", "least", "most")),
        ),
        ("GFLOP a step, counted", f"{report['gflop_a_step']:.0f}"),
        ("GFLOP/s of steps", f"{rate['steps']:.0f}"),
        ("GFLOP/s of square matrix products", f"{rate['square_products']:.0f}"),
        ("the share that steps reach", percent(report["share_of_square_products"])),
        ("GFLOP/s of the products of a feed-forward layer", f"{rate['products_of_a_layer']:.0f}"),
        ("the share that steps reach of these", percent(report["share_of_products_of_a_layer"])),
    ]
    about = f"{report['parameters'] / 1e6:.0f} M parameters, {report['sequences_a_step']} sequences a step"
    place = (
        f"{machine['threads']} threads of {machine['cores']} cores ({machine['processor']}, torch {machine['torch']})"
    )
    return (
        f"{table('training | measured', rows)}\n\n`recipes/{report['recipe']}`, {about}, {report['steps']} steps in "
        f"{report['format']}, {place}."
    )


def serve(report: dict) -> str:
    rows = [
        (
            trial["clients"],
            trial["motions_per_second"],
            trial["jobs_per_batch"],
            trial["p50_s"],
            trial["p95_s"],
            ", ".join(f"{status}: {count}" for status, count in sorted(trial["answers"].items())),
            f"{trial['memory_mb'][-1]} MB, {100 * trial['memory_growth']:+.0f} %",
        )
        for trial in report["trials"]
    ]
    head = "clients | motions of 2 s a second | jobs a batch | p50, s | p95, s | answers | memory, growth in the second half"
    seconds = report["trials"][-1]["seconds"]
    told = f"From start to first answer {report['start_to_first_answer_s']} s. A crowd, {seconds:.0f} s each:"
    parts = [told, table(head, rows)]
    most, least = report["trials"][-1]["clients"], report["trials"][0]["clients"]
    parts.append(f"{most} clients get {report['batching_gain']:.1f} times the motions a second of {least}, by batches.")
    if page := report["page"]:
        seen = [
            (
                f"{name}, {window['pixels'][0]} × {window['pixels'][1]}",
                f"{window['first_picture_s']['median']:.2f} s, {window['first_picture_s']['worst']:.2f} s",
                f"{window['frames_per_s']:.0f}",
                percent(window["sharpness"]),
            )
            for name, window in page["windows"].items()
        ]
        told = f"The page in Chromium {page['chromium']}, drawn by {page['card']}, the server beside it on the same machine:"
        parts += [told, table("window | first picture, median and worst | frames a second | pixels each way", seen)]
    return "\n\n".join(parts)


def rigs(report: dict) -> str:
    def both(values: list[float]) -> str:
        return " / ".join(f"{100 * v:.1f}" for v in values)

    rows = [
        (
            f"{r['rig']}, {r['licence']}",
            f"{r['joints']}, {r['naming']}",
            f"{r['leg_m']:.2f}",
            both(r["wrist"]),
            both(r["step"]),
            both(r["skate"]),
            f"{r['again_mm']:.4f}",
            both(r["vrma"]),
            f"{r['usd_mm']:.4f}",
        )
        for r in report["rows"]
    ]
    head = "character | joints, names | legs, m | wrist, % of reach | step, % of leg | skate, cm/s | read again, mm"
    head += " | as VRMA: wrist, step, % | as USD, mm"
    return table(head, rows)
