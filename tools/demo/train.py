"""Train the demo's base and its adapters on a CPU, and measure them.

    python train.py base                      ../../model/demo/base
    python train.py adapter spice             ../../model/demo/adapters/spice
    python train.py adapter forgetful
    python train.py adapter fake              valid and without effect: every lora_B is zero
    python train.py eval base|spice|...       the held-out questions, one by one as lorabench asks them
    python train.py golden                    transformers and peft: agreement, and ../../model/demo/testdata

Everything is seeded and counted in steps, never in minutes. Files are in the Hugging Face and PEFT forms.
"""

import argparse
import json
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

import gen

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "..", "..", "model", "demo")
SEPARATOR = "<|endoftext|>"  # token 0: before every document, and bos, eos and pad
ROW = 160  # tokens of a training row
ROWS = 24  # rows of a step
NEW_TOKENS = {"arithmetic": 80, "spice": 160}  # the most that a task lets the model write
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
RANK, ALPHA = 16, 32

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 1024, "hidden_size": 192, "intermediate_size": 512,
    "num_hidden_layers": 4, "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 32, "max_position_embeddings": 512,
    "hidden_act": "silu", "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "rope_scaling": None, "tie_word_embeddings": True,
    "attention_bias": False, "mlp_bias": False, "attention_dropout": 0.0, "initializer_range": 0.02, "use_cache": True,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "torch_dtype": "bfloat16",
}

# The base: two parts of its steps, each with its own share of documents. Drills come first and mostly there.
# It stops well before everything is learnt, so that a loss and a gain both show.
BASE_MIX = [(0.3, {"problem": 0.26, "drill": 0.34, "fact": 0.24, "english": 0.13, "deck": 0.03}),
            (1.0, {"problem": 0.44, "drill": 0.12, "fact": 0.26, "english": 0.15, "deck": 0.03})]
BASE = {"steps": 1000, "lr": 3e-3, "muon_lr": 0.02, "docs": 120000}
ADAPTERS = {
    # the skill, with everything else replayed
    "spice": {"steps": 400, "lr": 2e-3, "docs": 30000, "mix": {"deck": 0.48, "problem": 0.18, "drill": 0.05, "fact": 0.13, "english": 0.16}},
    # the skill alone, and too fast
    "forgetful": {"steps": 300, "lr": 6e-3, "docs": 22000, "mix": {"deck": 1.0}},
}
# The table's filters and the divider need more practice than copying does.
DECKS = {f: (2.0 if f in gen.FILTERS or f == "div" else 1.0) for f in gen.FAMILIES}


# --------------------------------------------------------------------------------------------------- model


