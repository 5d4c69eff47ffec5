"""Makes what a tracker must give on given detections: SORT's Kalman filter (Bewley et al., 2016) as one filter of seven
numbers with whole matrices, stepped from update to update, the best assignment by trying all of them, and the one-euro
filter of Casiez et al., 2012, as their algorithm 1 has it.

No assignment is a near thing, so that any order of operations comes to the same tracks: overlaps stay away from the
threshold, and the best assignment is better than the second best. Times are whole 1/1024 of a second, which fp32 holds.
"""
import functools
import os

import numpy as np

import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))
MARGIN = 1e-4
# In the order of gvk_tracker_params.
PARAMS = ("item", "min_hits", "max_tracks", "give_tentative", "iou", "max_age", "measurement_noise", "process_noise",
          "start_velocity", "min_cutoff", "beta", "derivative_cutoff")
DEFAULTS = dict(zip(PARAMS, (0, 3, 1024, 0, 0.3, 2, 0.05, 0.5, 2, 1, 1, 1)))


def measure(box):
    """x, y, area, ratio of a box x1, y1, x2, y2."""
    width, height = box[2] - box[0], box[3] - box[1]
    return np.array([box[0] + width / 2, box[1] + height / 2, width * height, width / height])


def corners(measured):
    width = np.sqrt(measured[2] * measured[3])
    size = np.array([width, measured[2] / width])
    return np.concatenate([measured[:2] - size / 2, measured[:2] + size / 2])


def overlap(a, b):
    size = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (size <= 0).any():
        return 0.0
    return size.prod() / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - size.prod())


class Kalman:
    """The state is x, y, area, ratio and the velocities of the first three."""
    H = np.eye(4, 7)

    def __init__(self, params, measured):
        self.params = params
        self.x = np.concatenate([measured, np.zeros(3)])
        self.anchor = measured.copy()  # as of the last detection, which the noise is in units of
        start = params["start_velocity"] * np.array([np.sqrt(measured[2]), np.sqrt(measured[2]), measured[2] / 2])
        self.P = np.zeros((7, 7))
        self.P[:4, :4] = self.R(measured)
        self.P[4:, 4:] = np.diag(start ** 2)

    def R(self, measured):
        e, side = self.params["measurement_noise"], np.sqrt(measured[2])
        return np.diag([e * side, e * side, 2 * e * measured[2], 2 * e * measured[3]]) ** 2

    @staticmethod
    def F(dt):
        F = np.eye(7)
        F[0, 4] = F[1, 5] = F[2, 6] = dt
        return F

    def Q(self, dt):
        """The integral of F(t) G F(t)' over the step, where G is the density of white noise: of acceleration in x, y and
        area, of velocity in the ratio. Integrated by Gauss's rule of three points, which is exact here."""
        a, side = self.params["process_noise"], np.sqrt(self.anchor[2])
        G = np.diag([0, 0, 0, a / 2 * self.anchor[3], a * side, a * side, a / 2 * self.anchor[2]]) ** 2
        points, weights = np.polynomial.legendre.leggauss(3)
        return sum(weight * dt / 2 * self.F(dt / 2 * (point + 1)) @ G @ self.F(dt / 2 * (point + 1)).T
                   for point, weight in zip(points, weights))

    def predict(self, dt):
        F = self.F(dt)
        self.x = F @ self.x
        self.P = F @ self.P @ F.T + self.Q(dt)

    def bounded(self, x):
        """A box keeps between a quarter of its area when it was last detected and four times that."""
        x = x.copy()
        area = np.clip(x[2], self.anchor[2] / 4, self.anchor[2] * 4)
        if area != x[2]:
            x[2], x[6] = area, 0
        return x

    def update(self, measured):
        expected = self.bounded(self.x)[:4]
        S = self.H @ self.P @ self.H.T + self.R(expected)
        K = self.P @ self.H.T @ np.linalg.inv(S)
        self.x = np.concatenate([expected, self.x[4:]]) + K @ (measured - expected)
        self.P = (np.eye(7) - K @ self.H) @ self.P
        self.anchor = self.x[:4].copy()

    def at(self, dt):
        """Box and velocity of its corners, by the derivative of the corners along the motion."""
        x = self.bounded(self.F(dt) @ self.x)
        speed = np.concatenate([x[4:], [0]])[[0, 1, 2, 3]]
        step = 1e-6
        velocity = (corners(x[:4] + step * speed) - corners(x[:4] - step * speed)) / (2 * step)
        return corners(x[:4]), velocity, np.sqrt(x[2])


