"""Which nodes of a glTF document are the joints of a body: those of its skins, or what an animation moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dimo.formats.gltf_file import Damaged, Document
from dimo.formats.gltf_nodes import Nodes


@dataclass(frozen=True)
class Body:
    """Joints as node indices, depth first, with their parents among them; the skins that bind them; how many others there are."""

    joints: list[int]
    parents: list[int]
    skins: tuple[int, ...]
    others: int = 0


def find_bodies(document: Document, nodes: Nodes, moved: set[int]) -> list[Body]:
    """Bodies that an animation of the nodes `moved` may be of: the skinned ones, the most moved first, then what moves."""
    groups = _skinned(document, nodes)
    ranked = sorted(groups, key=lambda g: (-len(g[0] & moved), -len(g[0])))
    moving = [g for g in ranked if g[0] & moved]
    bodies = [_body(nodes, joints, skins, max(len(moving) - 1, 0)) for joints, skins in ranked]
    if free := _animated(nodes, moved):
        bodies.append(_body(nodes, free, ()))
    return bodies


def _skinned(document: Document, nodes: Nodes) -> list[tuple[set[int], tuple[int, ...]]]:
    """Joints of skins that hang together (clothes, hair and the body have one each), with the skins."""
    groups: list[tuple[set[int], tuple[int, ...]]] = []
    for index, skin in enumerate(document.list("skins")):
        joints = skin.get("joints")
        if not isinstance(joints, list) or not joints:
            raise Damaged(f"skin {index} has no joints")
        for n in joints:
            document.item("nodes", n)
        own, skins = set(joints), (index,)
        for group in list(groups):
            if _together(nodes, own, group[0]):
                own, skins = own | group[0], (*group[1], *skins)
                groups.remove(group)
        groups.append((own, skins))
    return groups


def _together(nodes: Nodes, a: set[int], b: set[int]) -> bool:
    """Whether two sets of joints share one, or one hangs below a joint of the other."""
    return any(k in y for x, y in ((a, b), (b, a)) for n in x for k in nodes.above(n))


def _animated(nodes: Nodes, moved: set[int]) -> set[int]:
    """The nodes that an animation moves, those between and below them; of the tree of which it moves most."""
    trees: dict[int, set[int]] = {}
    for n in moved:
        trees.setdefault(list(nodes.above(n))[-1], set()).add(n)
    if not trees:
        return set()
    own = max(trees.values(), key=len)
    if len(own) < 2:
        return set()
    todo = [_top(nodes, own)]
    carries = {k for n in own for k in nodes.above(n)}
    joints = set()
    while todo:
        n = todo.pop()
        if n in carries or n not in nodes.drawn:  # what is drawn and does not move is no joint
            joints.add(n)
            todo += nodes.children[n]
    top = _top(nodes, own)
    while top not in own and len([c for c in nodes.children[top] if c in joints]) == 1:
        joints.discard(top)
        top = next(c for c in nodes.children[top] if c in joints)
    return joints


def _top(nodes: Nodes, joints: set[int]) -> int:
    """The lowest node above all joints, or itself one; -1 where they have none in common."""
    shared: list[int] | None = None
    for n in joints:
        way = dict.fromkeys(nodes.above(n))
        shared = [k for k in (way if shared is None else shared) if k in way]
    return shared[0] if shared else -1


def _body(nodes: Nodes, joints: set[int], skins: Sequence[int], others: int = 0) -> Body:
    """Joints in order. Several roots get the node above them all; where there is none, the largest tree counts."""
    roots = [n for n in joints if not any(k in joints for k in list(nodes.above(n))[1:])]
    if len(roots) > 1:
        top = _top(nodes, joints)
        if top >= 0:
            joints, roots = joints | {top}, [top]
        else:
            trees = [{n for n in joints if r in nodes.above(n)} for r in roots]
            joints = max(trees, key=len)
            roots = [r for r in roots if r in joints]
    order: list[int] = []
    parents: list[int] = []
    todo: list[tuple[int, int]] = [(roots[0], -1)]
    while todo:
        n, above = todo.pop()
        if n in joints:
            order.append(n)
            parents.append(above)
            above = len(order) - 1
        todo += [(c, above) for c in reversed(nodes.children[n])]
    return Body(order, parents, tuple(skins), others)