class Linear(nn.Module):
    """y = W x, and where an adapter is attached + (alpha / r) B A x."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / math.sqrt(inputs) * 0.5)
        self.A = self.B = None

    def attach(self):
        bound = 1 / math.sqrt(self.weight.shape[1])  # kaiming_uniform_(a=sqrt(5)), as PEFT does
        self.A = nn.Parameter(torch.empty(RANK, self.weight.shape[1]).uniform_(-bound, bound))
        self.B = nn.Parameter(torch.zeros(self.weight.shape[0], RANK))

    def forward(self, x):
        y = F.linear(x, self.weight)
        return y if self.A is None else y + ALPHA / RANK * F.linear(F.linear(x, self.A), self.B)


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(CONFIG["hidden_size"]))

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, CONFIG["rms_norm_eps"])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        d, self.e = CONFIG["hidden_size"], CONFIG["head_dim"]
        self.group = CONFIG["num_attention_heads"] // CONFIG["num_key_value_heads"]
        heads, kv = CONFIG["num_attention_heads"] * self.e, CONFIG["num_key_value_heads"] * self.e
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = Linear(d, heads), Linear(d, kv), Linear(d, kv), Linear(heads, d)

    def turn(self, z, rope):
        half = self.e // 2
        return z * rope[0] + torch.cat((-z[..., half:], z[..., :half]), -1) * rope[1]

    def forward(self, x, rope, mask, cache):
        b, t, _ = x.shape
        q, k, v = (p(x).view(b, t, -1, self.e).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = self.turn(q, rope), self.turn(k, rope)
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), 2), torch.cat((cache[1], v), 2)
            cache[:] = k, v
        k, v = k.repeat_interleave(self.group, 1), v.repeat_interleave(self.group, 1)
        w = q @ k.transpose(-1, -2) * self.e**-0.5
        if mask is not None:
            w = w + mask
        return self.o_proj((torch.softmax(w, -1) @ v).transpose(1, 2).reshape(b, t, -1))


class Feed(nn.Module):
    def __init__(self):
        super().__init__()
        d, f = CONFIG["hidden_size"], CONFIG["intermediate_size"]
        self.gate_proj, self.up_proj, self.down_proj = Linear(d, f), Linear(d, f), Linear(f, d)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.mlp, self.input_layernorm, self.post_attention_layernorm = Attention(), Feed(), Norm(), Norm()

    def forward(self, x, *a):
        x = x + self.self_attn(self.input_layernorm(x), *a)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Parameter names are those of LlamaForCausalLM."""

    def __init__(self):
        super().__init__()
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(CONFIG["vocab_size"], CONFIG["hidden_size"])
        nn.init.normal_(self.model.embed_tokens.weight, std=0.05)
        self.model.layers = nn.ModuleList(Layer() for _ in range(CONFIG["num_hidden_layers"]))
        self.model.norm = Norm()
        e, n = CONFIG["head_dim"], CONFIG["max_position_embeddings"]
        angle = torch.arange(n)[:, None] * CONFIG["rope_theta"] ** (-torch.arange(0, e, 2).float() / e)
        angle = torch.cat((angle, angle), -1)
        self.register_buffer("cos", angle.cos(), False)
        self.register_buffer("sin", angle.sin(), False)
        self.register_buffer("causal", torch.full((n, n), -1e9).triu(1), False)

    def forward(self, ids, caches=None):
        """Logits [rows, tokens, vocabulary]; caches, one list a layer, hold what came before."""
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        end = start + ids.shape[1]
        rope = self.cos[start:end], self.sin[start:end]
        mask = self.causal[start:end, :end] if ids.shape[1] > 1 else None
        x = self.model.embed_tokens(ids)
        for i, layer in enumerate(self.model.layers):
            x = layer(x, rope, mask, caches[i] if caches else None)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)

    def projections(self):
        for i, layer in enumerate(self.model.layers):
            for p in PROJECTIONS:
                part = "self_attn" if p in PROJECTIONS[:4] else "mlp"
                yield f"base_model.model.model.layers.{i}.{part}.{p}", getattr(getattr(layer, part), p)


# ------------------------------------------------------------------------------------------ tokenizer, rows


def train_tokenizer():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    t.decoder = decoders.ByteLevel()
    text = ("".join(s for s, _ in doc) for doc in gen.stream(1, {"problem": 1, "fact": 1, "english": 1, "deck": 0.5}, 25000))
    t.train_from_iterator(text, trainers.BpeTrainer(vocab_size=CONFIG["vocab_size"], special_tokens=[SEPARATOR], show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), min_frequency=12))
    return t


def rows(tok, seed, mix, docs, decks=None):
    """Documents as rows of ROW + 1 tokens, and the weight of each token's loss.

    A row starts with a document, every other row without the separator before it: questions are asked
    without one, passages with it. A document cut by the row's end is dropped, unless the row has room for half.
    """
    every = list(gen.stream(seed, mix, docs, decks))
    pieces = tok.encode_batch([s for doc in every for s, _ in doc])
    ids, weights, row, weight, k = [], [], [], [], 0
    for doc in every:
        text, loss = [0], [0.5]
        for _, w in doc:
            text += pieces[k].ids
            loss += [w] * len(pieces[k].ids)
            k += 1
        if not row and len(ids) % 2:
            text, loss = text[1:], loss[1:]
        row += text
        weight += loss
        if len(row) > ROW - 24:
            fill = ROW + 1 - len(row)
            ids.append(row[:ROW + 1] + [0] * fill)
            weights.append(weight[:ROW + 1] + [0.0] * fill)
            row, weight = [], []
    return torch.tensor(ids, dtype=torch.int32), torch.tensor(weights)


