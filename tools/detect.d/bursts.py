"""A detector of TLS inside TLS: how far four consecutive bursts lie from those of a tunnelled handshake.

A burst is what goes one way until something goes the other. A window is four of them, the client's first: eight numbers, the
logarithms of each one's bytes and records. For each tunnel it was trained on the detector has the mean and covariance
of the windows in which handshakes were; the score of a flow is the least Mahalanobis distance of any of its windows to any
of these means, and a flow is flagged whose score is below a threshold.
"""
import math

SIZE = 8
RIDGE = 0.02  # added to each variance: some tunnels hardly vary
HEADER = 5
FINISHED = 1  # the client's first application record belongs to the outer handshake


def bursts_of(records):
    """[direction, bytes, records] of application records behind the outer handshake."""
    found, seen = [], 0
    for _, direction, kind, length in records:
        if kind != 23:
            continue
        if direction == 0 and seen < FINISHED:
            seen += 1
            continue
        if seen < FINISHED:
            continue
        if found and found[-1][0] == direction:
            found[-1][1] += length + HEADER
            found[-1][2] += 1
        else:
            found.append([direction, length + HEADER, 1])
    return found


def windows_of(bursts):
    return [[math.log(b[1]) for b in bursts[i:i + 4]] + [math.log(b[2]) for b in bursts[i:i + 4]]
            for i in range(len(bursts) - 3) if bursts[i][0] == 0]


def inverse(matrix):
    """By Gauss and Jordan, the largest pivot first."""
    n = len(matrix)
    a = [row[:] + [float(i == j) for j in range(n)] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(a[k][i]))
        if abs(a[pivot][i]) < 1e-12:
            raise ValueError("the covariance is singular")
        a[i], a[pivot] = a[pivot], a[i]
        a[i] = [v / a[i][i] for v in a[i]]
        for k in range(n):
            if k != i and a[k][i]:
                a[k] = [v - a[k][i] * w for v, w in zip(a[k], a[i])]
    return [row[n:] for row in a]


class Model:
    """Mean and inverse covariance of windows."""

    def __init__(self, windows):
        n = len(windows)
        if n <= SIZE:
            raise ValueError(f"{n} windows are too few")
        self.mean = [sum(w[i] for w in windows) / n for i in range(SIZE)]
        centred = [[w[i] - self.mean[i] for i in range(SIZE)] for w in windows]
        self.inverse = inverse([[sum(c[i] * c[j] for c in centred) / (n - 1) + RIDGE * (i == j) for j in range(SIZE)]
                                for i in range(SIZE)])

    def distance(self, window):
        d = [w - m for w, m in zip(window, self.mean)]
        return math.sqrt(sum(d[i] * sum(r * v for r, v in zip(self.inverse[i], d)) for i in range(SIZE)))


def score(models, windows):
    return min((m.distance(w) for w in windows for m in models), default=math.inf)


def handshake_of(connections, least):
    """The four bursts that begin with the first client's burst of a hello's size; None: there are none."""
    for b in connections:
        for i in range(len(b) - 3):
            if b[i][0] == 0 and b[i][1] >= least:
                return b[i:i + 4]
    return None


def threshold_of(models, negatives, margin=0.9):
    """Below every browser's flow of the training half, with room for those not seen yet."""
    return margin * min(score(models, w) for w in negatives if w)