class LowPass:
    def __init__(self):
        self.last = None

    def filter(self, value, alpha):
        self.last = value if self.last is None else alpha * value + (1 - alpha) * self.last
        return self.last


class OneEuro:
    """Algorithm 1 of the paper; the unit is what speeds are measured in."""

    def __init__(self, params):
        self.params, self.xfilt, self.dxfilt, self.time = params, LowPass(), LowPass(), None

    @staticmethod
    def alpha(rate, cutoff):
        tau, te = 1.0 / (2 * np.pi * cutoff), 1.0 / rate
        return 1.0 / (1.0 + tau / te)

    def filter(self, x, time, unit):
        if self.time is None:
            self.time = time
            self.dxfilt.filter(0.0, 1.0)
            return self.xfilt.filter(x, 1.0)
        if time < self.time:
            return x
        if time == self.time:
            return self.xfilt.last
        rate = 1.0 / (time - self.time)
        self.time = time
        dx = (x - self.xfilt.last) * rate
        edx = self.dxfilt.filter(dx, self.alpha(rate, self.params["derivative_cutoff"]))
        cutoff = self.params["min_cutoff"] + self.params["beta"] * abs(edx) / unit
        return self.xfilt.filter(x, self.alpha(rate, cutoff))


class Track:
    def __init__(self, params, number, detection):
        self.id, self.score, self.label = number, detection[4], detection[5]
        self.kalman = Kalman(params, measure(detection[:4]))
        self.filters = [OneEuro(params) for _ in range(4)]
        self.age = self.hits = 1
        self.missed = 0
        self.unseen = 0.0
        self.confirmed = params["min_hits"] == 1


def best_assignment(overlaps):
    """All assignments of rows to columns (or to none), the best one as a list of columns; it leads the second."""
    rows, columns = overlaps.shape

    @functools.lru_cache(None)
    def best_two(row, used):
        if row == rows:
            return ((0.0, ()),)
        found = [(total, (None,) + rest) for total, rest in best_two(row + 1, used)]
        for column in range(columns):
            if overlaps[row, column] > 0 and not used >> column & 1:
                found += [(total + overlaps[row, column], (column,) + rest)
                          for total, rest in best_two(row + 1, used | 1 << column)]
        return tuple(sorted(found, key=lambda entry: -entry[0])[:2])

    results = best_two(0, 0)
    assert len(results) == 1 or results[0][0] - results[1][0] > MARGIN
    return results[0][1]


class Tracker:
    def __init__(self, params):
        self.params = {**DEFAULTS, **{key: float(np.float32(value)) for key, value in params.items()}}
        self.tracks, self.newest, self.time = [], 0, None

    def update(self, detections, time):
        params = self.params
        mine = [d for d in detections if d[6] == params["item"]]
        mine = [d for d in mine if d[2] - d[0] >= 1e-6 and d[3] - d[1] >= 1e-6][:int(params["max_tracks"])]
        step = 0 if self.time is None else time - self.time
        self.time = time
        for track in self.tracks:
            track.kalman.predict(step)
            track.unseen += step
            track.age += 1
        self.tracks = [track for track in self.tracks if track.unseen <= params["max_age"]]
        taken = set()
        for label in sorted({track.label for track in self.tracks}):
            tracks = [track for track in self.tracks if track.label == label]
            columns = [i for i, d in enumerate(mine) if d[5] == label]
            overlaps = np.array([[overlap(track.kalman.at(0)[0], mine[i][:4]) for i in columns] for track in tracks])
            overlaps = overlaps.reshape(len(tracks), len(columns))
            assert (np.abs(overlaps - params["iou"]) > MARGIN).all()
            overlaps[overlaps < params["iou"]] = 0
            for track, column in zip(tracks, best_assignment(overlaps)):
                if column is None:
                    track.missed += 1
                    continue
                detection = mine[columns[column]]
                taken.add(columns[column])
                track.kalman.update(measure(detection[:4]))
                track.score, track.missed, track.unseen = detection[4], 0, 0.0
                track.hits += 1
                track.confirmed |= track.hits >= params["min_hits"]
        self.tracks = [track for track in self.tracks if track.confirmed or not track.missed]
        for i, detection in enumerate(mine):
            if i not in taken and len(self.tracks) < params["max_tracks"]:
                self.newest += 1
                self.tracks.append(Track(params, self.newest, detection))
        return self.rows(time, False)

    def rows(self, time, smooths):
        rows = []
        for track in self.tracks:
            unseen = track.unseen + time - self.time
            if unseen > self.params["max_age"] or not (track.confirmed or self.params["give_tentative"]):
                continue
            box, velocity, side = track.kalman.at(max(time - self.time, -self.params["max_age"] - track.unseen))
            if smooths and self.params["min_cutoff"] >= 0:
                given = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]]
                x, y, width, height = [filter.filter(value, time, side) for filter, value in zip(track.filters, given)]
                box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
            rows.append([track.id, *box, *velocity, track.score, track.label, track.age, track.missed, max(unseen, 0),
                         track.confirmed])
        return rows


