"""Makes sampling.jsonl.gz: rows of logits and the tokens that transformers' warpers
leave of them, in float64, after the repetition penalty in float32. usage: sampling.py ROWS VOCABULARY SEED > sampling.jsonl

Run with transformers 5.24.0 and torch 2.15.0: sampling.py 240 40 1 | gzip -9n
A line: settings, tokens of the text, logits, the ids whose probability is above 0 and these probabilities.
Left out are rows where rounding decides: a sum within 1e-9 of 1 - top_p, or a
probability near the smallest number.
"""

import json
import sys

import numpy as np
import torch
from transformers.generation import logits_process as lp

rows, vocabulary, seed = map(int, sys.argv[1:])
r = np.random.default_rng(seed)
while rows > 0:
    logits = r.normal(0, r.choice([0.1, 1, 4, 30]), vocabulary).astype(np.float32)
    if r.random() < 0.5:  # many equals
        logits = (np.round(logits * 2) / 2).astype(np.float32)
    temperature = float(r.choice([1e-3, 0.3, 0.7, 1, 1.5, 20]))
    top_k = int(r.choice([0, 1, 2, 5, vocabulary // 2, vocabulary, 2 * vocabulary]))
    top_p = float(r.choice([1, 1, 0.999, 0.95, 0.9, 0.5, 0.1, 1e-6, r.random() * 0.99 + 0.01]))
    min_p = float(r.choice([0, 0, 0.01, 0.1, 0.5, 1, r.random()]))
    tokens = r.integers(0, vocabulary, r.integers(0, 30)).tolist()
    penalty = float(r.choice([1, 1, 1.05, 1.3, 2, 0.7]))
    scores = torch.tensor(logits)[None]
    if penalty != 1 and tokens:
        scores = lp.RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([tokens]), scores)
    scores = scores.double()
    scores = lp.TemperatureLogitsWarper(temperature)(None, scores)
    if top_k:
        scores = lp.TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        sums = scores.softmax(-1).sort().values.cumsum(-1)
        if (sums - (1 - top_p)).abs().min() < 1e-9:
            continue
        scores = lp.TopPLogitsWarper(top_p)(None, scores)
    if min_p:
        scores = lp.MinPLogitsWarper(min_p)(None, scores)
    p = scores.softmax(-1)[0]
    if ((p > 0) & (p < 1e-280)).any():
        continue
    rows -= 1
    ids = torch.nonzero(p > 0)[:, 0]
    print(json.dumps({
        "sampling": {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "repetition_penalty": penalty},
        "tokens": tokens,
        "logits": [float(x) for x in logits], "ids": ids.tolist(), "p": p[ids].tolist(),
    }))
