"""Figures of searches as tables for people."""

from __future__ import annotations

import statistics

from near_duplicate_measure import Figures

_SPENT = ("seconds", "cpu_seconds", "other_cpu_seconds", "peak_mib")
_COMPARED = ("ours", "ours-command", "plain-bf16", "faiss-flat")
_FOUND = ("recall", "planted_recall", "precision")


def as_markdown(result: Figures) -> str:
    """The figures of one set of embeddings: medians where a way ran several times."""
    by_way: dict[str, list[Figures]] = {}
    for row in result["rows"]:
        by_way.setdefault(row["way"], []).append(row)
    about, checked = result["about"], result["check"]
    lines = [f"\n{result['set']}, floor {result['floor']}: {about}; sampled rows: {checked}\n"]
    lines.append("| way | runs | s | CPU s | other CPU s | MiB | recall | planted | precision |")
    lines.append("|---|" + "--:|" * 8)
    lines += [_line(way, rows) for way, rows in by_way.items()]
    return "\n".join([*lines, "", *_ratios(by_way, about["mib"])]) + "\n"


def _done(rows: list[Figures]) -> list[Figures]:
    return [row for row in rows if "failed" not in row]


def _line(way: str, rows: list[Figures]) -> str:
    done = _done(rows)
    if not done:
        return f"| {way} | {rows[0]['failed'][-200:]} |"
    spent = [f"{statistics.median(row[name] for row in done):.1f}" for name in _SPENT]
    last = done[-1]
    found = [str(last.get(name, "")) for name in _FOUND]
    if "interval_holds_truth" in last:
        low, _, high = last["notes"]["says_recall"]
        holds = "holds" if last["interval_holds_truth"] else "MISSES"
        found[0] += f" (says {low:.4f}-{high:.4f}: {holds} it)"
    return f"| {way} | {len(done)} | {' | '.join([*spent, *found])} |"


def _ratios(by_way: dict[str, list[Figures]], embeddings_mib: float) -> list[str]:
    """Ways beside the matrix rate alone, FAISS's flat search and the size of the embeddings."""
    runs = {way: _done(rows) for way, rows in by_way.items() if _done(rows)}
    seconds = {way: statistics.median(row["seconds"] for row in runs[way]) for way in runs}
    rates = [row["notes"] for way in runs if way.startswith("matrix") for row in runs[way]]
    if not rates:
        return []
    lines = []
    for kind in ("bfloat16", "float32"):
        alone = statistics.median(rate[f"{kind}_triangle_s"] for rate in rates)
        gflops = statistics.median(rate[f"{kind}_gflops"] for rate in rates)
        lines.append(f"{kind}: {gflops:.0f} GFLOP/s; all pairs at that rate alone: {alone:.1f} s")
    alone = statistics.median(rate["bfloat16_triangle_s"] for rate in rates)
    for way in (way for way in runs if way.partition(":")[0] in _COMPARED):
        flat = seconds.get("faiss-flat")
        beside = f", FAISS flat takes {flat / seconds[way]:.1f} times as long" if flat else ""
        more = max(row["peak_mib"] for row in runs[way]) - embeddings_mib
        lines.append(
            f"{way}: {seconds[way] / alone:.2f} times the bfloat16 rate alone{beside}; "
            f"{more:.0f} MiB beyond the embeddings"
        )
    return lines