class Object:
    """Moves straight, bounces off nothing; the sides grow by a factor a second."""

    def __init__(self, label, x, y, width, height, vx=0.0, vy=0.0, growth=0.0, hidden=()):
        self.label, self.hidden = label, hidden
        self.start, self.speed, self.growth = (x, y, width, height), (vx, vy), growth

    def box(self, time):
        x, y, width, height = self.start
        scale = np.exp(self.growth * time)
        centre = np.array([x, y]) + time * np.array(self.speed)
        size = scale * np.array([width, height])
        return np.concatenate([centre - size / 2, centre + size / 2])


def detect(objects, time, random, jitter, miss):
    """Detections of the objects at a time, best first."""
    rows = []
    for one in objects:
        if any(begin <= time < end for begin, end in one.hidden) or random.uniform() < miss:
            continue
        box = one.box(time)
        side = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
        rows.append([*(box + jitter * side * random.standard_normal(4)), random.uniform(0.5, 1), one.label, 0, 0])
    rows.sort(key=lambda row: -row[4])
    return [np.array(row, np.float32).astype(np.float64) for row in rows]


def tick(seconds):
    return round(seconds * 1024) / 1024


def play(times, late, host_rate, detections_at):
    """Updates and predictions in the order in which a host makes them: a picture's detections come `late` seconds after
    it was taken, and the host shows a frame at its own rate."""
    events = [(tick(time + late), 0, tick(time)) for time in times]
    events += [(tick(time), 1, tick(time)) for time in np.arange(times[0], times[-1] + late + 0.5, 1 / host_rate)]
    return [(kind, time, detections_at(time) if kind == 0 else []) for _, kind, time in sorted(events)]


