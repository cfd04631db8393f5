"""TreeSHAP as published, in float64: Lundberg et al. 2020 (10.1038/s42256-019-0138-9), algorithm 2, from XGBoost's JSON.

Shares nothing with exodx: another reader (JSON), another algorithm (one walk a row, with unwinding), plain Python floats.
Sums are exact (``math.fsum``), so what is left of an error belongs to the compiled forest.
"""

import json
from math import fsum, log

import numpy as np


def reference(booster, rows):
    """Return SHAP values (n, k), base value and margins (n,) of a single-output gbtree booster."""
    learner = json.loads(booster.save_raw("json"))["learner"]
    trees = [np_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
    score = float(np.float32(learner["learner_model_param"]["base_score"].strip("[]")))
    offset = log(score / (1 - score)) if learner["objective"]["name"] == "binary:logistic" else score
    k = booster.num_features()
    shap, margins = np.zeros((len(rows), k)), np.zeros(len(rows))
    for i, row in enumerate(np.asarray(rows).astype(np.float32)):
        terms = [[] for _ in range(k)]
        for tree in trees:
            walk(tree, row, 0, [], 1.0, 1.0, -1, terms)
        shap[i] = [fsum(t) for t in terms]
        margins[i] = fsum([offset, *(tree["split_conditions"][leaf_of(tree, row)] for tree in trees)])
    return shap, fsum([offset, *(expectation(tree, 0) for tree in trees)]), margins


def np_tree(tree):
    tree["split_conditions"] = [float(np.float32(v)) for v in tree["split_conditions"]]
    tree["sum_hessian"] = [float(np.float32(v)) for v in tree["sum_hessian"]]
    return tree


def goes_left(tree, node, row):
    x = row[tree["split_indices"][node]]
    return bool(tree["default_left"][node]) if np.isnan(x) else bool(x < np.float32(tree["split_conditions"][node]))


def leaf_of(tree, row):
    node = 0
    while tree["left_children"][node] != -1:
        node = tree["left_children" if goes_left(tree, node, row) else "right_children"][node]
    return node


def expectation(tree, node):
    left, right = tree["left_children"][node], tree["right_children"][node]
    if left == -1:
        return tree["split_conditions"][node]
    cover = tree["sum_hessian"]
    return (cover[left] * expectation(tree, left) + cover[right] * expectation(tree, right)) / cover[node]


def walk(tree, row, node, path, zero, one, feature, terms):
    """RECURSE of the paper; a path holds [feature, zero fraction, one fraction, weight]."""
    path = extended(path, zero, one, feature)
    left, right = tree["left_children"][node], tree["right_children"][node]
    if left == -1:
        for i in range(1, len(path)):
            share = fsum(entry[3] for entry in unwound(path, i)) * (path[i][2] - path[i][1])
            terms[path[i][0]].append(share * tree["split_conditions"][node])
        return
    split, cover = tree["split_indices"][node], tree["sum_hessian"]
    hot, cold = (left, right) if goes_left(tree, node, row) else (right, left)
    zero, one = 1.0, 1.0
    seen = [i for i, entry in enumerate(path) if entry[0] == split and i > 0]
    if seen:
        zero, one = path[seen[0]][1], path[seen[0]][2]
        path = unwound(path, seen[0])
    walk(tree, row, hot, path, zero * cover[hot] / cover[node], one, split, terms)
    walk(tree, row, cold, path, zero * cover[cold] / cover[node], 0.0, split, terms)


def extended(path, zero, one, feature):
    path = [list(entry) for entry in path]
    size = len(path)
    path.append([feature, zero, one, 1.0 if size == 0 else 0.0])
    for i in range(size - 1, -1, -1):
        path[i + 1][3] += one * path[i][3] * (i + 1) / (size + 1)
        path[i][3] = zero * path[i][3] * (size - i) / (size + 1)
    return path


def unwound(path, at):
    path = [list(entry) for entry in path]
    last = len(path) - 1
    zero, one, n = path[at][1], path[at][2], path[last][3]
    for j in range(last - 1, -1, -1):
        if one:
            kept = path[j][3]
            path[j][3] = n * (last + 1) / ((j + 1) * one)
            n = kept - path[j][3] * zero * (last - j) / (last + 1)
        else:
            path[j][3] = path[j][3] * (last + 1) / (zero * (last - j))
    for j in range(at, last):
        path[j][:3] = path[j + 1][:3]
    return path[:last]
