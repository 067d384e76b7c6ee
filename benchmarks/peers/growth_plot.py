"""Draw time and memory against quotes, trades and symbols; argv: the points as JSON, the file."""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "surefill"

from matplotlib import pyplot  # noqa: E402


def main():
    points, path = json.loads(sys.argv[1]), sys.argv[2]
    axes = list(dict.fromkeys(point[0] for point in points))
    figure, grid = pyplot.subplots(2, len(axes), figsize=(4 * len(axes), 6), squeeze=False)
    for n, axis in enumerate(axes):
        own = [point for point in points if point[0] == axis]
        sizes = [point[1] for point in own]
        for row, title in ((0, "processor time, s"), (1, "memory, MB")):
            values = [point[2 + row] for point in own]
            ax = grid[row][n]
            ax.loglog(sizes, values, "o-", color="#1f5fa8")
            if row == 0:
                straight = [values[-1] * size / sizes[-1] for size in sizes]
                ax.loglog(sizes, straight, ":", color="#888888", label="straight line")
                ax.legend(frameon=False)
            ax.set_xlabel(axis)
            ax.set_ylabel(title)
            ax.grid(True, which="major", color="#dddddd")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    print(json.dumps({"version": f"matplotlib {matplotlib.__version__}"}))


if __name__ == "__main__":
    main()