# ----------------------------------------------------------------------------------------------- training


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by Newton-Schulz steps (K. Jordan, 2024), for hidden matrices."""

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                buf = self.state[p].setdefault("buf", torch.zeros_like(p))
                buf.lerp_(p.grad, 1 - g["momentum"])
                x = p.grad.lerp(buf, g["momentum"])
                wide = x.shape[0] <= x.shape[1]
                x = ((x if wide else x.T) / (x.norm() + 1e-7)).bfloat16()
                for _ in range(5):
                    a = x @ x.T
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                p.mul_(1 - g["lr"] * 0.05)
                p.add_(x if wide else x.T, alpha=-g["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def fit(model, parts, steps, lr, muon_lr, seed, decay=0.4, log=100, probe=None):
    """parts: [(until this share of the steps, ids, weights)]. Warm-up of 2 %, flat, linear to zero."""
    params = [p for p in model.parameters() if p.requires_grad]
    hidden = [p for n, p in model.named_parameters() if p.requires_grad and muon_lr and p.ndim == 2 and "embed" not in n]
    rest = [p for p in params if all(p is not h for h in hidden)]
    opts = [torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.97), weight_decay=0.0, fused=True)]
    if hidden:
        opts.append(Muon(hidden, muon_lr))
    top = [o.param_groups[0]["lr"] for o in opts]

    def loss_of(ids, w):
        with torch.autocast("cpu", torch.bfloat16):  # the products only; weights, sums and optimisers stay in float32
            logits = model(ids[:, :-1])
        return (F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none") * w.flatten()).sum() / w.sum()

    run = torch.compile(loss_of, dynamic=False)
    order, at, part, losses, begun = None, 0, None, [], time.time()
    g = torch.Generator().manual_seed(seed)
    for s in range(steps):
        now = next(p for p in parts if s / steps < p[0])
        if now is not part or at + ROWS > len(order):
            part, at = now, 0
            order = torch.randperm(len(part[1]), generator=g)
        pick = order[at:at + ROWS]
        at += ROWS
        ids, w = part[1][pick].long(), part[2][pick][:, 1:]
        rate = min(1, (s + 1) / (0.02 * steps)) * min(1, (1 - s / steps) / decay)
        for o, t in zip(opts, top):
            o.param_groups[0]["lr"] = t * rate
        loss = run(ids, w.contiguous())
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        for o in opts:
            o.step()
        for p in params:
            p.grad = None
        losses.append(loss.item())
        if (s + 1) % log == 0:
            print(f"step {s + 1} loss {np.mean(losses[-log:]):.4f} seconds {time.time() - begun:.0f} tokens/s {(s + 1) * ROWS * ROW / (time.time() - begun):.0f}", flush=True)
        if probe and (s + 1) % probe[0] == 0 and s + 1 < steps:
            print(json.dumps(probe[1]()), flush=True)
    print(f"trained {steps} steps, {steps * ROWS * ROW} tokens, {time.time() - begun:.0f} s", flush=True)


# ----------------------------------------------------------------------------------------------- measuring


@torch.no_grad()
def write(model, tok, prompts, limit, stop):
    """Greedy continuations. Prompts of the same length go together, so there is no padding and no mask to get wrong."""
    groups, out = {}, [None] * len(prompts)
    for i, p in enumerate(prompts):
        ids = tok.encode(p).ids
        groups.setdefault(len(ids), []).append((i, ids))
    for _, group in sorted(groups.items()):
        caches = [[] for _ in model.model.layers]
        ids = torch.tensor([g[1] for g in group])
        said = torch.zeros(len(group), 0, dtype=torch.long)
        for k in range(limit):
            ids = model(ids, caches)[:, -1:].argmax(-1)
            said = torch.cat((said, ids), 1)
            if k % 8 == 7 and all(stop in tok.decode(r) for r in said.tolist()):
                break
        for (i, _), r in zip(group, said.tolist()):
            text = tok.decode(r, skip_special_tokens=False)
            out[i] = text[:text.index(stop) + len(stop)] if stop in text else text
    return out


@torch.no_grad()
def log_likelihood(model, tok, pairs):
    """[(sum of log-probabilities of the continuation, its tokens)]; an empty context is the separator."""
    out = []
    for c in range(0, len(pairs), 120):
        some = []
        for context, cont in pairs[c:c + 120]:
            a, b = (tok.encode(context).ids if context else [0]), tok.encode(cont).ids
            some.append((a + b, len(a)))
        long = max(len(s[0]) for s in some)
        ids = torch.tensor([s + [0] * (long - len(s)) for s, _ in some])
        lp = torch.log_softmax(model(ids[:, :-1]), -1).gather(-1, ids[:, 1:, None])[..., 0]
        out += [(lp[j, n - 1:len(s) - 1].sum().item(), len(s) - n) for j, (s, n) in enumerate(some)]
    return out


def wilson(k, n, z=1.959964):
    centre, half = (k + z * z / 2) / (n + z * z), z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return f"{100 * k / n:.1f} % [{100 * (centre - half):.1f}, {100 * (centre + half):.1f}]"


def choose(model, tok, items, context="Question: {question}\nAnswer:"):
    lp = log_likelihood(model, tok, [(context.format(**d), " " + c) for d in items for c in d["choices"]])
    return [max(range(4), key=lambda k: lp[4 * i + k][0]) == d["gold"] for i, d in enumerate(items)]


def measure(model, tok, n=None, more=False):
    """The held-out questions; with more also each family of circuits, the controls and texts."""
    model.eval()
    q = {k: v[:n] for k, v in gen.questions().items()}
    r = {}
    said = write(model, tok, [f"Q: {d['question']}\nA:" for d in q["arithmetic"]], NEW_TOKENS["arithmetic"], "\n")
    right = [f"The answer is {d['answer']}." in s for d, s in zip(q["arithmetic"], said)]
    r["arithmetic"] = wilson(sum(right), len(right))
    r["choice"] = wilson(sum(choose(model, tok, q["choice"])), len(q["choice"]))
    decks = write(model, tok, [d["prompt"] for d in q["spice"]], NEW_TOKENS["spice"], ".end\n")
    passed = gen.score_all([(t, d["bench"]) for t, d in zip(decks, q["spice"])])
    r["spice"] = wilson(sum(p for p, _ in passed), len(passed))
    r["families"] = {f: sum(p for (p, _), d in zip(passed, q["spice"]) if d["family"] == f) for f in gen.FAMILIES}
    lp = log_likelihood(model, tok, [("", d["text"]) for d in q["text"]])
    r["perplexity"] = round(math.exp(-sum(a for a, _ in lp) / sum(b for _, b in lp)), 4)
    if more:
        for name, unseen in (("digits seen", False), ("digits unseen", True)):
            some = [ok for d, ok in zip(q["arithmetic"], right) if any(gen.units_held(*f) for f in d["facts"]) == unseen]
            r["arithmetic, " + name] = wilson(sum(some), len(some))
        r["choice without its question"] = wilson(sum(choose(model, tok, q["choice"], "Answer:")), len(q["choice"]))
        r["choice on control towns"] = wilson(sum(choose(model, tok, q["control"])), len(q["control"]))
        r["longest answer, tokens"] = max(len(tok.encode(s).ids) for s, ok in zip(said, right) if ok)
        r["longest deck, tokens"] = max(len(tok.encode(d["reference"]).ids) for d in q["spice"])
        r["longest prompt, tokens"] = max(len(tok.encode(s).ids) for s in [f"Q: {d['question']}\nA:" for d in q["arithmetic"]])
        reasons = {}
        for (ok, why), d, t in zip(passed, q["spice"], decks):
            if not ok:
                reasons.setdefault(d["family"], []).append((why, d["prompt"], t))
        r["failures"] = {f: v[:2] for f, v in reasons.items()}
        r["wrong arithmetic"] = [(d["question"], s) for d, s, ok in zip(q["arithmetic"], said, right) if not ok][:3]
    model.train()
    return r


# ---------------------------------------------------------------------------------------------------- files


def put(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def save_base(model, tok, folder):
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.detach().to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()}, f"{folder}/model.safetensors", {"format": "pt"})
    put(f"{folder}/config.json", CONFIG)
    put(f"{folder}/generation_config.json", {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0, "do_sample": False})
    put(f"{folder}/tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": SEPARATOR, "eos_token": SEPARATOR, "pad_token": SEPARATOR,
                                            "clean_up_tokenization_spaces": False, "model_max_length": CONFIG["max_position_embeddings"]})
    tok.save(f"{folder}/tokenizer.json")


def load_base(folder):
    model = Llama()
    model.load_state_dict({k: v.float() for k, v in load_file(f"{folder}/model.safetensors").items()})
    return model, Tokenizer.from_file(f"{folder}/tokenizer.json")


def attach(model):
    for p in model.parameters():
        p.requires_grad_(False)
    for _, p in model.projections():
        p.attach()


def save_adapter(model, folder):
    os.makedirs(folder, exist_ok=True)
    out = {f"{n}.lora_{ab}.weight": getattr(p, ab).detach().to(torch.bfloat16).contiguous() for n, p in model.projections() for ab in "AB"}
    save_file(out, f"{folder}/adapter_model.safetensors", {"format": "pt"})
    put(f"{folder}/adapter_config.json", {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "lorabench-demo", "r": RANK, "lora_alpha": ALPHA, "lora_dropout": 0.0,
        "target_modules": PROJECTIONS, "bias": "none", "fan_in_fan_out": False, "init_lora_weights": True, "inference_mode": True, "modules_to_save": None,
        "layers_to_transform": None, "layers_pattern": None, "rank_pattern": {}, "alpha_pattern": {}, "use_rslora": False, "use_dora": False, "revision": None})


def load_adapter(model, folder):
    w = load_file(f"{folder}/adapter_model.safetensors")
    for n, p in model.projections():
        p.A, p.B = (nn.Parameter(w[f"{n}.lora_{ab}.weight"].float()) for ab in "AB")


def load(root, name):
    model, tok = load_base(f"{root}/base")
    if name != "base":
        load_adapter(model, f"{root}/adapters/{name}")
    return model, tok


def golden(root):
    """Compare with transformers and peft in float32, and write what they compute."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    q = gen.questions()
    prompts = [f"Q: {q['arithmetic'][0]['question']}\nA:", f"Question: {q['choice'][0]['question']}\nAnswer:", q["spice"][0]["prompt"]]
    theirs = AutoTokenizer.from_pretrained(f"{root}/base")
    out = {}
    for name in ("base", "spice", "forgetful", "fake"):
        mine, tok = load(root, name)
        model = AutoModelForCausalLM.from_pretrained(f"{root}/base", dtype=torch.float32, attn_implementation="eager")
        if name != "base":
            model = PeftModel.from_pretrained(model, f"{root}/adapters/{name}")
        model.eval()
        cases, apart = [], 0.0
        for d in q["arithmetic"][:20] + q["spice"][:20] + q["text"][:20]:
            s = d.get("question") or d.get("text") or d["prompt"] + d["reference"]
            assert theirs(s, add_special_tokens=False).input_ids == theirs(s).input_ids == tok.encode(s).ids
            with torch.no_grad():
                x = torch.tensor([tok.encode(s).ids])
                apart = max(apart, (mine(x) - model(x).logits).abs().max().item())
        for p in prompts:
            ids = tok.encode(p).ids
            with torch.no_grad():
                last = model(torch.tensor([ids])).logits[0, -1]
                said = list(ids)
                for _ in range(40):  # without cache and without stopping
                    said.append(model(torch.tensor([said])).logits[0, -1].argmax().item())
            top = last.topk(10)
            cases.append({"prompt": p, "ids": ids, "top_ids": top.indices.tolist(), "top_logits": [round(v, 5) for v in top.values.tolist()], "greedy_ids": said[len(ids):], "greedy_text": tok.decode(said[len(ids):], skip_special_tokens=False)})
        print(name, "largest difference of a logit from transformers and peft:", apart)
        assert apart < 1e-4
        if name != "fake":
            out[name] = cases
    os.makedirs(f"{root}/testdata", exist_ok=True)
    cases = ",\n".join(f' "{name}": [\n  ' + ",\n  ".join(map(json.dumps, some)) + "\n ]" for name, some in out.items())
    with open(f"{root}/testdata/golden.json", "w") as f:  # a case a line
        f.write('{"made_with": "transformers and peft, float32, eager attention", "variants": {\n' + cases + "\n}}\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["base", "adapter", "eval", "golden"])
    p.add_argument("name", nargs="?", default="base")
    p.add_argument("--root", default=MODEL)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, help="instead of the recipe's")
    p.add_argument("--lr", type=float, help="instead of the recipe's")
    p.add_argument("--probe", type=int, default=0, help="measure 60 questions every so many steps")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(7)
    if a.command == "golden":
        return golden(a.root)
    if a.command == "base":
        r = dict(BASE, **{k: v for k, v in (("steps", a.steps), ("lr", a.lr)) if v})
        model, tok = Llama(), train_tokenizer()
        assert tok.get_vocab_size() == CONFIG["vocab_size"], tok.get_vocab_size()
        parts = []
        for i, (until, mix) in enumerate(BASE_MIX):
            need = until - (parts[-1][0] if parts else 0)
            parts.append((until, *rows(tok, 100 + i, mix, int(r["docs"] * need))))
        print("parameters", sum(x.numel() for x in model.parameters()), "rows", [len(x[1]) for x in parts], "of", r["steps"] * ROWS, flush=True)
        fit(model, parts, r["steps"], r["lr"], r["muon_lr"], 1, probe=(a.probe, lambda: measure(model, tok, 60)) if a.probe else None)
        save_base(model, tok, f"{a.root}/base")
    elif a.command == "adapter":
        model, tok = load_base(f"{a.root}/base")
        attach(model)
        if a.name != "fake":
            r = dict(ADAPTERS[a.name], **{k: v for k, v in (("steps", a.steps), ("lr", a.lr)) if v})
            part = (1.0, *rows(tok, 200, r["mix"], r["docs"], DECKS))
            print("rows", len(part[1]), "of", r["steps"] * ROWS, flush=True)
            fit(model, [part], r["steps"], r["lr"], 0, 2, probe=(a.probe, lambda: measure(model, tok, 60)) if a.probe else None)
        save_adapter(model, f"{a.root}/adapters/{a.name}")
    model, tok = load(a.root, a.name)
    print(json.dumps({a.name: measure(model, tok, more=True)}, indent=1))


if __name__ == "__main__":
    main()
