"""Which joint is which by the shape of a skeleton, where names say nothing: legs, arms, trunk and head of a biped.

Two branches alike hang from the pelvis and two from the chest. Along each the joints are chosen by human proportions
(thigh and shin nearly equal, upper arm a little longer than forearm, a short collar bone before and a hand after them), by
Gaussian log-likelihoods whose means and spreads are those of the rigs in body/rigs.py. Words in names help where there
are some. Left is told by names, else by where the toes point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

import numpy as np

from dimo.body.rotation import normalise
from dimo.body.skeleton import Skeleton

MOST_PAIRS = 40
"""Pairs of branches looked at, the longest first: more than a body with fingers, hair and a skirt has."""

WORDS = {
    "hip": r"thigh|up_?leg|upper_?leg",
    "knee": r"knee|shin|calf|low_?leg|lower_?leg",
    "ankle": r"ankle|foot",
    "shoulder": r"up_?arm|upper_?arm|shldr",
    "elbow": r"elbow|fore_?arm|low_?arm|lower_?arm",
    "wrist": r"wrist|hand(?!.*(index|thumb|middle|mid|ring|pinky|finger))|palm|fist",
}
"""Words that speak for a role; twists and ends never count."""

FOOT, NECK, HEAD = 0.17, 0.17, 0.25
"""Of HumanML3D's body: ankle to foot per leg, neck to head per trunk, head above the shoulders per trunk."""

HELPER = r"twist|roll|bend$|end$|nub|tip|ik"


class NoBiped(ValueError):
    """The skeleton has no shape of a biped; the message says what is missing."""


@dataclass(frozen=True)
class Pair:
    """Two branches alike below one joint: the joint, the first joints of both, and their mean reach in metres."""

    at: int
    branches: tuple[int, int]
    reach: float


def match(skeleton: Skeleton, pose: np.ndarray) -> dict[str, tuple[int, ...]]:
    """Role to joint of a biped standing in a pose (J, 3), any axis up; NoBiped says what is missing.

    What a body may lack (neck, toes, hands, collar bones, the lower spine) is left out where it is not found.
    """
    tree = _Tree(skeleton, np.asarray(pose, float))
    legs, arms = tree.limbs()
    trunk = tree.path(legs, arms.at)
    up = normalise(tree.at[arms.at] - tree.at[legs.at])
    tree.axis = (tree.at[arms.at], up)
    roles: dict[str, int] = {"pelvis": trunk[0]}
    leg, arm = (tuple(tree.chain(b) for b in pair.branches) for pair in (legs, arms))
    thighs = [tree.segment(chain, ("hip", "knee", "ankle"), -up) for chain in leg]
    uppers = [tree.segment(chain, ("shoulder", "elbow", "wrist"), None) for chain in arm]
    forward = tree.forward(leg, thighs, up)
    sides = tree.sides((leg, arm), np.cross(up, forward))
    for i, chain in enumerate(leg):
        side = sides[0][i]
        for name, at in zip(("hip", "knee", "ankle"), thighs[i], strict=True):
            roles[f"{side}_{name}"] = chain[at]
        hip, _, ankle = thighs[i]
        if toes := chain[ankle + 1 :]:
            ball = FOOT * float(tree.bone[chain[hip + 1 : ankle + 1]].sum())
            roles[f"{side}_foot"] = tree.nearest(toes, chain[ankle], ball)
    for i, chain in enumerate(arm):
        side = sides[1][i]
        for name, at in zip(("shoulder", "elbow", "wrist"), uppers[i], strict=True):
            roles[f"{side}_{name}"] = chain[at]
        if uppers[i][0] > 0:
            roles[f"{side}_collar"] = chain[uppers[i][0] - 1]
    shoulders = np.mean([tree.at[roles[f"{s}_shoulder"]] for s in ("left", "right")], axis=0)
    roles |= tree.head_and_spine(trunk, arms, up, shoulders)
    return {role: (j,) for role, j in roles.items()}