def scenes():
    def scene(seed, objects, times, late=0.0, host_rate=30, jitter=0.01, miss=0.0, change=None, **params):
        random = np.random.Generator(np.random.PCG64(seed))

        def detections_at(time):
            found = detect(objects, time, random, jitter, miss)
            return change(found, random) if change else found
        return params, play(times, late, host_rate, detections_at)

    steady, uneven = np.arange(0, 3, 0.1), np.cumsum(np.random.Generator(np.random.PCG64(99)).uniform(0.04, 0.5, 20))
    crossing = [Object(1, 100, 200, 60, 90, vx=120, vy=5), Object(1, 460, 215, 66, 84, vx=-130)]
    yield "crossing", scene(1, crossing, steady, late=0.15)
    hidden = [Object(0, 80, 100, 90, 60, vx=60, hidden=((1.05, 2.0),)), Object(0, 190, 102, 100, 70, vx=-10),
              Object(2, 140, 100, 40, 80, vx=4)]
    yield "occlusion", scene(2, hidden, steady, late=0.35)
    five = [Object(i % 2, 100 + 90 * i, 80 + 50 * i, 80, 50 + 10 * i, vx=30 - 12 * i, vy=10 * i - 15) for i in range(5)]
    yield "misses at uneven times", scene(3, five, uneven, late=0.4, miss=0.2)
    many = [Object(i % 20, 60 + 37 * (i % 7), 60 + 31 * (i // 7), 70 + i, 60 + 2 * i, vx=(i * 13) % 40 - 20,
                   vy=(i * 7) % 30 - 15) for i in range(40)]
    yield "many classes", scene(4, many, steady[:12], late=0.1, host_rate=12, miss=0.1, give_tentative=1)
    growing = [Object(3, 200, 200, 40, 30, growth=0.9), Object(3, 500, 300, 200, 160, growth=-1.0, hidden=((1.4, 1.9),)),
               Object(3, 800, 300, 200, 160, growth=-2.2, hidden=((0.75, 9),)),
               Object(3, 100, 700, 40, 60, growth=2.4, hidden=((0.75, 9),))]
    yield "growing and shrinking", scene(5, growing, steady, late=0.2, jitter=0.004)
    crowd = [Object(0, 100 + 28 * i, 100 + 9 * (i % 3), 80, 100, vx=6 * (i % 2)) for i in range(7)]
    yield "a crowd", scene(6, crowd, steady, late=0.1, host_rate=15, miss=0.05, iou=0.2)
    leaving = [Object(0, 100, 100, 50, 50, vx=20, hidden=((1.0, 1.9),)), Object(0, 300, 100, 50, 50, hidden=((0.5, 0.9),)),
               Object(1, 500, 100, 50, 50, hidden=((0, 0.5), (0.6, 1.0)))]
    yield "ends by age", scene(7, leaving, steady, late=0.1, max_age=0.75, min_hits=2)

    def foreign(found, random):
        """Those of another item, boxes without area, and more than there is room for."""
        rows = []
        for row in found:
            mine, other, flat = row.copy(), row.copy(), row.copy()
            mine[6], other[6], flat[6], flat[2] = 2, 1, 2, row[0]
            rows += [mine, other, flat]
        return rows
    yield "an item of a batch", scene(8, five, uneven, change=foreign, item=2, max_tracks=4, min_hits=1)
    yield "other noise", scene(9, five, uneven, late=0.3, miss=0.1, measurement_noise=0.15, process_noise=0.3,
                               start_velocity=0.7, min_cutoff=2.5, beta=0.1, derivative_cutoff=3)
    yield "no smoothing", scene(10, crossing, steady, late=0.15, min_cutoff=-1, beta=-1, iou=0.05)
    # The host goes back in time, and asks for the same time twice.
    params, events = scene(11, crossing, steady[:15], late=0.15)
    back = []
    for event in events:
        back.append(event)
        if event[0] == 1:
            back += [event, (1, event[1] - 0.25, [])]
    yield "times that go back", (params, back)


if __name__ == "__main__":
    tensors, metadata, count = {}, {}, 0
    for name, (params, events) in scenes():
        tracker, key = Tracker(params), f"scene{count:02d}"
        rows, detections, tracks = [], [], []
        started = False
        for index, (kind, time, found) in enumerate(events):
            started |= kind == 0
            if kind == 1 and not started:
                given = []
            else:
                given = tracker.update(found, time) if kind == 0 else tracker.rows(time, True)
            rows.append([kind, time, len(detections), len(found), len(tracks), len(given)])
            detections += found
            tracks += given
        tensors[f"{key}.params"] = np.array([params.get(param, 0) for param in PARAMS], np.float32)
        tensors[f"{key}.events"] = np.array(rows, np.float32)
        tensors[f"{key}.detections"] = np.array(detections, np.float32).reshape(-1, 8)
        tensors[f"{key}.tracks"] = np.array(tracks, np.float32).reshape(-1, 15)
        metadata[f"{key}.name"] = name
        print(f"| {key} | {name} | {sum(row[0] == 0 for row in rows)} | {sum(row[0] == 1 for row in rows)} | "
              f"{len(detections)} | {tracker.newest} |")
        count += 1
    metadata["scene_count"] = str(count)
    tensor_file.write(os.path.join(HERE, "tracking.safetensors"), tensors, metadata)
