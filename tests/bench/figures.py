"""Figures: medians of runs beside what they should be; JSON lines, a table, plots."""

import json
import pathlib
import shutil
import statistics
import subprocess


class Figures:
    """Writes each measurement and each figure as a JSON line to standard output and to
    `directory`/figures.jsonl."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._file = open(self.directory / "figures.jsonl", "w", encoding="utf-8")
        self._rows = []
        self._series = {}

    def close(self):
        self._file.close()

    def _write(self, line):
        text = json.dumps({key: _short(value) for key, value in line.items()})
        print(text, flush=True)
        self._file.write(text + "\n")
        self._file.flush()

    def measured(self, scenario, run, report):
        self._write({"scenario": scenario, "run": run, **report})

    def figure(self, item, name, values, unit="", at_most=None, at_least=None):
        """The median of `values`. `item`: of "Done when", or "" for what has no goal."""
        median = statistics.median(values)
        goal = (f"<= {at_most:g}" if at_most is not None else
                f">= {at_least:g}" if at_least is not None else "")
        met = "" if not goal else "yes" if (median <= at_most if at_most is not None
                                            else median >= at_least) else "NO"
        self._write({"item": item, "figure": name, "median": median, "min": min(values),
                     "max": max(values), "runs": len(values), "unit": unit, "goal": goal,
                     "met": met})
        self._rows.append((item, name, f"{median:.4g}", f"{min(values):.4g}..{max(values):.4g}",
                           str(len(values)), unit, goal, met))
        return median

    def point(self, plot, series, x, y):
        """For a plot: cost `y` at size `x`."""
        self._series.setdefault(plot, {}).setdefault(series, []).append((x, y))

    def table(self):
        rows = [("item", "figure", "median", "range", "runs", "unit", "goal", "met"), *self._rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                         for row in rows)

    def plot(self):
        """One SVG for each plot of two points or more; only the data without gnuplot."""
        for name, series in self._series.items():
            paths = []
            for label, points in series.items():
                path = self.directory / f"{name}-{label}.dat".replace(" ", "-")
                path.write_text("".join(f"{x} {y}\n" for x, y in sorted(points)))
                if len(points) > 1:
                    paths.append((path, label))
            if not paths or shutil.which("gnuplot") is None:
                continue
            curves = ", ".join(f"'{path}' with linespoints title '{label}'"
                               for path, label in paths)
            x, y = AXES[name]
            script = (f"set terminal svg size 800,500; set output '{self.directory / name}.svg'; "
                      f"set xlabel '{x}'; set ylabel '{y}'; set key left top; set grid; "
                      f"set yrange [0:*]; plot {curves}")
            subprocess.run(["gnuplot", "-e", script], check=True)


AXES = {"listing": ("nodes", "ms"), "memory": ("nodes", "MB resident"),
        "takeover": ("nodes", "ms without a leader"), "fan-out": ("watchers", "ms, p99")}


def _short(value):
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    return value