class _Tree:
    """A skeleton in a pose, with what the search asks again and again."""

    def __init__(self, skeleton: Skeleton, pose: np.ndarray):
        self.skeleton, self.at, self.children = skeleton, pose, skeleton.children
        count = len(skeleton)
        self.extent = float(np.ptp(pose, axis=0).max())
        self.bone = np.array(
            [np.linalg.norm(pose[j] - pose[p]) if p >= 0 else 0.0 for j, p in enumerate(skeleton.parents)]
        )
        self.reach, self.size = np.zeros(count), np.ones(count, int)
        self.axis = (np.zeros(3), np.zeros(3))  # a point of the spine and the way up, once the limbs are known
        for j in reversed(range(1, count)):  # the longest way down from each joint, and the joints below it
            p = skeleton.parents[j]
            self.reach[p] = max(self.reach[p], self.reach[j] + self.bone[j])
            self.size[p] += self.size[j]

    # ---- the four limbs

    def limbs(self) -> tuple[Pair, Pair]:
        """The pairs of branches that are legs and arms."""
        pairs = sorted(self._pairs(), key=lambda p: -p.reach)[:MOST_PAIRS]
        best: tuple[float, Pair, Pair] | None = None
        for legs in pairs:
            for arms in pairs:
                score = self._fit(legs, arms)
                if score is not None and (best is None or score > best[0]):
                    best = (score, legs, arms)
        if best is None:
            what = "two legs that hang from the hips" if len(pairs) < 2 else "two arms above two legs"
            raise NoBiped(f"no {what}")
        return best[1], best[2]

    def _pairs(self) -> list[Pair]:
        found = []
        for j, children in enumerate(self.children):
            for a, b in combinations(children[:30], 2):
                long, short = sorted((self.reach[a] + self.bone[a], self.reach[b] + self.bone[b]), reverse=True)
                la, lb = len(self.chain(a)), len(self.chain(b))
                if short > 0.8 * long > 0 and abs(la - lb) <= 1 and min(la, lb) >= 3:
                    found.append(Pair(j, (a, b), (long + short) / 2))
        return found

    def _fit(self, legs: Pair, arms: Pair) -> float | None:
        """How well two pairs do as legs and arms, None where they cannot be: legs lead away from the chest."""
        if legs.at == arms.at or legs.reach < 0.2 * self.extent or not self._apart(legs, arms):
            return None  # fingers branch like limbs, but are no fifth of a body
        trunk = self.at[arms.at] - self.at[legs.at]
        height = float(np.linalg.norm(trunk))
        if height < 0.15 * legs.reach or not 0.3 < arms.reach / legs.reach < 1.6:
            return None
        up = trunk / height
        ends = np.array([self.at[self.chain(b)[-1]] for b in legs.branches])
        down = float(normalise(ends.mean(0) - self.at[legs.at]) @ -up)
        if down < 0.6 or not self._mirrored(legs, up) or not self._mirrored(arms, up):
            return None
        skull = [c for c in self.children[arms.at] if c not in arms.branches and self._rise(c, arms.at, up) > 0]
        score = 1 + 0.7 * arms.reach / legs.reach + (0.3 if skull else 0.0) - 0.2 * (1 - down)
        # Hair hangs from higher up and nearer to the middle than arms do.
        score -= max(0.0, height / legs.reach - 0.55) + max(0.0, 0.3 - self._spread(arms, up))
        return legs.reach * score

    def _spread(self, pair: Pair, up: np.ndarray) -> float:
        """How far the ends of a pair stand from the line through its joint, of its reach."""
        a, b = (self.at[self.chain(c)[-1]] for c in pair.branches)
        across = (a - b) - up * ((a - b) @ up)
        return float(np.linalg.norm(across)) / 2 / pair.reach

    def _apart(self, a: Pair, b: Pair) -> bool:
        """Whether neither pair hangs on a branch of the other."""
        return not any(self._below(x.at, branch) for x, y in ((a, b), (b, a)) for branch in y.branches)

    def _below(self, j: int, top: int) -> bool:
        while j >= 0 and j != top:
            j = self.skeleton.parents[j]
        return j == top

    def _mirrored(self, pair: Pair, up: np.ndarray) -> bool:
        """Whether the branches' ends stand at like heights on different sides of the joint that they leave."""
        a, b = (self.at[self.chain(c)[-1]] - self.at[pair.at] for c in pair.branches)
        apart = np.linalg.norm((a - b) - up * ((a - b) @ up))
        return bool(abs((a - b) @ up) < 0.35 * pair.reach and apart > 0.05 * pair.reach)

    def _rise(self, j: int, base: int, up: np.ndarray) -> float:
        """How far the highest joint at or below j stands above `base`."""
        todo, best = [j], -np.inf
        while todo:
            k = todo.pop()
            best = max(best, float((self.at[k] - self.at[base]) @ up))
            todo += self.children[k]
        return best

    # ---- joints along a limb

    def chain(self, top: int) -> list[int]:
        """A joint and the longest way down from it."""
        out = [top]
        while self.children[out[-1]]:
            out.append(max(self.children[out[-1]], key=lambda c: (self.reach[c] + self.bone[c], self.size[c])))
        return out

    def segment(self, chain: list[int], roles: tuple[str, str, str], down: np.ndarray | None) -> tuple[int, int, int]:
        """Places on a chain of the limb's upper joint, middle and end; down: where a leg leads, None for an arm."""
        if len(chain) < 3:
            raise NoBiped(f"no {roles[1]} between {self.skeleton.names[chain[0]]} and its end")
        if len(chain) > 12:  # a finger's end is beyond any of them
            chain = chain[:12]
        best, choice = -np.inf, (0, 1, 2)
        words = [[self._speaks(role, self.skeleton.names[j]) for j in chain] for role in roles]
        for i, k, e in combinations(range(len(chain)), 3):
            score = self._likelihood(chain, i, k, e, down) + 4.0 * (words[0][i] + words[1][k] + words[2][e])
            if score > best:
                best, choice = score, (i, k, e)
        if not np.isfinite(best):
            raise NoBiped(f"no {roles[1]} between {self.skeleton.names[chain[0]]} and its end")
        return choice

    def _likelihood(self, chain: list[int], i: int, k: int, e: int, down: np.ndarray | None) -> float:
        upper, lower = (float(np.linalg.norm(self.at[chain[a]] - self.at[chain[b]])) for a, b in ((i, k), (k, e)))
        total = upper + lower
        if min(upper, lower) < 1e-9:
            return -np.inf
        before = float(self.bone[chain[1 : i + 1]].sum()) / total
        after = float(self.bone[chain[e + 1 :]].sum()) / total
        if down is not None:  # a leg: half and half, straight down, feet ahead of it
            along = float(normalise(self.at[chain[e]] - self.at[chain[i]]) @ down)
            score = -((log(upper / lower) / 0.2) ** 2) / 2 - (before / 0.2) ** 2 / 2 - 8 * (1 - along)
            score -= 1.0 if after == 0 else ((after - 0.25) / 0.15) ** 2 / 2
            if e + 1 < len(chain):
                onward = float(normalise(self.at[chain[e + 1]] - self.at[chain[e]]) @ down)
                score -= 4 * max(0.0, onward - 0.7) / 0.3 * min(1.0, self.bone[chain[e + 1]] / total / 0.2)
            return score
        score = -(((log(upper / lower) - 0.1) / 0.2) ** 2) / 2 - (max(0.0, before - 0.3) / 0.15) ** 2 / 2
        out = self.at[chain[i]] - self.axis[0]
        side = float(np.linalg.norm(out - self.axis[1] * (out @ self.axis[1]))) / total
        score -= (max(0.0, 0.15 - side) / 0.08) ** 2 / 2  # a shoulder stands beside the spine
        score -= 2.5 if after == 0 else ((after - 0.25) / 0.15) ** 2 / 2
        return score + (2.0 if len(self.children[chain[e]]) >= 3 else 0.0)

    @staticmethod
    def _speaks(role: str, name: str) -> bool:
        word = name.lower()
        return bool(re.search(WORDS[role], word)) and not re.search(HELPER, word)

    # ---- left and right

    def forward(self, legs: Sequence[list[int]], places: Sequence[tuple[int, int, int]], up: np.ndarray) -> np.ndarray:
        """Where the feet point; +Z, or what of it is level, where they do not say."""
        ahead = np.zeros(3)
        for chain, (_, _, ankle) in zip(legs, places, strict=True):
            ahead += self.at[chain[min(ankle + 1, len(chain) - 1)]] - self.at[chain[ankle]]
        level = ahead - up * (ahead @ up)
        if np.linalg.norm(level) < 0.02 * np.linalg.norm(self.at[legs[0][0]] - self.at[legs[0][-1]]):
            axis = np.array([0.0, 0.0, 1.0]) if abs(up[2]) < 0.7 else np.array([0.0, -1.0, 0.0])
            level = axis - up * (axis @ up)
        return normalise(level)

    def sides(self, limbs: Sequence[Sequence[list[int]]], left: np.ndarray) -> list[list[str]]:
        """For the branches of each pair "left" and "right": by most of the names that say so, else by where they stand."""
        votes = 0
        lean = []
        for a, b in limbs:
            votes += sum(side_of(self.skeleton.names[j]) for j in a) - sum(side_of(self.skeleton.names[j]) for j in b)
            lean.append(float((self.at[a[-1]] - self.at[b[-1]]) @ left))
        # Names count for all limbs at once; where a pair's names are silent it goes by its place relative to the others.
        out = []
        for (a, b), place in zip(limbs, lean, strict=True):
            own = sum(side_of(self.skeleton.names[j]) for j in a) - sum(side_of(self.skeleton.names[j]) for j in b)
            if own == 0:
                agree = sum(_sign(p) * self._vote(pair) for pair, p in zip(limbs, lean, strict=True))
                own = place if votes == 0 else place * _sign(agree or 1)
            out.append(["left", "right"] if own >= 0 else ["right", "left"])
        return out

    def _vote(self, pair: Sequence[list[int]]) -> int:
        a, b = pair
        return _sign(sum(side_of(self.skeleton.names[j]) for j in a) - sum(side_of(self.skeleton.names[j]) for j in b))

    # ---- trunk and head

    def path(self, legs: Pair, high: int) -> list[int]:
        """From the pelvis to the chest: the joint below which both the legs and the chest hang, and the way up from it."""
        low, hips = legs.at, self.at[list(legs.branches)].mean(0)
        above = [high]
        while self.skeleton.parents[above[-1]] >= 0:
            above.append(self.skeleton.parents[above[-1]])
        j = low
        while j not in above:
            j = self.skeleton.parents[j]
        way = above[: above.index(j) + 1][::-1]
        # A root on the ground is no pelvis; nor is a joint far from where the legs leave.
        if j != low and np.linalg.norm(self.at[j] - self.at[low]) > 0.35 * np.linalg.norm(self.at[high] - self.at[low]):
            way[0] = low
        elif (p := self.skeleton.parents[j]) >= 0 and self._far(p, hips) < 0.9 * self._far(j, hips):
            way = [p, *way]  # legs that hang from the spine, as a Biped's
        if len(way) < 2:
            raise NoBiped("no spine between the legs and the arms")
        return way

    def _far(self, j: int, point: np.ndarray) -> float:
        return float(np.linalg.norm(self.at[j] - point))

    def nearest(self, joints: Sequence[int], origin: int, distance: float) -> int:
        """The one of some joints whose distance from another is nearest to a given one."""
        return min(joints, key=lambda j: abs(self._far(j, self.at[origin]) - distance))

    def head_and_spine(self, trunk: list[int], arms: Pair, up: np.ndarray, shoulders: np.ndarray) -> dict[str, int]:
        """The spine, neck and head of a trunk from the pelvis to the joint that the arms leave."""
        pelvis, spine = trunk[0], trunk[1:]
        tops = [c for c in self.children[arms.at] if c not in arms.branches and self._rise(c, arms.at, up) > 0]
        if not tops:
            raise NoBiped("no head above the arms")
        chain = [max(tops, key=lambda c: (self._rise(c, arms.at, up), self.size[c]))]
        while self.children[chain[-1]]:
            chain.append(max(self.children[chain[-1]], key=lambda c: (self._rise(c, arms.at, up), self.size[c])))
        length = float((shoulders - self.at[pelvis]) @ up)
        if (shoulders - self.at[arms.at]) @ up < 0.03 * length and len(spine) > 1:
            chain, spine = [arms.at, *chain], spine[:-1]  # arms that hang from the neck, as a Biped's
        roles = {"spine3": spine[-1]}
        named = [
            k for k, j in enumerate(chain) if re.search(r"head(?!.*(end|top|nub))", self.skeleton.names[j].lower())
        ]
        busy = [k for k, j in enumerate(chain) if len(self.children[j]) >= 3 and j != arms.at]
        by_height = min(range(len(chain)), key=lambda k: abs((self.at[chain[k]] - shoulders) @ up - HEAD * length))
        head = (named or busy or [by_height])[0]
        roles["head"] = chain[head]
        if head > 0:
            roles["neck"] = self.nearest(chain[:head], chain[head], NECK * self._far(pelvis, self.at[chain[head]]))
        lower = spine[:-1]
        if lower:
            ways = np.cumsum([self._far(b, self.at[a]) for a, b in zip([pelvis, *lower], spine, strict=True)])
            share = ways[:-1] / max(float(ways[-1]), 1e-9)
            first = int(np.argmin(np.abs(share - 0.4)))
            roles["spine1"] = lower[first]
            if first + 1 < len(lower):
                roles["spine2"] = lower[first + 1 + int(np.argmin(np.abs(share[first + 1 :] - 0.8)))]
        return roles


def side_of(name: str) -> int:
    """1 for a left joint by its name, -1 for a right one, 0 where the name does not say."""
    word = re.split(r"[:|]", name)[-1]
    tokens = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]", word)
    lower = [t.lower() for t in tokens]
    left = sum(t in ("left", "lft", "l", "左") for t in lower) + ("左" in word)
    right = sum(t in ("right", "rgt", "rt", "r", "右") for t in lower) + ("右" in word)
    if not left and not right:
        left, right = word.lower().startswith("left"), word.lower().startswith("right")
    if not left and not right:
        # lThigh, LHipJoint: one letter run together with a word that begins in upper case
        found = re.match(r"([lLrR])[A-Z][a-z]", word)
        left, right = bool(found and found[1] in "lL"), bool(found and found[1] in "rR")
    return (left > right) - (right > left)


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
